"""What lies behind verdicts: tests listed, strips over runs, the run of the base."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support import past
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, stage

from truegreen.analysis import detail
from truegreen.model.detail import Comparison, Named, TrendPoint, impossible
from truegreen.model.history import BASE_RUNS, History, PastTest
from truegreen.model.testrun import TestRun

NOW = TrendPoint(commit=good.COMMIT, status="fail", duration_s=9.0)


def of(*cases, runs=(), changes=None, coverage=None, **known):
    seen = stage("unit", tests=TestRun(cases=cases), coverage=coverage)
    run = msgspec.structs.replace(good.run(seen), changes=changes)
    return detail.of(run, History(runs=tuple(runs), **known), NOW)


def test_tests_are_listed_with_the_failed_ones_first_and_one_letter_each():
    flaky = case(3, attempts=(FAIL, PASS))
    (listed,) = of(case(0), case(1, SKIP), case(2, FAIL, duration_s=1.23456), flaky, case(4, ERROR)).tests
    assert listed.names == tuple(good.name(n) for n in (2, 4, 3, 1, 0))
    assert listed.outcomes == "feksp"
    assert listed.durations_s[0] == 1.235
    assert listed.total == 5


def test_test_that_failed_in_the_end_is_listed_as_failed_however_often_it_passed():
    (listed,) = of(case(0, FAIL, attempts=(PASS, FAIL))).tests
    assert listed.outcomes == "f"


def test_tests_beyond_the_limit_are_counted_and_the_odd_and_the_slowest_are_listed(monkeypatch):
    monkeypatch.setattr(detail, "LISTED_MAX", 5)
    monkeypatch.setattr(detail, "_SLOWEST_MAX", 2)
    cases = [case(n, FAIL if n == 7 else PASS, duration_s=float(n)) for n in range(10)]
    (listed,) = of(*cases).tests
    assert listed.total == 10
    assert listed.names == tuple(good.name(n) for n in (7, 8, 9))


def test_time_beyond_all_measure_does_not_make_a_report_that_cannot_be_read_back():
    found = of(case(0, duration_s=1e306), case(1, duration_s=2.0))
    assert impossible(found) == ""
    assert found.tests[0].durations_s == (1e9, 2.0)


@pytest.mark.parametrize("ratio", [1e308, -1e308, -0.01, 1.01, float("nan"), float("inf")])
def test_covered_lines_that_are_no_share_are_not_measured_in_the_history_and_refused_in_a_document(ratio):
    told = of(case(0), runs=[msgspec.structs.replace(past.run(1), line_ratio=ratio)])
    assert (told.trend[0].line_ratio, impossible(told)) == (None, "")
    point = msgspec.structs.replace(NOW, line_ratio=ratio)
    for forged in ({"now": point}, {"trend": (point,)}, {"comparison": Comparison(base=point)}):
        assert "no share" in impossible(msgspec.structs.replace(told, **forged))


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0, None])
def test_covered_lines_that_are_a_share_or_not_measured_are_taken(ratio):
    assert impossible(msgspec.structs.replace(of(case(0)), now=msgspec.structs.replace(NOW, line_ratio=ratio))) == ""


def test_counts_of_this_run_come_from_the_evidence():
    now = of(case(0), case(1, SKIP), case(2, FAIL), case(3, attempts=(FAIL, PASS)), coverage=good.coverage(3, 1)).now
    assert (now.tests, now.failed, now.flaky, now.line_ratio) == (3, 1, 1, 0.75)
    assert (now.commit, now.status, now.duration_s) == (good.COMMIT, "fail", 9.0)


def test_strip_has_a_letter_a_run_oldest_first_and_one_for_now():
    name = good.name(0)
    runs = [
        past.run(4, past.failure(name, FAIL, PASS)),
        past.run(3),
        past.run(2, stage="e2e"),
        past.run(1, past.failure(name)),
    ]
    (strip,) = of(case(0), runs=runs).strips
    assert strip.cells == "f .k."


def test_strips_begin_with_what_is_red_now_then_with_what_failed_most():
    runs = [
        past.run(n, past.failure(good.name(1)), *([past.failure(good.name(2))] if n > 1 else [])) for n in (3, 2, 1)
    ]
    strips = of(case(0, FAIL), case(1), case(2), runs=runs).strips
    assert [strip.test for strip in strips] == [good.name(n) for n in (0, 1, 2)]


def test_test_is_newly_flaky_when_no_run_of_the_base_branch_saw_it_fail():
    known, new, broken = good.name(0), good.name(1), good.name(2)
    runs = [past.run(2, base=True, branch="main"), past.run(1, past.failure(known, FAIL, PASS), base=True)]
    cases = [case(n, attempts=(FAIL, PASS)) for n in (0, 1)]
    found = of(*cases, case(2, FAIL, attempts=(PASS, FAIL)), runs=runs).comparison
    assert found.newly_flaky.named == (Named("unit", new),)
    assert found.newly_failing.named == (Named("unit", broken),)
    elsewhere = of(*cases, runs=[past.run(1, stage="e2e", base=True)]).comparison
    assert elsewhere.newly_flaky.named == ()


def test_strip_of_a_test_that_is_gone_ends_with_what_the_stage_did():
    strips = of(
        case(0), runs=[past.run(1, past.failure("gone")), past.run(0, past.failure("x", stage="e2e"), stage="e2e")]
    ).strips
    assert {strip.test: strip.cells for strip in strips} == {"gone": " f.", "x": "f  "}


def test_strips_without_history_are_none_and_no_more_than_the_limit_come():
    assert of(case(0, FAIL)).strips == ()
    many = [past.failure(f"t{n}") for n in range(300)]
    assert len(of(case(0), runs=[past.run(1, *many)]).strips) == detail.STRIPS_MAX


def test_trend_holds_the_newest_runs_oldest_first():
    trend = of(case(0), runs=[past.run(n) for n in range(50, 0, -1)]).trend
    assert [point.commit for point in trend] == [str(n) for n in range(21, 51)]


def test_comparison_takes_the_point_where_the_change_left_its_base_before_any_newer_run():
    runs = [past.run(3, past.failure(good.name(1)), base=True), past.run(2, commit=good.BASE, base=True)]
    found = of(case(0), case(1, FAIL), runs=runs, changes=good.changes()).comparison
    assert found.exact
    assert found.base.commit == good.BASE
    assert found.newly_failing.named == (Named("unit", good.name(1)),)


def test_comparison_without_that_run_takes_the_newest_of_the_default_branch_and_says_so():
    runs = [past.run(3), past.run(2, past.failure(good.name(1)), base=True), past.run(1, base=True)]
    found = of(case(0), case(1, FAIL), runs=runs, changes=good.changes()).comparison
    assert not found.exact
    assert found.base.commit == "2"
    assert (found.newly_failing.named, found.still_failing.named) == ((), (Named("unit", good.name(1)),))


@pytest.mark.parametrize(
    ("now", "fixed"),
    [(PASS, True), (SKIP, False), (FAIL, False), (None, False)],
    ids=["passes", "skipped", "fails", "gone"],
)
def test_fixed_is_only_what_failed_there_and_passes_here(now, fixed):
    cases = [case(0), *([case(1, now)] if now else [])]
    found = of(*cases, runs=[past.run(1, past.failure(good.name(1)), base=True)]).comparison
    assert bool(found.fixed.total) is fixed


def test_failure_of_a_stage_that_the_base_did_not_run_is_not_called_new():
    found = of(case(0, FAIL), runs=[past.run(1, stage="e2e", base=True)]).comparison
    assert found.newly_failing.named == ()


def test_failure_that_a_rerun_hid_on_the_base_is_new_here():
    found = of(case(0, FAIL), runs=[past.run(1, past.failure(good.name(0), FAIL, PASS), base=True)]).comparison
    assert found.newly_failing.named == (Named("unit", good.name(0)),)


def test_comparison_is_none_without_a_run_of_the_base_branch():
    assert of(case(0), runs=[past.run(1)]).comparison is None


# --- tests that came, went or slowed down ----------------------------------------------------------------------------


def usual(*numbers, runs=3, durations_s=()):
    return {"unit": {good.name(n): PastTest(runs=runs, base_runs=runs, durations_s=durations_s) for n in numbers}}


def base_runs(number):
    return [past.run(n, base=True) for n in range(number, 0, -1)]


def test_new_is_what_ran_here_and_in_no_newest_run_of_the_base():
    found = of(case(0), case(1), case(2, SKIP), case(3, FAIL), runs=base_runs(3), tests=usual(0)).comparison
    assert found.new.named == (Named("unit", good.name(1)), Named("unit", good.name(3)))
    assert found.new.total == 2


def test_test_known_only_from_unmerged_changes_is_new():
    known = {"unit": {good.name(0): PastTest(runs=4, base_runs=3), good.name(1): PastTest(runs=1)}}
    assert of(case(0), case(1), runs=base_runs(3), tests=known).comparison.new.named == (Named("unit", good.name(1)),)


def test_newly_skipped_is_only_what_ran_in_each_newest_run_of_the_base():
    known = {"unit": {**usual(0, 1)["unit"], good.name(2): PastTest(runs=3, base_runs=2)}}
    found = of(case(0), case(1, SKIP), case(2, SKIP), case(3, SKIP), runs=base_runs(3), tests=known).comparison
    assert found.newly_skipped.named == (Named("unit", good.name(1)),)


def test_gone_is_what_the_history_misses_and_is_cut_with_its_total(monkeypatch):
    monkeypatch.setattr(detail, "NAMED_MAX", 1)
    found = of(case(0), runs=base_runs(3), tests=usual(0), gone={"unit": ("b", "a"), "e2e": ("c",)}).comparison
    assert (found.gone.total, found.gone.named) == (2, (Named("unit", "a"),))


def test_nothing_is_called_new_or_gone_against_a_point_before_the_newest_runs():
    runs = [*base_runs(BASE_RUNS), past.run(0, base=True, commit=good.BASE)]
    found = of(case(0), runs=runs, changes=good.changes(), gone={"unit": ("a",)}).comparison
    assert found.exact
    assert (found.new.total, found.gone.total) == (0, 0)


def test_nothing_is_called_new_in_a_stage_that_the_base_did_not_run():
    assert of(case(0), runs=[past.run(1, stage="e2e", base=True)]).comparison.new.total == 0


@pytest.mark.parametrize(
    ("now_s", "before_s", "slower"),
    [
        (2.0, (0.4,) * 5, True),
        (2.0, (0.4,) * 4, False),
        (2.0, (0.4, 0.4, 0.4, 0.4, 1.9), False),
        (0.6, (0.2,) * 5, False),
        (8.0, (5.0,) * 9, False),
    ],
    ids=["twice", "too-few", "was-so-slow-before", "less-than-half-a-second", "less-than-twice"],
)
def test_slower_is_twice_the_usual_and_longer_than_ever(now_s, before_s, slower):
    found = of(case(0, duration_s=now_s), runs=base_runs(3), tests=usual(0, durations_s=before_s)).comparison
    assert bool(found.slower.total) is slower


def test_test_that_failed_is_not_called_slower():
    found = of(case(0, FAIL, duration_s=60.0), runs=base_runs(3), tests=usual(0, durations_s=(1.0,) * 9)).comparison
    assert found.slower.total == 0


def test_slower_tests_are_all_counted_and_those_that_grew_most_are_named(monkeypatch):
    monkeypatch.setattr(detail, "NAMED_MAX", 2)
    # The slowest of all are as slow as ever: what grew stands behind them.
    cases = [case(n, duration_s=90.0 if n < 5 else 2.0 + n) for n in range(10)]
    known = {
        "unit": {
            **usual(*range(5), durations_s=(90.0,) * 5)["unit"],
            **usual(*range(5, 10), durations_s=(1.0,) * 5)["unit"],
        }
    }
    found = of(*cases, runs=base_runs(3), tests=known).comparison.slower
    assert found.total == 5
    assert [one.test for one in found.named] == [good.name(9), good.name(8)]
