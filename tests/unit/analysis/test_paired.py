"""Pairs of runs: what they may say, how often they are wrong, and when they say nothing."""

from __future__ import annotations

import math
import random

import pytest

from truegreen.analysis.paired import PAIRS_MAX, Change, compare, interval
from truegreen.model.pairs import Pairs


def times(number, factor, *, base=1.0, noise=0.05, drift=0.5, seed=0):
    """Return pairs on a machine that drifts: what it does to both runs of a pair is the same."""
    chance = random.Random(seed)
    rows = []
    for _ in range(number):
        machine = base * math.exp(chance.gauss(0, drift))
        rows.append((machine * math.exp(chance.gauss(0, noise)), factor * machine * math.exp(chance.gauss(0, noise))))
    return Pairs(base_s=tuple(row[0] for row in rows), change_s=tuple(row[1] for row in rows))


def decided(*pairs, **options):
    limits = {"alpha": 0.05, "ratio": 1.1, "step_s": 0.05, **options}
    return [one.change for one in compare({f"t{n:03}": one for n, one in enumerate(pairs)}, **limits)]


def test_interval_ends_at_typical_values():
    assert interval([1.0, 2.0, 3.0], 0.125) == (1.0, 3.0)
    assert interval([1.0, 2.0, 3.0], 0.25) == (1.5, 2.5)
    assert interval([1.0, 2.0, 3.0], 0.12) == (-math.inf, math.inf)
    assert interval([], 0.05) == (-math.inf, math.inf)


def test_slow_down_is_seen_through_a_machine_that_drifts():
    assert decided(times(6, 1.5)) == [Change.SLOWER]
    assert decided(times(6, 1.0, noise=0.02)) == [Change.WITHIN]
    assert decided(times(6, 0.5)) == [Change.WITHIN]


def test_too_few_or_too_unlike_pairs_are_undecided():
    assert decided(times(4, 3.0)) == [Change.UNDECIDED]
    assert decided(times(5, 3.0)) == [Change.SLOWER]
    assert decided(times(6, 1.1)) == [Change.UNDECIDED]
    assert decided(times(8, 1.3, noise=1.0, seed=4)) == [Change.UNDECIDED]


def test_both_limits_must_be_exceeded():
    assert decided(times(8, 1.5, base=0.08, noise=0.0, drift=0.1)) == [Change.WITHIN]  # 40 ms
    assert decided(times(8, 1.08, base=10.0, noise=0.0, drift=0.1)) == [Change.WITHIN]  # 0.8 s, and only 8 %
    assert decided(times(8, 1.5, base=0.01, drift=0.1)) == []  # could not have become slower by 50 ms


def test_more_tests_need_more_pairs():
    one, many = times(6, 2.0), [times(6, 2.0, seed=number) for number in range(10)]
    assert decided(one) == [Change.SLOWER]
    assert set(decided(*many)) == {Change.UNDECIDED}
    assert set(decided(*(times(8, 2.0, seed=number) for number in range(10)))) == {Change.SLOWER}


@pytest.mark.parametrize("factor", [1.0, 1.1])
@pytest.mark.parametrize("number", [5, 8, PAIRS_MAX])
def test_false_alarms_stay_below_alpha_over_all_tests(factor, number):
    alarms = sum(
        Change.SLOWER in decided(*(times(number, factor, noise=0.2, seed=1000 * history + n) for n in range(4)))
        for history in range(100)
    )
    assert alarms <= 100 * 0.05 + 3 * math.sqrt(100 * 0.05 * 0.95)


def test_slow_down_is_hardly_ever_called_within():
    missed = sum(decided(times(8, 1.1, noise=0.2, seed=seed)) == [Change.WITHIN] for seed in range(300))
    assert missed <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)
