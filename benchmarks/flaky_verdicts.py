"""How often rules on a rate of failures are wrong when they are asked after every run.

A rule is two thresholds for each number of failures: from how many runs on it says "below the limit", and up to how
many it says "above". So a history is only its failing runs, drawn by geometric gaps.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truegreen.analysis.sequential import Decision, decide

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

LIMIT = 0.01
RUNS = 1500
RATES = (0.003, 0.008, 0.0099, 0.0101, 0.02)
_Z = 1.6448536269514722
"""95 % of the normal distribution lie below it: one wrong bound in twenty on each side, as ours promises."""
_POINT_RUNS_MIN = 20


@dataclass(frozen=True)
class Rule:
    """When a rule decides; index is the number of failures so far, beyond the last index nothing changes any more."""

    name: str
    good_from: tuple[int, ...]
    """Runs from which on it says "below"; above the horizon for never."""
    bad_until: tuple[int, ...]
    """Runs up to which it says "above"; 0 for never."""
    runs_min: int = 1


@dataclass(frozen=True)
class Outcome:
    """What one rule did over many histories of one true rate."""

    rule: str
    rate: float
    histories: int
    wrong: float
    """Share of histories whose first verdict is wrong."""
    undecided: float
    median_runs: float
    """Of the histories with a right verdict; not a number without any."""


def rules() -> tuple[Rule, ...]:
    """Return the rules that are compared; the first is truegreen's."""
    return (
        _rule("e-process", lambda n, x: decide(n, x, LIMIT)),
        _rule("Wilson 95 %", _wilson),
        _rule("point estimate", _point, runs_min=_POINT_RUNS_MIN),
    )


def play(rule: Rule, rate: float, histories: int, random: random.Random) -> Outcome:
    """Return what a rule that is asked after every run says of histories with a true rate."""
    wrong_side = Decision.ABOVE if rate < LIMIT else Decision.BELOW
    wrong = undecided = 0
    right: list[int] = []
    for _ in range(histories):
        decision, runs = _first_verdict(rule, rate, random)
        if decision is Decision.UNDECIDED:
            undecided += 1
        elif decision is wrong_side:
            wrong += 1
        else:
            right.append(runs)
    median = statistics.median(right) if right else math.nan
    return Outcome(rule.name, rate, histories, wrong / histories, undecided / histories, median)


def _first_verdict(rule: Rule, rate: float, random: random.Random) -> tuple[Decision, int]:
    """Return the first verdict of one history and after how many runs it fell."""
    time, failures = 0, 0
    while time < RUNS:
        # The gap to the next failing run is geometric: inverse of its distribution function.
        following = time + 1 + int(math.log(1.0 - random.random()) / math.log1p(-rate))
        place = min(failures, len(rule.good_from) - 1)
        first, last = max(time, rule.runs_min), min(following - 1, RUNS)
        if failures and first <= last and first <= rule.bad_until[place]:
            return Decision.ABOVE, first
        good = max(first, rule.good_from[place])
        if good <= last:
            return Decision.BELOW, good
        time, failures = following, failures + 1
    return Decision.UNDECIDED, RUNS


def _rule(name: str, ask: Callable[[int, int], Decision], *, runs_min: int = 1) -> Rule:
    """Return a rule as thresholds; "below" and "above" each hold on one side of a number of runs."""
    good, bad = [], []
    for failures in range(RUNS // 10):
        least = max(failures, runs_min)
        good.append(_first(least, lambda n, x=failures: ask(n, x) is Decision.BELOW))
        bad.append(_first(least, lambda n, x=failures: ask(n, x) is not Decision.ABOVE) - 1)
    return Rule(name, tuple(good), tuple(bad), runs_min)


def _first(least: int, holds: Callable[[int], bool]) -> int:
    """Return the first number of runs from which on something holds, at most one beyond the horizon."""
    low, high = least, RUNS + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _wilson(runs: int, failures: int) -> Decision:
    """Compare the limit with the ends of Wilson's score interval (Wilson 1927)."""
    ratio = failures / runs
    centre = (ratio + _Z**2 / (2 * runs)) / (1 + _Z**2 / runs)
    half = _Z / (1 + _Z**2 / runs) * math.sqrt(ratio * (1 - ratio) / runs + _Z**2 / (4 * runs**2))
    if centre + half < LIMIT:
        return Decision.BELOW
    return Decision.ABOVE if centre - half > LIMIT else Decision.UNDECIDED


def _point(runs: int, failures: int) -> Decision:
    """Compare the limit with the share of failures."""
    if failures == LIMIT * runs:
        return Decision.UNDECIDED
    return Decision.BELOW if failures < LIMIT * runs else Decision.ABOVE
