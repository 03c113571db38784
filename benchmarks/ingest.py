"""Reading JUnit XML of very many tests: beside the least that CPython can do, in time and in memory.

Each measurement is a process of its own, so that the peak of its memory is its own; run as a program, this file is
that process. Times are seconds of the processor, which other work on the machine stretches less. The floor is one
expat pass with the handlers one would write for nothing but this: ids, outcomes, text of failures, the slowest ten,
merged over files by id. It checks nothing: no totals, no limits, no repeated names.
"""

from __future__ import annotations

import heapq
import json
import statistics
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = 5
MANY, SOME = 500_000, 100_000
FLOOR_S = 0.95
"""The floor of `MANY` tests on the machine that the limits in seconds were set on."""
TRACE = "".join(f"    frame {n}: tests/unit/test_module.py:{n}: in helper\n" for n in range(20))
Floor = dict[str, tuple[str, str]]


def junit() -> Iterator[measure.Row]:
    """Yield reading and judging, as time and as growth of memory, against the floor or a fixed limit."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name)
        for label, cases, files, noise in (
            ("500,000 in one file", MANY, 1, 0),
            ("500,000 in 20 files", MANY, 20, 0),
            ("500,000 and 200 MB of output", MANY, 1, 200 << 20),
        ):
            write(folder / label, cases, files, noise)
            yield from _beside_floor(folder / label, label)
        write(folder / "shards", SOME, 20, 0)
        yield from _judged(folder / "500,000 in 20 files", "500,000 in 20 files", 2000, 96)
        yield from _judged(folder / "shards", "100,000 in 20 files", 500, 64)


def _beside_floor(folder: Path, label: str) -> Iterator[measure.Row]:
    ours, floor = [], []
    for _ in range(RUNS):
        floor.append(_run("floor", folder))
        ours.append(_run("read", folder))
    least_s = statistics.median(took for took, _ in floor)
    took_s = statistics.median(took for took, _ in ours)
    memory = statistics.median(grown for _, grown in ours)
    note = f"{took_s / least_s:.2f} x the floor of {least_s:.2f} s; {memory:.0f} MB of at most 64"
    state = "" if memory <= 64 else measure.OVER
    row = measure.row(f"JUnit, {label}", 1300 * least_s, [took for took, _ in ours], note=note)
    yield measure.Row(**{**vars(row), "state": state})


def _judged(folder: Path, label: str, limit_ms: float, limit_mb: float) -> Iterator[measure.Row]:
    runs = [_run("judge", folder) for _ in range(RUNS)]
    memory = statistics.median(grown for _, grown in runs)
    note = f"read, merge, delta, verdict; {memory:.0f} MB of at most {limit_mb:.0f}; {stretched(limit_ms)}"
    row = measure.row(f"JUnit to verdict, {label}", limit_ms * slower(), [took for took, _ in runs], note=note)
    yield measure.Row(**{**vars(row), "state": "" if memory <= limit_mb else measure.OVER})


@cache
def slower() -> float:
    """Return how many times as long the floor takes here as on the machine that the limits in seconds were set on."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        write(Path(name) / "some", SOME, 1, 0)
        took_s = [_run("floor", Path(name) / "some")[0] for _ in range(2 * RUNS + 1)]
    return max(1.0, statistics.median(took_s) * MANY / SOME / FLOOR_S)


def stretched(limit_ms: float) -> str:
    """Return what a row says about a limit that was set in seconds."""
    return f"{limit_ms:,.0f} ms where the floor takes {FLOOR_S} s; {slower():.2f} x that here"


def _run(what: str, folder: Path) -> tuple[float, float]:
    """Return seconds and MB of growth of one measurement in a process of its own."""
    took_s, grown_mb = json.loads(measure.timed([measure.PYTHON, __file__, what, folder])[1])
    return took_s, grown_mb


# --- the input ------------------------------------------------------------------------------------------------------


def write(folder: Path, cases: int, files: int, noise: int) -> None:
    """Write results in the manner of pytest: one in a hundred fails with a traceback, one is skipped."""
    folder.mkdir()
    for file in range(files):
        numbers = range(file, cases, files)
        failed = sum(n % 100 == 7 for n in numbers)
        skipped = sum(n % 100 == 8 for n in numbers)
        with (folder / f"{file}.xml").open("w", encoding="utf-8") as out:
            out.write('<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="0" ')
            out.write(f'failures="{failed}" skipped="{skipped}" tests="{len(numbers)}" time="99.1">')
            out.writelines(_case(n, n % 100) for n in numbers)
            out.write("<system-out>")
            out.writelines("lorem ipsum dolor sit amet, consectetur\n" * 1024 for _ in range(0, noise, 40 << 10))
            out.write("</system-out></testsuite></testsuites>")


