"""Whether a change made something slower, from runs of base and change in turn.

What the machine does to both runs of a pair leaves their ratio alone. The interval for the middle of the ratios comes
from the means of all subsets of pairs (Hartigan, "Using subsample values as typical values", 1969): where ratios lie
symmetrically around a true value, that value is equally likely to lie in each of the 2^n gaps between the 2^n - 1
means, whatever their distribution is. So n pairs can decide at a level of 2^-n, and no random numbers are drawn.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.durations import median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truegreen.model.pairs import Pairs

PAIRS_MAX = 12
"""More are not looked at: the means of their subsets would be too many, and 12 decide among 200 tests."""
_FLOOR_S = 1e-4
"""Below this a time is noise of the clock; it keeps logarithms finite."""


class Change(StrEnum):
    """What the pairs say."""

    SLOWER = "slower"
    """By more than the least slow-down that matters."""
    WITHIN = "within"
    """Not by more than that."""
    UNDECIDED = "undecided"
    """The interval spans the limit: too few pairs, or too unlike ones."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in all pairs."""

    name: str
    base_s: float
    """Median."""
    change_s: float
    low: float
    """Ratio of change to base that is not contradicted, from here ..."""
    high: float
    """... to here; infinite where there are too few pairs."""
    change: Change


def compare(pairs: Mapping[str, Pairs], *, alpha: float, ratio: float, step_s: float) -> tuple[Compared, ...]:
    """Return what pairs of runs say about each thing that could have become slower by as much as matters.

    Args:
        pairs: name → seconds in each pair.
        alpha: probability of at least one false alarm among all names; each has the same share (Bonferroni).
        ratio: least slow-down that matters, as a factor of the base's time.
        step_s: least slow-down that matters, in seconds; both must be exceeded.
    """
    able = {name: one for name, one in pairs.items() if max((*one.base_s, *one.change_s), default=0.0) >= step_s}
    return tuple(_compared(name, one, alpha / len(able), ratio, step_s) for name, one in sorted(able.items()))


def _compared(name: str, one: Pairs, alpha: float, ratio: float, step_s: float) -> Compared:
    times = [
        (max(base, _FLOOR_S), max(change, _FLOOR_S)) for base, change in zip(one.base_s, one.change_s, strict=True)
    ][:PAIRS_MAX]
    low, high = interval([math.log(change / base) for base, change in times], alpha)
    over = interval([math.log(change / max(base * ratio, base + step_s)) for base, change in times], alpha)
    change = Change.SLOWER if over[0] > 0 else Change.WITHIN if over[1] <= 0 else Change.UNDECIDED
    return Compared(
        name=name,
        base_s=median(base for base, _ in times),
        change_s=median(change for _, change in times),
        low=math.exp(low),
        high=math.exp(high),
        change=change,
    )


def interval(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """Return the typical values of a symmetric distribution; each end is wrong with a probability of at most alpha.

    Args:
        values: independent, at most PAIRS_MAX.
        alpha: 0 to 1; below 2^-n nothing can be said, and the interval is infinite.
    """
    place = math.floor(alpha * 2 ** len(values) + 1e-9)
    if place < 1:
        return -math.inf, math.inf
    sums, sizes = [0.0], [0]
    for value in values:
        sums += [known + value for known in sums]
        sizes += [known + 1 for known in sizes]
    means = sorted(total / size for total, size in zip(sums, sizes, strict=True) if size)
    return means[min(place, len(means)) - 1], means[-min(place, len(means))]
