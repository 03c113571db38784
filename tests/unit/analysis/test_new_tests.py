"""Which tests a change brings, and what runs of them could have caught."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.new_tests import ENOUGH_RUNS, Place, catchable, of_change, percent, runs_for
from truegreen.model.changes import Changes, FileChange


def place(test="t.py::test_a", path="t.py", first=10, last=20):
    return Place(id=test, path=path, first=first, last=last)


def change(*lines, path="t.py", **fields):
    return Changes(base="b", files=(FileChange(path=path, lines=frozenset(lines), **fields),))


@pytest.mark.parametrize(
    ("lines", "new"), [((10,), True), ((20,), True), ((15, 99), True), ((9, 21), False), ((), False)]
)
def test_test_of_a_changed_file_is_new_when_a_line_of_its_own_changed(lines, new):
    assert bool(of_change([place()], change(*lines))) is new


def test_test_of_an_added_file_is_new_wherever_it_stands():
    assert of_change([place()], change(added=True)) == ("t.py::test_a",)


def test_test_of_another_or_a_deleted_file_is_not_new():
    assert of_change([place()], change(10, path="u.py")) == ()
    assert of_change([place()], change(10, deleted=True)) == ()


def test_parametrised_tests_are_all_new_and_each_is_named_once():
    places = [place("t.py::test_a[1]"), place("t.py::test_a[2]"), place("t.py::test_a[1]")]
    assert of_change(places, change(12)) == ("t.py::test_a[1]", "t.py::test_a[2]")


@pytest.mark.parametrize(("runs", "rate"), [(1, 0.95), (2, 0.7764), (6, 0.3930), (29, 0.0981), (299, 0.00997)])
def test_catchable_of_some_runs_is_the_exact_bound(runs, rate):
    assert catchable(runs) == pytest.approx(rate, abs=5e-5)


@pytest.mark.parametrize(("rate", "runs"), [(0.1, 29), (0.01, 299), (0.5, 5), (0.95, 1)])
def test_runs_for_a_rate_are_those_of_the_formula(rate, runs):
    assert runs_for(rate) == runs


def test_enough_runs_catch_one_failure_in_ten():
    assert runs_for(0.1) == ENOUGH_RUNS


@given(st.floats(0.001, 0.999), st.floats(0.5, 0.999))
def test_runs_for_a_rate_reach_it_and_one_less_does_not(rate, confidence):
    runs = runs_for(rate, confidence)
    assert catchable(runs, confidence) <= rate * (1 + 1e-9)
    if runs > 1:
        assert catchable(runs - 1, confidence) > rate * (1 - 1e-9)


@pytest.mark.parametrize(
    ("function", "args"), [(catchable, (0,)), (catchable, (5, 1.0)), (runs_for, (0.0,)), (runs_for, (1.0,))]
)
def test_numbers_without_meaning_are_refused(function, args):
    with pytest.raises(ValueError):
        function(*args)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.95, "95 %"),
        (0.7764, "78 %"),
        (0.09815, "9.9 %"),
        (0.00997, "1.00 %"),
        (0.0001234, "0.013 %"),
        (0.1, "10 %"),
        (1.0, "100 %"),
    ],
)
def test_percent_has_two_digits_and_is_never_rounded_down(rate, text):
    assert percent(rate) == text


@given(st.floats(1e-6, 0.999999))
def test_percent_claims_no_less_than_the_rate(rate):
    assert float(percent(rate).removesuffix(" %")) >= rate * 100 - 1e-6
