"""no-failures, flakiness and time-budget."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, cases, record, session, stage

from truegreen.gates.flakiness import Flakiness, FlakinessOptions
from truegreen.gates.no_failures import NoFailures, NoFailuresOptions
from truegreen.gates.time_budget import TimeBudget, TimeBudgetOptions
from truegreen.model.evidence import TEST_COMMAND, ToolRun
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status


def failures(tests):
    return NoFailures().evaluate(good.run(stage("unit", tests=tests)), "unit", NoFailuresOptions(), good.NO_HISTORY)


def flaky(tests, **options):
    run = good.run(stage("unit", tests=tests))
    return Flakiness().evaluate(run, "unit", FlakinessOptions(**options), good.NO_HISTORY)


def budget(part, **options):
    return TimeBudget().evaluate(good.run(part), part.stage, TimeBudgetOptions(**options), good.NO_HISTORY)


@pytest.mark.parametrize("outcome", [FAIL, ERROR])
def test_failures_with_one_red_case_fail_and_name_it(outcome):
    verdict = failures(TestRun(cases=(case(0), case(1, outcome, message="assert 1 == 2\nmore", detail="trace"))))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "1 of 2 tests failed")
    item = verdict.items[0]
    assert (item.title, item.message, item.detail, item.path, item.line) == (
        case(1).id,
        "assert 1 == 2",
        "trace",
        "tests/test_a.py",
        2,
    )


def test_failures_with_skips_pass_and_count_them():
    verdict = failures(cases(PASS, SKIP))
    assert (verdict.status, verdict.reason) == (Status.PASS, "1 test passed")
    assert verdict.facts[1].value == "1"


@pytest.mark.parametrize("tests", [None, TestRun(), cases(SKIP, SKIP)])
def test_failures_without_a_real_result_are_blind(tests):
    assert failures(tests).status is Status.BLIND


def test_failures_after_each_attempt_say_so():
    verdict = failures(TestRun(cases=(case(0, FAIL, message="boom", attempts=(FAIL, FAIL)),)))
    assert verdict.items[0].message == "boom (failed in each of 2 attempts)"


def test_failure_that_was_skipped_when_run_again_says_that_a_skip_mends_nothing():
    verdict = failures(TestRun(cases=(case(0, FAIL, message="boom", attempts=(FAIL, SKIP)),)))
    assert verdict.items[0].message == "boom (skipped when it was run again, which mends nothing)"


def test_flakiness_above_the_ratio_fails_and_lists_the_tests():
    tests = TestRun(cases=(case(0, PASS, attempts=(FAIL, PASS), message="late"), *(case(n) for n in range(1, 50))))
    verdict = flaky(tests)
    assert (verdict.status, verdict.reason) == (Status.FAIL, "1 of 50 tests disagrees with itself")
    assert verdict.items[0].message == "fail → pass: late"
    assert verdict.items[0].level == "warning"


def test_flakiness_at_exactly_the_ratio_passes_and_still_lists():
    tests = TestRun(cases=(case(0, PASS, attempts=(FAIL, PASS)), *(case(n) for n in range(1, 100))))
    verdict = flaky(tests)
    assert verdict.status is Status.PASS
    assert len(verdict.items) == 1


def test_flakiness_without_reruns_of_failures_is_not_judged():
    assert flaky(cases(PASS, FAIL)).status is Status.SKIPPED


def test_flakiness_of_failures_that_repeat_passes():
    tests = TestRun(cases=(case(0), case(1, FAIL, attempts=(FAIL, FAIL))))
    assert flaky(tests).status is Status.PASS


@pytest.mark.parametrize("tests", [None, TestRun(), cases(SKIP)])
def test_flakiness_without_a_test_is_blind(tests):
    assert flaky(tests).status is Status.BLIND


def test_time_within_the_budget_passes_and_lists_slow_tests_as_notices():
    slow = tuple(case(n, duration_s=0.2 + n / 100) for n in range(12))
    verdict = budget(stage("unit", tests=TestRun(cases=(*slow, case(99)))))
    assert verdict.status is Status.PASS
    assert len(verdict.items) == 10
    assert verdict.items[0].message == "310 ms, more than 100 ms"
    assert {item.level for item in verdict.items} == {"notice"}


def test_time_over_the_budget_fails():
    late = record("unit", tools=(ToolRun(name="pytest", duration_s=31.0),))
    verdict = budget(stage("unit", records=(late,)))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "3 tests took 31.0 s, the budget is 30.0 s")


def test_time_of_shards_is_that_of_the_slowest_and_reruns_do_not_count():
    tools = (ToolRun(name="pytest", duration_s=20.0), ToolRun(name="pytest-rerun-1", duration_s=50.0))
    shards = (record("unit", shard="1", tools=tools), record("unit", shard="2"))
    assert budget(stage("unit", records=shards)).reason == "3 tests took 20.0 s of 30.0 s"


def test_time_of_a_stage_named_in_the_table_is_judged():
    policy = TimeBudgetOptions(suite_s={"wiring": 1.0})
    run = good.run(stage("wiring"))
    assert TimeBudget().applies(run, "wiring", policy)
    assert not TimeBudget().applies(run, "unit", policy)
    assert TimeBudget().evaluate(run, "wiring", policy, good.NO_HISTORY).status is Status.FAIL


@pytest.mark.parametrize(
    "part",
    [
        stage("unit", records=(record("unit", tools=()),)),
        stage("unit", records=(record("unit"), record("unit", shard="2", tools=()))),
        stage("unit", records=()),
        stage("unit", tests=TestRun()),
        stage("unit", tests=None),
        stage("unit", tests=cases(SKIP)),
    ],
)
def test_time_that_was_not_measured_is_blind(part):
    assert budget(part).status is Status.BLIND


@pytest.mark.parametrize(
    ("limit_s", "status", "levels"),
    [
        (0.5, Status.PASS, ["notice", "notice"]),
        (0.25, Status.FAIL, ["error", "notice"]),
        (0.2, Status.FAIL, ["error", "error"]),
    ],
)
def test_single_test_over_its_limit_fails_and_one_at_the_limit_does_not(limit_s, status, levels):
    tests = TestRun(cases=(case(0, duration_s=0.25), case(1, duration_s=0.5), case(2, SKIP, duration_s=9.0)))
    verdict = budget(stage("unit", tests=tests), test_s={"unit": limit_s})
    assert (verdict.status, [item.level for item in verdict.items]) == (status, levels)


def test_single_tests_of_a_stage_without_a_suite_budget_are_judged_too():
    policy = TimeBudgetOptions(test_s={"wiring": 0.001})
    run = good.run(stage("wiring"))
    assert TimeBudget().applies(run, "wiring", policy)
    verdict = TimeBudget().evaluate(run, "wiring", policy, good.NO_HISTORY)
    assert (verdict.status, verdict.reason) == (
        Status.FAIL,
        "3 tests took 4.1 s, 3 tests took longer than 0.001 s",
    )
    assert verdict.remedy.endswith("test-s")
    passed = TimeBudget().evaluate(run, "wiring", TimeBudgetOptions(test_s={"wiring": 1}), good.NO_HISTORY)
    assert (passed.status, passed.reason) == (Status.PASS, "3 tests took 4.1 s")


def test_limit_of_single_tests_without_any_time_is_blind_and_so_is_no_number():
    timeless = TestRun(cases=(case(0, duration_s=0.0), case(1, duration_s=0.0)))
    assert budget(stage("unit", tests=timeless), test_s={"unit": 1}).status is Status.BLIND
    assert budget(stage("unit", tests=timeless)).status is Status.PASS
    wrong = TestRun(cases=(case(0), case(1, duration_s=float("nan"))))
    assert budget(stage("unit", tests=wrong), test_s={"unit": 1}).status is Status.BLIND


def test_slowest_ten_are_named_with_their_share_also_when_no_limit_is_broken():
    tests = TestRun(cases=tuple(case(number, duration_s=number / 1000) for number in range(12)))
    told = {fact.label: fact.value for fact in budget(stage("unit", tests=tests)).facts}
    assert told["slowest 10 tests"] == "98% of all tests' time"
    assert [told[f"slowest {n}"].rpartition("_")[2] for n in range(1, 11)] == [str(n) for n in range(11, 1, -1)]
    assert told["slowest 1"] == "0.01 s tests/test_a.py::test_11"
    assert "slowest 11" not in told
    assert budget(stage("unit", tests=tests)).items == ()


def test_items_of_the_time_budget_are_ten_at_most_and_failures_come_first():
    tests = TestRun(cases=tuple(case(number, duration_s=0.2 if number < 8 else 2.0) for number in range(16)))
    items = budget(stage("unit", tests=tests), test_s={"unit": 1}).items
    assert [item.level for item in items] == ["error"] * 8 + ["notice"] * 2


def marked(*times, marks, limits, python="3.12.1", labelled=False, **options):
    """Judge tests of some seconds; marks name the numbers of those that have them."""
    names = {mark: tuple(good.name(number) for number in numbers) for mark, numbers in marks.items()}
    told = msgspec.structs.replace(session(len(times)), marked=names, python=python)
    tests = TestRun(
        cases=tuple(
            case(number, duration_s=time, **({"id": f"{good.name(number)} [{python}]"} if labelled else {}))
            for number, time in enumerate(times)
        )
    )
    return budget(stage("unit", tests=tests, sessions=(told,), records=(record("unit"),)), test_s=limits, **options)


def facts(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


def test_mark_gives_its_tests_a_limit_of_their_own():
    limits = {"unit": 1, "marker:slow": 30}
    assert marked(0.5, 20.0, marks={"slow": (1,)}, limits=limits).status is Status.PASS
    verdict = marked(2.0, 20.0, 31.0, marks={"slow": (1, 2)}, limits=limits)
    assert verdict.status is Status.FAIL
    assert verdict.reason.endswith("1 test took longer than 1 s and 1 test marked slow took longer than 30 s")
    assert [(item.title, item.level) for item in verdict.items][:2] == [
        (good.name(2), "error"),
        (good.name(0), "error"),
    ]
    assert facts(verdict)["tests marked slow over 30 s"] == "1 of 2"
    assert facts(verdict)["tests over 1 s"] == "1"


def test_mark_has_a_limit_also_where_the_stage_has_none_and_the_least_of_several_holds():
    both = {"slow": (0,), "fast": (0,)}
    verdict = marked(2.0, 9.0, marks=both, limits={"marker:slow": 30, "marker:fast": 1}, suite_s={})
    assert (verdict.status, verdict.reason) == (
        Status.FAIL,
        "2 tests took 4.1 s, 1 test marked fast took longer than 1 s",
    )


def test_mark_is_known_in_a_matrix_of_interpreters():
    verdict = marked(20.0, marks={"slow": (0,)}, limits={"unit": 1, "marker:slow": 30}, labelled=True)
    assert verdict.status is Status.PASS


def test_session_that_does_not_tell_a_mark_is_blind():
    verdict = marked(0.1, marks={}, limits={"marker:slow": 30})
    assert (verdict.status, verdict.reason) == (Status.BLIND, "no session tells which tests are marked slow")


def test_tests_of_another_program_have_no_marks():
    brought = record("unit", ingested=True, tools=(ToolRun(name=TEST_COMMAND, exit_code=0, duration_s=4.0),))
    parts = {"tests": TestRun(cases=(case(0, duration_s=2.0),)), "sessions": (), "records": (brought,)}
    assert budget(stage("unit", **parts), test_s={"marker:slow": 1}).status is Status.PASS
    assert budget(stage("unit", **parts), test_s={"unit": 1}).status is Status.FAIL
