"""How right the flakiness gate is, by simulation: `python -m benchmarks.flakiness [--seeds N --histories N --seed S]`.

The first table plays histories of a known rate of false failures, with the gate asked after every run, next to the two
usual rules. The second changes the rate on the way. The third plays test suites with the rates that FlakeFlagger
measured, and tells how many of the tests that are called flaky are (precision), and how many of the flaky ones are
found (recall). The seed is fresh each time, and printed; it ends with 1 when the gate is wrong in more than one history
of twenty.
"""

from __future__ import annotations

import argparse
import math
import secrets
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from benchmarks import flaky_changes, flaky_suites, flaky_verdicts

WRONG_MAX = 0.05


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return 1 when a verdict of ours is wrong too often."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flakiness", description="Simulate the flakiness gate.")
    parser.add_argument("--histories", type=_positive, default=4000, help="histories for each rate (default 4000)")
    parser.add_argument("--seeds", type=_positive, default=2, help="rounds of the suites (default 2)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; the default is a new one")
    asked = parser.parse_args(arguments)
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    begin = time.perf_counter()
    print(f"seed {seed}\n")
    right = verdicts(asked.histories, seed)
    print()
    right = changes(max(10, asked.histories // 40), seed) and right
    print()
    detector(asked.seeds, seed)
    print(f"\n{time.perf_counter() - begin:.0f} s")
    return 0 if right else 1


def verdicts(histories: int, seed: int) -> bool:
    """Print how often each rule is wrong; return whether ours is within its promise at every rate."""
    runs = flaky_verdicts.RUNS
    print(
        f"limit {flaky_verdicts.LIMIT:.0%}, {histories:,} histories of {runs:,} runs, asked after each:\n"
        "share whose first verdict is wrong / without any (median runs to a right one)\n"
    )
    rules = flaky_verdicts.rules()
    print(_line("true rate", *(rule.name for rule in rules)))
    right = True
    for rate in flaky_verdicts.RATES:
        played = [flaky_verdicts.play(rule, rate, histories, Random(f"{seed} {rate}")) for rule in rules]
        print(_line(f"{rate:.2%}", *map(_played, played)))
        right = right and played[0].wrong <= WRONG_MAX
    print(f"\ne-process at most {WRONG_MAX:.0%} wrong on each side: {'yes' if right else 'NO'}")
    return right


def changes(histories: int, seed: int) -> bool:
    """Print how a rate that changes is judged; return whether the verdict is within its promise, luck allowed for."""
    runs = f"{flaky_changes.BEFORE:,} runs before and {flaky_changes.AFTER:,} after"
    print(
        f"change of the rate, {histories:,} histories, {runs}:\n"
        "wrong / share with the right verdict on the new rate (median runs to it)\n"
    )
    print(_line("change", "anew at a change", "never anew", first=20))
    right = True
    for before, after in flaky_changes.CHANGES:
        played = [
            flaky_changes.play(before, after, histories, Random(f"{seed} {before} {after}"), anew=anew)
            for anew in (True, False)
        ]
        cells = (f"{one.wrong:.3f} / {one.noticed:.3f} ({one.median_runs:,.0f})" for one in played)
        print(_line(f"{before:.2%} > {after:.2%}", *cells, first=20))
        right = right and played[0].wrong <= WRONG_MAX + 3 * math.sqrt(WRONG_MAX * (1 - WRONG_MAX) / histories)
    return right


def detector(seeds: int, seed: int) -> None:
    """Print precision and recall of the detector, next to simpler rules."""
    found = flaky_suites.suites()
    flaky = sum(len(group) for suite in found for group in suite.groups)
    print(
        f"{len(found)} suites, {sum(suite.tests for suite in found):,} tests, {flaky} flaky (FlakeFlagger), "
        f"{flaky_suites.COMMITS} commits, {seeds} seeds: precision / recall\n"
    )
    pairs = [(ratio, noise) for ratio in flaky_suites.INCIDENT_RATIOS for noise in flaky_suites.NOISES]
    columns = [
        # The chance of suites and incidents is the same for each noise.
        flaky_suites.averaged(ratio, noise, found, [Random(f"{seed} {number} {ratio}") for number in range(seeds)])
        for ratio, noise in pairs
    ]
    print(_line("incidents", *(f"{ratio:.1%}" for ratio, _ in pairs), width=13, first=24))
    print(_line("noise of messages", *(f"{noise:.1f}" for _, noise in pairs), width=13, first=24))
    for row in zip(*columns, strict=True):
        print(_line(row[0].rule, *(f"{score.precision:.3f}/{score.recall:.3f}" for score in row), width=13, first=24))


def _played(outcome: flaky_verdicts.Outcome) -> str:
    median = "-" if math.isnan(outcome.median_runs) else f"{outcome.median_runs:,.0f}"
    return f"{outcome.wrong:.3f} / {outcome.undecided:.3f} ({median})"


def _line(first_cell: str, *cells: str, width: int = 24, first: int = 12) -> str:
    return (first_cell.ljust(first) + "".join(cell.ljust(width) for cell in cells)).rstrip()


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
