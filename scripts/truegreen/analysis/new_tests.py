"""Which tests a change brings, and how rare a flakiness some runs of them could have caught."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.changes import Changes

CONFIDENCE = 0.95
ENOUGH_RUNS = 29
"""Runs after which a test that fails in 10 % of its runs was caught with 95 % confidence: `runs_for(0.1)`."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a test stands in the code."""

    id: str
    path: str
    """Relative to the repository, with `/`."""
    first: int
    """1-based line, decorators included."""
    last: int


def of_change(places: Iterable[Place], changes: Changes) -> tuple[str, ...]:
    """Return the ids of tests that are new or changed: in an added file, or with a line of their own in the change.

    Parametrised tests share their lines, so that all of them count.
    """
    files = {file.path: file for file in changes.files if not file.deleted}
    found = (
        place.id
        for place in places
        if (file := files.get(place.path)) is not None
        and (file.added or any(place.first <= line <= place.last for line in file.lines))
    )
    return tuple(dict.fromkeys(found))


def catchable(runs: int, confidence: float = CONFIDENCE) -> float:
    """Return the least failure rate p (0 to 1) that `runs` runs without a failure speak against.

    A test that fails in a share p of its runs, independently, passes n times in a row with (1-p)^n. The rate at which
    that chance is 1-c is the exact one-sided (Clopper-Pearson) upper bound for no failure in n runs:
    p = 1 - (1-c)^(1/n). 29 runs give 9.8 %, 299 give 1.0 %.

    Raises:
        ValueError: there was no run, or the confidence is not between 0 and 1.
    """
    if runs < 1 or not 0 < confidence < 1:
        raise ValueError(f"{runs} runs at confidence {confidence}")
    return -math.expm1(math.log1p(-confidence) / runs)


def runs_for(rate: float, confidence: float = CONFIDENCE) -> int:
    """Return the number of runs that catch a failure rate (0 to 1, both excluded): n = ceil(ln(1-c) / ln(1-p)).

    Raises:
        ValueError: the rate or the confidence is not between 0 and 1.
    """
    if not 0 < rate < 1 or not 0 < confidence < 1:
        raise ValueError(f"rate {rate} at confidence {confidence}")
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate))


def percent(rate: float) -> str:
    """Return a rate in percent with two digits, rounded up: a claim is never better than what was shown."""
    if not 0 < rate < 1:
        return f"{rate * 100:g} %"
    digits = 1 - math.floor(math.log10(rate * 100))
    scale = 10.0**digits
    return f"{math.ceil(round(rate * 100 * scale, 6)) / scale:.{max(digits, 0)}f} %"
