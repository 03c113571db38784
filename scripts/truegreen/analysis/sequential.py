"""A verdict on a rate of failures that stays right however often it is looked at.

An ordinary interval that is looked at after every run is wrong far more often than it says. An e-process is a bet
against a hypothesis, whose expected winnings are at most 1 while the hypothesis holds; by Ville's inequality (Ville
1939; Ramdas et al., "Game-theoretic statistics and safe anytime-valid inference", 2023) they ever reach 20 with
a probability of at most 1 / 20.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.incomplete_beta import log_beta, log_tails

if TYPE_CHECKING:
    from collections.abc import Callable

EVIDENCE_NEEDED = 20.0
"""Winnings that decide: at most one wrong verdict in twenty on each side."""
EVIDENCE_ANEW = 25.0
"""Winnings that decide after a confirmed change of the rate: one in a hundred is left for the change (1/25 + 1/100)."""
_BELOW = (0.5, 50.0)
"""Beta prior of rates below the limit; with the next one chosen once, and not tuned."""
_ABOVE = (0.5, 10.0)
_RUNS_MAX = 1 << 24
_HALVINGS = 30


class Decision(StrEnum):
    """What the runs so far say about a rate and its limit."""

    BELOW = "below"
    ABOVE = "above"
    UNDECIDED = "undecided"
    """Not enough data: normal, and no reason to call anything good."""


class Interval(msgspec.Struct, frozen=True):
    """Rates (0 to 1) that the runs do not contradict; each end is wrong in one case of twenty, however often seen."""

    low: float
    high: float


def log_evidence_below(runs: int, failures: int, limit: float) -> float:
    """Return the log of the winnings against "the rate is at least the limit".

    E = Int_{t < limit} t^x (1-t)^(n-x) dPi(t) / (limit^x (1-limit)^(n-x)), with Pi a Beta truncated to (0, limit).

    Args:
        runs: independent runs, n.
        failures: those that failed, x; at most n.
        limit: the rate that must not be reached, strictly between 0 and 1.
    """
    a, b = _BELOW
    prior, _ = log_tails(a, b, limit)
    after, _ = log_tails(a + failures, b + runs - failures, limit)
    return _gain(runs, failures, (a, b), after - prior) - _log_likelihood(runs, failures, limit)


def log_evidence_above(runs: int, failures: int, limit: float) -> float:
    """Return the log of the winnings against "the rate is at most the limit"; as `log_evidence_below`, above it."""
    a, b = _ABOVE
    _, prior = log_tails(a, b, limit)
    _, after = log_tails(a + failures, b + runs - failures, limit)
    return _gain(runs, failures, (a, b), after - prior) - _log_likelihood(runs, failures, limit)


def decide(runs: int, failures: int, limit: float, *, doubtful: int = 0, needed: float = EVIDENCE_NEEDED) -> Decision:
    """Return whether a rate is shown to be below a limit, above it, or neither.

    A limit of 0 can be broken but never be shown to hold. One failure alone never shows a rate to be above a limit
    that is not 0.

    Args:
        runs: independent runs.
        failures: those that failed.
        limit: 0 to 1.
        doubtful: further runs that may have failed; they can keep the rate from being good, and cannot make it bad.
        needed: winnings that decide.
    """
    if not 0 <= failures <= runs or doubtful < 0:
        raise ValueError(f"{failures} failures in {runs} runs, {doubtful} doubtful")
    if limit <= 0:
        return Decision.ABOVE if failures else Decision.UNDECIDED
    if limit >= 1:
        return Decision.BELOW if runs else Decision.UNDECIDED
    if failures > 1 and log_evidence_above(runs, failures, limit) >= math.log(needed):
        return Decision.ABOVE
    if log_evidence_below(runs + doubtful, failures + doubtful, limit) >= math.log(needed):
        return Decision.BELOW
    return Decision.UNDECIDED


@lru_cache(maxsize=1024)
def clean_runs_needed(runs: int, failures: int, limit: float, needed: float = EVIDENCE_NEEDED) -> int | None:
    """Return how many more runs without a failure show the rate to be below the limit; None when none do."""
    if limit <= 0:
        return None
    if decide(runs, failures, limit, needed=needed) is Decision.BELOW:
        return 0
    low, high = 0, 64
    while not _below(runs + high, failures, limit, needed):
        low, high = high, high * 2
        if high > _RUNS_MAX:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _below(runs + middle, failures, limit, needed) else (middle, high)
    return high


def interval(runs: int, failures: int, needed: float = EVIDENCE_NEEDED) -> Interval:
    """Return the rates that the runs do not contradict; it and `decide` never contradict each other."""
    if not runs:
        return Interval(0.0, 1.0)
    least = math.log(needed)
    _, high = _edge(lambda rate: log_evidence_below(runs, failures, rate) < least)
    low, _ = _edge(lambda rate: failures > 1 and log_evidence_above(runs, failures, rate) >= least)
    return Interval(low, high)


def _below(runs: int, failures: int, limit: float, needed: float) -> bool:
    return limit >= 1 or log_evidence_below(runs, failures, limit) >= math.log(needed)


def _gain(runs: int, failures: int, prior: tuple[float, float], log_mass: float) -> float:
    """Return the log of the likelihood averaged over the truncated prior."""
    a, b = prior
    return log_beta(a + failures, b + runs - failures) - log_beta(a, b) + log_mass


def _log_likelihood(runs: int, failures: int, rate: float) -> float:
    return failures * math.log(rate) + (runs - failures) * math.log1p(-rate)


def _edge(holds: Callable[[float], bool]) -> tuple[float, float]:
    """Return two neighbouring rates: something holds up to the first, and no more at the second."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low, high
