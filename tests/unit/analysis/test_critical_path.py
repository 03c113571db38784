"""What a run's end waited for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.critical_path import Work, critical_path, saved_without


def work(name, begin_s, end_s, machine=""):
    return Work(name=name, begin_s=begin_s, end_s=end_s, machine=machine)


def told(*works):
    return [(step.work.name, step.waited_s) for step in critical_path(works)]


def test_path_of_stages_beside_each_other_is_the_one_that_ended_last():
    works = (work("lint", 0, 10, "a"), work("unit", 2, 30, "b"), work("e2e", 4, 25, "c"))
    assert told(*works) == [("unit", 2.0)]
    assert saved_without(works, works[1]) == 5.0
    assert saved_without(works, works[0]) == 0.0


def test_path_on_one_machine_is_everything_it_did_with_the_gaps():
    works = (work("lint", 0, 10, "a"), work("unit", 14, 30, "a"), work("e2e", 0, 20, "b"))
    assert told(*works) == [("lint", 0.0), ("unit", 4.0)]
    assert saved_without(works, works[0]) == 10.0
    assert saved_without(works, works[1]) == 10.0, "e2e ends at 20, whatever becomes of unit"


def test_start_in_whole_seconds_that_lies_before_the_end_it_waited_for_still_follows_it():
    assert told(work("lint", 0, 10.4, "a"), work("unit", 10, 30, "a")) == [("lint", 0.0), ("unit", 0.0)]


def test_machines_of_one_name_that_worked_at_once_are_several_and_wait_for_nothing():
    works = (work("lint", 0, 10, "a"), work("unit", 5, 20, "a"), work("e2e", 11, 40, "a"))
    assert told(*works) == [("e2e", 11.0)]
    assert saved_without(works, works[2]) == 20.0


def test_work_on_unnamed_machines_is_never_chained():
    assert told(work("lint", 0, 10), work("unit", 10, 30)) == [("unit", 10.0)]


def test_no_work_has_no_path_and_the_only_work_saves_all():
    assert critical_path(()) == ()
    only = work("unit", 3, 10)
    assert saved_without([only], only) == 7.0


WORKS = st.lists(
    st.builds(
        lambda begin, took, machine: work(f"w{begin}", begin, begin + took, machine),
        st.integers(0, 50),
        st.integers(0, 20),
        st.sampled_from(["", "a", "b"]),
    ),
    min_size=1,
    max_size=8,
)


@given(WORKS)
def test_path_ends_with_the_run_and_its_times_never_exceed_the_run(works):
    path = critical_path(works)
    whole_s = max(one.end_s for one in works) - min(one.begin_s for one in works)
    assert path[-1].work.end_s == max(one.end_s for one in works)
    assert sum(step.work.duration_s + step.waited_s for step in path) <= whole_s + len(path)  # clocks of whole seconds
    for one in works:
        assert 0 <= saved_without(works, one) <= whole_s


@pytest.mark.parametrize("order", [1, -1])
def test_path_does_not_depend_on_the_order_of_the_records(order):
    works = [work("lint", 0, 10, "a"), work("unit", 10, 30, "a"), work("e2e", 0, 30, "b")][::order]
    assert told(*works) == [("lint", 0.0), ("unit", 0.0)]
