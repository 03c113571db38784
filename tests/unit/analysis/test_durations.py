"""Slower than before, or not: by ranks, for all tests at once."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.durations import compare, least_runs

RUNS = 19


def steady(base_s=0.2, runs=RUNS):
    """Return times around a value, all within 4 %."""
    return [base_s * (1 + 0.01 * ((number * 7) % 9 - 4)) for number in range(runs)]


def test_test_that_takes_twice_as_long_is_slower_with_ratio_and_p():
    found = compare({"a": 0.4, "b": 0.2}, {"a": steady(), "b": steady()})
    (slower,) = found.slower
    assert (slower.name, round(slower.ratio, 1), slower.p) == ("a", 2.0, 1 / (RUNS + 1))
    assert (found.judged, found.runs, found.young) == (2, RUNS, {})


@pytest.mark.parametrize(("now_s", "slower"), [(0.21, False), (0.249, False), (0.3, True)])
def test_slow_down_below_the_least_effect_is_none(now_s, slower):
    assert bool(compare({"a": now_s}, {"a": steady(0.2)}).slower) is slower
    assert not compare({"a": now_s}, {"a": steady(0.2)}, step_s=0.2).slower
    assert not compare({"a": now_s}, {"a": steady(0.2)}, ratio=2).slower


def test_quick_tests_never_matter_however_much_slower_they_are():
    assert not compare({"a": 0.045}, {"a": steady(0.001)}).slower


@pytest.mark.parametrize(("alpha", "runs"), [(0.05, 19), (0.1, 9), (0.01, 99), (0.9, 1)])
def test_least_number_of_runs_follows_from_alpha(alpha, runs):
    assert least_runs(alpha) == runs
    assert compare({"a": 9.0}, {"a": steady(runs=runs)}, alpha=alpha, window=200).slower
    if runs > 1:
        few = compare({"a": 9.0}, {"a": steady(runs=runs - 1)}, alpha=alpha)
        assert (few.slower, few.judged, few.young) == ((), 0, {"a": 1})


def test_new_test_is_young_and_does_not_stop_the_others():
    found = compare({"a": 0.5, "new": 9.0}, {"a": steady()})
    assert [one.name for one in found.slower] == ["a"]
    assert found.young == {"new": RUNS}


def test_time_that_one_earlier_run_took_too_is_not_slower():
    assert not compare({"a": 0.6}, {"a": [*steady(runs=18), 0.61]}).slower


def test_machine_that_is_slow_as_a_whole_makes_no_test_slower():
    past = {f"t{number}": steady() for number in range(12)}
    assert not compare(dict.fromkeys(past, 0.6), past).slower
    mixed = compare({**dict.fromkeys(past, 0.6), "t3": 3.0}, past)
    assert [one.name for one in mixed.slower] == ["t3"]


def test_wild_test_does_not_hide_a_steady_one_that_became_slower():
    wild = [0.1 * (1 + 5 * (number % 3)) for number in range(RUNS)]
    assert [one.name for one in compare({"a": 0.5, "wild": 1.0}, {"a": steady(), "wild": wild}).slower] == ["a"]


def test_nothing_to_compare_is_no_comparison():
    assert (compare({}, {}).judged, compare({}, {"gone": steady()}).slower) == (0, ())


def noise(rng, tests, runs):
    """Return times of runs on machines of different speed, with a heavy tail, as CI has them."""
    pace = [math.exp(rng.gauss(0, 0.2)) for _ in range(runs)]
    return {
        f"t{number}": [
            rng.uniform(0.05, 2) * 0
            + (0.06 + 0.05 * number) * speed * math.exp(rng.gauss(0, 0.15)) * rng.choice([1] * 30 + [3])
            for speed in pace
        ]
        for number in range(tests)
    }


def test_false_alarms_among_all_tests_are_as_rare_as_promised():
    rng = random.Random(20261121)
    alarms = 0
    for _ in range(300):
        rows = noise(rng, 25, RUNS + 1)
        alarms += bool(compare({n: row[0] for n, row in rows.items()}, {n: row[1:] for n, row in rows.items()}).slower)
    assert alarms <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


def test_test_that_became_eight_times_slower_is_mostly_found_in_that_noise():
    rng = random.Random(7)
    found = 0
    for _ in range(60):
        rows = noise(rng, 25, RUNS + 1)
        now = {n: row[0] for n, row in rows.items()} | {"t9": 8 * rows["t9"][0]}
        found += "t9" in {one.name for one in compare(now, {n: row[1:] for n, row in rows.items()}).slower}
    assert found >= 40


def test_slow_tests_that_all_became_slower_are_found_where_the_quick_ones_say_the_machine_is_as_fast_as_before():
    quick, slow = [f"q{n}" for n in range(100)], [f"s{n}" for n in range(30)]
    past = dict.fromkeys(quick, (0.01,) * RUNS) | dict.fromkeys(slow, (0.2,) * RUNS)
    now = dict.fromkeys(quick, 0.01) | dict.fromkeys(slow, 0.8)
    assert {one.name for one in compare(now, past).slower} == set(slow)
    assert compare({name: 4 * value for name, value in now.items()}, past).slower != ()
    assert compare({name: 4 * times[0] for name, times in past.items()}, past).slower == ()


TIMES = st.lists(st.floats(0, 100), min_size=0, max_size=25)


@given(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 100)), st.dictionaries(st.sampled_from("abcdef"), TIMES))
def test_every_name_is_judged_or_young_and_what_is_slower_exceeds_both_limits(now, past):
    found = compare(now, past)
    assert found.judged + len(found.young) == len(now)
    assert all(missing >= 1 for missing in found.young.values())
    for one in found.slower:
        assert one.now_s > one.before_s * 1.1
        assert one.now_s > one.before_s + 0.05
        assert 0 < one.p <= 0.05 + 1e-9


@given(st.permutations(range(RUNS)))
def test_order_of_the_earlier_runs_does_not_change_the_answer_about_one_test(order):
    past = [0.1 + 0.02 * number for number in order]
    assert len(compare({"a": 1.2}, {"a": past}).slower) == 1
