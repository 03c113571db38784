"""tests-ran: what was selected really ran."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, cases, name, session, stage

from truegreen.gates.stage_complete import StageComplete, StageCompleteOptions
from truegreen.gates.tests_ran import TestsRan, TestsRanOptions
from truegreen.model.history import History, PastRun, PastStage
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status


def judged(minimum=1, on="unit", **parts):
    run = good.run(stage(on, **parts))
    return TestsRan().evaluate(run, on, TestsRanOptions(min_tests=minimum), good.NO_HISTORY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exit_code": 2}, "pytest was interrupted (exit code 2)"),
        ({"exit_code": 3}, "internal error"),
        ({"exit_code": 4}, "command line"),
        ({"exit_code": 5}, "collected no tests"),
        ({"exit_code": -9}, "exit code -9"),
        ({"collected": 4}, "1 test of 4 collected disappeared without being deselected"),
        ({"exit_code": None, "finished": False}, "never came to its end"),
        ({"finished": False}, "never came to its end"),
        ({"collection_errors": 2}, "2 files could not be collected"),
        ({"exit_code": 1}, "pytest says that something failed"),
    ],
)
def test_session_that_did_not_end_well_is_blind(change, reason):
    verdict = judged(sessions=(session(**change),))
    assert verdict.status is Status.BLIND
    assert reason in verdict.reason
    assert verdict.remedy


def test_one_bad_session_among_good_ones_is_blind():
    assert judged(sessions=(session(), session(finished=False))).status is Status.BLIND


def test_no_tests_selected_is_blind():
    verdict = judged(sessions=(session(0, collected=3, deselected=3),), tests=TestRun())
    assert (verdict.status, verdict.reason) == (Status.BLIND, "no tests were selected")


def test_shard_that_selected_nothing_is_blind():
    assert judged(sessions=(session(), session(0))).status is Status.BLIND


def test_all_skipped_is_blind():
    verdict = judged(tests=cases(SKIP, SKIP, SKIP))
    assert (verdict.status, verdict.reason) == (Status.BLIND, "all 3 tests were skipped")


def test_selected_test_without_a_result_is_blind_and_named():
    verdict = judged(sessions=(session(4),))
    assert verdict.status is Status.BLIND
    assert verdict.reason == f"1 selected test left no result: {name(3)}"
    assert [item.title for item in verdict.items] == [name(3)]


def test_result_that_no_session_selected_is_blind_and_named():
    verdict = judged(sessions=(session(2),))
    assert verdict.status is Status.BLIND
    assert name(2) in verdict.reason


def test_fewer_tests_than_asked_for_is_blind():
    verdict = judged(minimum=3, tests=cases(PASS, PASS, SKIP))
    assert (verdict.status, verdict.reason) == (Status.BLIND, "2 tests ran, at least 3 are asked for")


def test_failing_tests_with_exit_code_1_pass_this_gate():
    assert judged(tests=cases(PASS, FAIL, PASS), sessions=(session(exit_code=1),)).status is Status.PASS


def test_rerun_that_saved_a_test_explains_exit_code_1():
    tests = TestRun(cases=(good.case(0, PASS, attempts=(FAIL, PASS)), good.case(1), good.case(2)))
    assert judged(tests=tests, sessions=(session(exit_code=1, failed=(name(0),)),)).status is Status.PASS


def test_performance_without_pytest_is_not_asked():
    gate = TestsRan()
    assert not gate.applies(good.run(stage("performance")), "performance", TestsRanOptions())
    asked = stage("performance", sessions=(session(),))
    assert gate.applies(good.run(asked), "performance", TestsRanOptions())
    assert gate.applies(good.run(stage("e2e", tests=None)), "e2e", TestsRanOptions())


def test_deselected_and_skipped_tests_are_facts():
    verdict = judged(tests=cases(PASS, PASS, SKIP), sessions=(session(3, collected=9, deselected=6),))
    assert {fact.label: fact.value for fact in verdict.facts} == {
        "selected": "3",
        "results": "3",
        "deselected": "6",
        "skipped": "1",
    }


@pytest.mark.parametrize(("before", "told"), [(4, ("3", "4")), (3, None), (2, None), (0, None)])
def test_fewer_tests_than_on_the_default_branch_are_a_fact_and_never_red(before, told):
    def past(tests, *, base):
        stages = (PastStage(stage="unit", status="pass", tests=tests),)
        return PastRun(commit="b", created="", status="pass", base=base, stages=stages)

    run = good.run(good.stage("unit", tests=cases(PASS, PASS, PASS), sessions=(session(3),)))
    verdict = TestsRan().evaluate(
        run, "unit", TestsRanOptions(), History(runs=(past(99, base=False), past(before, base=True)))
    )
    facts = {fact.label: (fact.value, fact.wanted) for fact in verdict.facts}
    assert verdict.status is Status.PASS
    assert facts.get("fewer than on the default branch") == told


@pytest.mark.parametrize(
    ("names", "planned", "told"),
    [
        (["1", "2"], 2, ""),
        (["0", "1", "3"], 4, "1 of 4 shards left no evidence: 2; shards there: 0, 1, 3"),
        (["1", "2"], 3, "1 of 3 shards left no evidence; shards there: 1, 2"),
        (["2", "3"], 3, "1 of 3 shards left no evidence: 1; shards there: 2, 3"),
        (["a"], 3, "2 of 3 shards left no evidence; shards there: a"),
        ([""], 2, "1 of 2 shards left no evidence; shards there: (no name)"),
        (["1", "2", "3"], 2, "evidence of 3 shards, the plan states 2; shards there: 1, 2, 3"),
        (["a", "b"], ["a", "b"], ""),
        (["a"], ["a", "b"], "no evidence of shard b; shards there: a"),
        (["a", "b", "x"], ["a", "b"], "evidence of x, which the plan does not state"),
    ],
)
def test_shards_that_are_not_those_of_the_plan_are_blind(names, planned, told):
    records = tuple(good.record("unit", shard=name) for name in names)
    run = good.run(good.stage("unit", records=records))
    verdict = StageComplete().evaluate(run, "unit", StageCompleteOptions(shards={"unit": planned}), good.NO_HISTORY)
    assert (verdict.status, told in verdict.reason) == (Status.BLIND if told else Status.PASS, True), verdict.reason


def test_tests_that_were_set_up_and_never_called_prove_nothing():
    run = good.run(good.stage("unit", sessions=(good.session(3, uncalled=1),)))
    verdict = TestsRan().evaluate(run, "unit", TestsRanOptions(), good.NO_HISTORY)
    assert (verdict.status, verdict.reason) == (Status.BLIND, "1 test set up and never called")
