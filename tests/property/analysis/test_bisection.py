"""Halving finds the one polluter, and never claims one that it did not see."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.bisection import halve


def names(count):
    return tuple(f"t{number}" for number in range(count))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_halving_finds_the_one_polluter_in_log2_runs(sizes):
    count, at = sizes
    asked = []

    def fails_after(tests):
        asked.append(tests)
        return f"t{at}" in tests

    found = halve(names(count), fails_after)
    assert found.suspect == f"t{at}"
    assert len(asked) <= math.ceil(math.log2(count)) if count > 1 else not asked
    assert f"t{at}" in found.narrowest


@given(st.integers(2, 200), st.sets(st.integers(0, 199), min_size=1, max_size=5))
def test_halving_among_several_that_each_suffice_names_one_of_them(count, polluters):
    bad = {f"t{number % count}" for number in polluters}
    found = halve(names(count), lambda tests: bool(bad & set(tests)))
    assert found.suspect in bad


@given(st.integers(2, 200), st.sets(st.integers(0, 199), min_size=2, max_size=4))
def test_halving_where_several_are_needed_never_says_that_it_saw_one(count, needed):
    bad = {f"t{number % count}" for number in needed}
    found = halve(names(count), lambda tests: bad <= set(tests))
    if len(bad) > 1:
        assert not found.seen
        assert bad <= set(found.narrowest)
    else:
        assert found.suspect in bad


@given(st.integers(1, 100), st.lists(st.booleans(), min_size=8, max_size=8))
def test_halving_with_a_victim_that_fails_by_chance_keeps_what_was_seen(count, answers):
    seen = [names(count)]
    left = list(answers)

    def fails_after(tests):
        failed = left.pop() if left else False
        if failed:
            seen.append(tests)
        return failed

    found = halve(names(count), fails_after)
    assert found.narrowest == seen[-1]
    assert found.seen is (seen[-1] == (found.suspect,))


def test_halving_of_nothing_is_refused():
    with pytest.raises(ValueError):
        halve((), lambda _: True)