def _case(n: int, kind: int) -> str:
    head = f'<testcase classname="tests.unit.test_module_{n // 50:05}.TestThing" name="test_does_{n}[{n % 7}-x]"'
    head += f' time="{n % 977 / 1000:.3f}"'
    if kind == 7:
        return f'{head}><failure message="AssertionError: assert {n} == 0">{TRACE}</failure></testcase>'
    if kind == 8:
        return f'{head}><skipped type="pytest.skip" message="not here">why</skipped></testcase>'
    return f"{head} />"


# --- what is measured -----------------------------------------------------------------------------------------------


def floor(folder: Path) -> Callable[[], object]:
    """Return one expat pass over all files that collects what is asked for, and nothing else."""

    def run() -> tuple[Floor, list[tuple[float, str]]]:
        merged: Floor = {}
        slowest: list[tuple[float, str]] = []
        for path in sorted(folder.iterdir()):
            _pass(path, merged, slowest)
        return merged, heapq.nlargest(10, slowest)

    return run


def _pass(path: Path, merged: Floor, slowest: list[tuple[float, str]]) -> None:
    test, outcome, parts, inside = "", "pass", [], False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal test, outcome, parts, inside
        if tag == "testcase":
            test, outcome, parts = f"{attributes['classname']}::{attributes['name']}", "pass", []
            took = float(attributes["time"])
            if len(slowest) < 10:
                heapq.heappush(slowest, (took, test))
            elif took > slowest[0][0]:
                heapq.heapreplace(slowest, (took, test))
        elif tag in ("failure", "error", "skipped"):
            outcome, inside = tag, tag != "skipped"
            parts.append(attributes.get("message", ""))

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "testcase":
            merged[test] = (outcome, "".join(parts))
        else:
            inside = False

    def text(data: str) -> None:
        if inside:
            parts.append(data)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    with path.open("rb") as stream:
        parser.ParseFile(stream)


def read(folder: Path) -> Callable[[], Any]:
    """Return the same by truegreen: read, merged, failures and the slowest ten looked up."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.analysis import merge  # noqa: PLC0415 - the floor does without
    from truegreen.ingest.junit import JUnitReader  # noqa: PLC0415

    def run() -> Any:
        merged = merge.shards([JUnitReader().read(path, folder) for path in sorted(folder.iterdir())])
        return merged, merged.bad(), merged.slowest(10)

    return run


def judge(folder: Path) -> Callable[[], object]:
    """Return reading, merging, the delta against a base of which its failures are known, and three verdicts."""
    again = read(folder)
    from truegreen.gates.flakiness import Flakiness, FlakinessOptions  # noqa: PLC0415 - the floor does without
    from truegreen.gates.no_failures import NoFailures, NoFailuresOptions  # noqa: PLC0415
    from truegreen.gates.time_budget import TimeBudget, TimeBudgetOptions  # noqa: PLC0415
    from truegreen.model.evidence import RunState, StageRecord, ToolRun  # noqa: PLC0415
    from truegreen.model.history import History  # noqa: PLC0415
    from truegreen.model.run import RunEvidence, StageEvidence  # noqa: PLC0415

    took = (ToolRun(name="pytest", exit_code=1, duration_s=20.0),)
    record = StageRecord(stage="unit", state=RunState.RAN, commit="c" * 40, started="2026-11-21", tools=took)
    judges = ((NoFailures, NoFailuresOptions), (Flakiness, FlakinessOptions), (TimeBudget, TimeBudgetOptions))

    def run() -> object:
        tests, bad, _ = again()
        base = {f"tests.unit.test_module_{n // 50:05}.TestThing::test_does_{n}[{n % 7}-x]" for n in range(6, MANY, 100)}
        failed = {case.id for case in bad}
        delta = (failed - base, base - failed, failed & base)
        evidence = RunEvidence(stages=(StageEvidence(stage="unit", records=(record,), tests=tests),))
        return delta, [gate().evaluate(evidence, "unit", options(), History()) for gate, options in judges]

    return run


def main(what: str, folder: str) -> int:
    """Print seconds and MB of growth of one measurement."""
    run = {"floor": floor, "read": read, "judge": judge}[what](Path(folder))
    before_kb = peak_kb()
    start = time.process_time()
    kept = run()
    took_s = time.process_time() - start
    grown_mb = (peak_kb() - before_kb) / 1024
    print(json.dumps([took_s, grown_mb]))
    return 0 if kept else 1


def peak_kb() -> int:
    """Return the peak of this program alone; `ru_maxrss` begins with that of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
