"""Since when a rate of failures is what it is now.

A rate that changed is two rates, and neither their mean nor a verdict on it means anything: what was mended would be
haunted by its past, and what broke would hide behind it. So a verdict begins anew at a change, and only at one that is
confirmed: to begin anew at will would find a cluster in any history.

The evidence for a change is an e-process (Wasserman, Ramdas and Balakrishnan, "Universal inference", 2020): the
likelihood with one change, averaged over its place and the rates before and after it, by the largest likelihood that
any single rate reaches. While the rate is one, it ever reaches 100 with a probability of at most 1 / 100, however often
it is looked at. Places and rates have the priors of a Bayesian change point, as LUCI Analysis looks for one.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EVIDENCE_NEEDED = 100.0
"""Winnings that confirm a change: wrongly in one history of a hundred, which the verdict after it is stricter for."""
_HAZARD = 1e-3
"""Prior probability of a change at any one run."""
_PRIOR = (0.5, 10.0)
"""Beta prior of the rates before and after; that of rates above the limit in `sequential`."""
_CHANGES_MAX = 16


def since(failures: Sequence[int], runs: int) -> int:
    """Return the number of the first run from which the rate is one, as far as is known; 0 without a change.

    Args:
        failures: numbers of the runs that failed, rising, from 0.
        runs: how many there are.
    """
    start = 0
    for _ in range(_CHANGES_MAX):
        found = _change([run - start for run in failures if run >= start], runs - start)
        if not found:
            return start
        start += found
    return start


def _change(failures: Sequence[int], runs: int) -> int:
    """Return the first run after the likeliest change, if one is confirmed; else 0."""
    number = len(failures)
    if number < 2 or runs <= number:  # noqa: PLR2004 - one failure is no rate
        return 0
    # All places between two failures split them alike; after the last one there is no run left to begin with.
    spans = [(max(last + 1, 1), following) for last, following in pairwise((-1, *failures, runs - 1))]
    needed = math.log(EVIDENCE_NEEDED) + _log_likelihood(number, runs)
    if _most(spans, number, runs) < needed:
        return 0
    logs = [log for before, (first, last) in enumerate(spans) for log in _between(before, number, first, last, runs)]
    best = max(logs)
    evidence = best + math.log(math.fsum(math.exp(value - best) for value in logs))
    if evidence < needed:
        return 0
    place = 1 + logs.index(best)
    # A change to the worse is found at a failure, which would count twice: for the change, and against the new rate.
    return place + (place in failures)


def _log_likelihood(failures: int, runs: int) -> float:
    """Return the log of the largest likelihood that a single rate gives."""
    if not 0 < failures < runs:
        return 0.0
    return failures * math.log(failures / runs) + (runs - failures) * math.log1p(-failures / runs)


def _most(spans: Sequence[tuple[int, int]], number: int, runs: int) -> float:
    """Return what no average over places and rates exceeds, which spares nearly all histories the average.

    Between two failures the likelihood of the best two rates is convex in the place: its largest value is at an end.
    """
    return max(
        (
            _log_likelihood(before, place) + _log_likelihood(number - before, runs - place)
            for before, ends in enumerate(spans)
            for place in ends
            if 0 < place < runs
        ),
        default=-math.inf,
    )


def _between(before: int, number: int, first: int, last: int, runs: int) -> list[float]:
    """Return the log of the likelihood with a change at each place from first to last.

    Args:
        before: failures before the place.
        number: all failures.
        first: least number of runs before the place.
        last: most of them.
        runs: all runs.
    """
    a, b = _PRIOR
    after = number - before
    table, total = _log_gamma(b, runs), _log_gamma(a + b, runs)
    constant = math.log(_HAZARD) + math.lgamma(a + before) + math.lgamma(a + after)
    constant += 2 * (math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))
    stay = math.log1p(-_HAZARD)
    return [
        constant + place * stay + table[place - before] - total[place]
        + table[runs - place - after] - total[runs - place]
        for place in range(first, last + 1)
    ]  # fmt: skip


@lru_cache(maxsize=8)
def _log_gamma(offset: float, runs: int) -> list[float]:
    """Return log Gamma(offset + k) for k from 0 to a number of runs."""
    return [math.lgamma(offset + number) for number in range(runs + 1)]
