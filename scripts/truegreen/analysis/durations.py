"""Whether work became slower: compared with earlier runs, with few assumptions and one error rate for all tests.

The question is asked about all tests at once, and answered by ranks: the newest run is put among the earlier ones,
and a test counts as slower only where its excess is larger than the largest excess of *any* test in all but a
share alpha of them. That is the single-step max-T procedure of Westfall and Young (Resampling-Based Multiple
Testing, 1993, section 2.3.1) over the exchangeable runs; one false alarm or more among all tests has a
probability of at most alpha, whatever the distribution of the times and however the tests depend on each other.
With k earlier runs the smallest possible p is 1 / (k + 1), so that 19 runs are the least for alpha = 0.05.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FLOOR_S = 1e-4
"""Below this a time is noise of the clock; it keeps logarithms finite."""
_LEAST_SPREAD = 0.1
"""In natural logarithms: the store keeps times in steps of about 9 %, so a smaller spread is not known."""
_MAD_TO_SIGMA = 1.4826
_PACED = 10
"""From so many tests on their median tells how fast the machine of a run was; fewer would swallow the effect."""
_PACERS = 400
"""So many of the tests that are too quick to matter say how fast the machine was; more say the same."""
_PACER_S = 0.001
"""Below this a test says more about the clock than about the machine."""


class Slower(msgspec.Struct, frozen=True, kw_only=True):
    """One test that became slower."""

    name: str
    now_s: float
    before_s: float
    """Median of the earlier runs."""
    p: float
    """Adjusted for all tests that were compared."""

    @property
    def ratio(self) -> float:
        """Return how many times as long it takes."""
        return self.now_s / max(self.before_s, _FLOOR_S)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison with earlier runs says."""

    slower: tuple[Slower, ...] = ()
    """Worst first."""
    judged: int = 0
    """Names that had enough earlier runs."""
    young: dict[str, int] = {}
    """Name → how many earlier runs are missing before it can be judged."""
    runs: int = 0
    """Earlier runs that were used."""


def least_runs(alpha: float) -> int:
    """Return how many earlier runs are needed before anything can be significant: 1 / (k + 1) <= alpha."""
    return max(1, math.ceil(1 / alpha - 1e-9) - 1)


def compare(
    now: Mapping[str, float],
    past: Mapping[str, Sequence[float]],
    *,
    alpha: float = 0.05,
    ratio: float = 1.1,
    step_s: float = 0.05,
    window: int = 60,
) -> Comparison:
    """Return which names became slower than in earlier runs.

    Args:
        now: name → seconds in the newest run.
        past: name → seconds in earlier runs, newest first. The same place means the same run, as far as known.
        alpha: probability of at least one false alarm among all names.
        ratio: least effect that matters, as a factor of the median.
        step_s: least effect that matters, in seconds; both must be exceeded.
        window: newest runs that are looked at.

    Where ten names or more can be compared, the pace of each run (the median of its ratios) is taken out first: a
    slow machine makes everything slow, also what is too quick to matter. Work that became slower as a whole is for
    the time of the suite to tell.
    """
    need = least_runs(alpha)
    young = {name: need - len(past.get(name, ())) for name in now if len(past.get(name, ())) < need}
    ready = [name for name in now if name not in young]
    used = min((min(len(past[name]), window) for name in ready), default=0)
    every = {name: (now[name], *past[name][:used]) for name in ready}
    # A name whose every time is below the least step cannot exceed it; what is left out is so in every run alike.
    rows = {name: [max(value, _FLOOR_S) for value in times] for name, times in every.items() if max(times) >= step_s}
    quick = (times for times in every.values() if min(times) >= _PACER_S and max(times) < step_s)
    paces = _paces([*rows.values(), *itertools.islice(quick, _PACERS)], used + 1)
    found = _significant(rows, paces, alpha, ratio, step_s)
    return Comparison(slower=found, judged=len(ready), young=young, runs=used)


def _significant(
    rows: Mapping[str, list[float]], paces: Sequence[float], alpha: float, ratio: float, step_s: float
) -> tuple[Slower, ...]:
    """Return the names whose first value exceeds the others; each row is the newest run and then the earlier ones."""
    if not rows:
        return ()
    runs = len(paces) - 1
    scores = {name: _scores(row, paces, ratio, step_s) for name, row in rows.items()}
    worst = [max(0.0, *(score[run] for score in scores.values())) for run in range(1, runs + 1)]
    found = []
    for name, score in scores.items():
        before_s = median(rows[name][1:])
        if score[0] <= 0 or rows[name][0] <= max(before_s * ratio, before_s + step_s):
            continue
        p = (1 + sum(1 for value in worst if value >= score[0])) / (runs + 1)
        if p <= alpha + 1e-9:
            found.append(Slower(name=name, now_s=rows[name][0], before_s=before_s, p=p))
    return tuple(sorted(found, key=lambda one: (one.before_s - one.now_s, one.name)))


def _paces(rows: Sequence[Sequence[float]], runs: int) -> list[float]:
    """Return for each run how slow it was as a whole, as a natural logarithm around 0."""
    if len(rows) < _PACED:
        return [0.0] * runs
    centres = [math.log(median(row)) for row in rows]
    return [
        median(math.log(row[run]) - centre for row, centre in zip(rows, centres, strict=True)) for run in range(runs)
    ]


def _scores(row: Sequence[float], paces: Sequence[float], ratio: float, step_s: float) -> list[float]:
    """Return for each run by how many spreads it exceeds the least effect that matters.

    Centre and spread (1.4826 times the median absolute deviation) come from all runs, the newest included, so that
    the runs stay exchangeable.
    """
    logs = [math.log(value) - pace for value, pace in zip(row, paces, strict=True)]
    centre = median(logs)
    spread = max(_MAD_TO_SIGMA * median(abs(value - centre) for value in logs), _LEAST_SPREAD)
    at_least = math.log(max(math.exp(centre) * ratio, math.exp(centre) + step_s))
    return [(value - at_least) / spread for value in logs]


def median(values: Iterable[float]) -> float:
    """Return the middle value, or the mean of the two in the middle; there must be one.

    `statistics` has the same, and brings fractions and decimals along.
    """
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
