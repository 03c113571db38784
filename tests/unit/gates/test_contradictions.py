"""tests-ran, flakiness and persistence where the evidence contradicts itself, or is only a part."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, cases, change, name, phase, recording, session, stage

from truegreen.gates.flakiness import Flakiness, FlakinessOptions
from truegreen.gates.persistence_evidence import PersistenceGate, PersistenceOptions
from truegreen.gates.tests_ran import TestsRan, TestsRanOptions
from truegreen.model.evidence import ToolRun
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status


def judged(on="unit", **parts):
    return TestsRan().evaluate(good.run(stage(on, **parts)), on, TestsRanOptions(), good.NO_HISTORY)


def process(*codes, run_id=""):
    tools = tuple(ToolRun(name=label, exit_code=code) for label, code in codes)
    return (good.record("unit", tools=tools, run_id=run_id),)


def facts(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (-11, "ended by signal 11"),
        (None, "pytest's process never came to its end"),
        (1, "ended with exit code 1, its session with 0"),
        (139, "ended with exit code 139, its session with 0"),
    ],
)
def test_process_that_ended_otherwise_than_its_session_is_blind(code, reason):
    verdict = judged(records=process(("pytest", code)), sessions=(session(),))
    assert verdict.status is Status.BLIND
    assert reason in verdict.reason
    assert verdict.remedy


def test_process_of_one_shard_that_ended_otherwise_is_blind():
    records = process(("pytest", 0), ("pytest", 0))
    both = (session(), session(exit_code=1, failed=(name(0),)))
    assert judged(records=records, sessions=both).status is Status.BLIND


@pytest.mark.parametrize("code", [0, 1, 5, -9, None])
def test_process_of_a_rerun_may_end_as_it_pleases(code):
    tests = TestRun(cases=(good.case(0, PASS, attempts=(FAIL, PASS)), good.case(1), good.case(2)))
    records = process(("pytest", 1), ("pytest rerun 1", code))
    verdict = judged(records=records, tests=tests, sessions=(session(exit_code=1, failed=(name(0),)),))
    assert verdict.status is Status.PASS


def test_record_without_a_process_of_pytest_has_nothing_to_contradict():
    assert judged(records=process(("locust", 1)), sessions=(session(),)).status is Status.PASS


@pytest.mark.parametrize("tests", [cases(PASS, PASS, PASS), cases(SKIP, PASS, PASS), cases(PASS, FAIL, PASS)])
def test_failure_of_the_session_that_its_result_denies_is_blind_and_named(tests):
    verdict = judged(tests=tests, sessions=(session(exit_code=1, failed=(name(0),)),))
    assert verdict.status is Status.BLIND
    assert name(0) in verdict.reason
    assert [item.title for item in verdict.items] == [name(0)]


def test_failure_of_a_matrix_is_found_under_its_own_name():
    labelled = f"{name(0)} [3.12.1]"
    tests = TestRun(cases=(good.case(0, FAIL),))
    tests = TestRun(cases=tuple(type(one)(id=labelled, outcome=one.outcome) for one in tests.cases))
    told = session(1, exit_code=1, ids=(labelled,), failed=(name(0),), python="3.12.1")
    assert judged(tests=tests, sessions=(told,)).status is Status.PASS


def test_exit_code_0_of_a_session_with_failures_is_blind():
    verdict = judged(tests=cases(FAIL, PASS, PASS), sessions=(session(failed=(name(0),)),))
    assert (verdict.status, "exit code 0" in verdict.reason) == (Status.BLIND, True)


def test_exit_code_1_is_not_explained_by_an_attempt_inside_the_session():
    tests = TestRun(cases=(good.case(0, PASS, attempts=(FAIL, PASS)), good.case(1), good.case(2)))
    assert judged(tests=tests, sessions=(session(exit_code=1),)).status is Status.BLIND


def test_tests_that_were_dropped_without_being_deselected_are_blind():
    verdict = judged(sessions=(session(3, collected=9, deselected=5),))
    assert verdict.status is Status.BLIND
    assert verdict.reason == "1 test of 9 collected disappeared without being deselected"


# --- a part of the tests -----------------------------------------------------------------------------------------


def part(**more):
    return session(3, collected=5, deselected=2, left_out=2, **more)


def test_part_that_was_asked_for_at_a_desk_passes_and_says_so():
    verdict = judged(records=process(("pytest", 0)), sessions=(part(asked=("-k good",)),))
    assert (verdict.status, verdict.reason) == (
        Status.PASS,
        "3 tests ran, all that were selected, partial: 3 of 5 tests, -k good",
    )
    assert facts(verdict)["partial"] == "3 of 5 tests, -k good"


@pytest.mark.parametrize(
    ("run_id", "more"),
    [("", {"ci": True}), ("77.1", {})],
)
def test_part_that_was_asked_for_in_ci_is_blind(run_id, more):
    verdict = judged(records=process(("pytest", 0), run_id=run_id), sessions=(part(asked=("-k good",), **more),))
    assert verdict.status is Status.BLIND
    assert "3 of 5 tests, -k good" in verdict.reason
    assert facts(verdict)["partial"] == "3 of 5 tests, -k good"


def test_part_that_nobody_asked_for_is_blind_at_a_desk_too():
    verdict = judged(records=process(("pytest", 0)), sessions=(session(unasked=("--lf",)),))
    assert (verdict.status, "3 tests, --lf" in verdict.reason) == (Status.BLIND, True)


def test_part_that_the_project_leaves_out_passes_and_is_named():
    verdict = judged(sessions=(part(standing=("--deselect tests/test_b.py",), ci=True),))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("left out by the project: 2 tests, --deselect tests/test_b.py")
    assert facts(verdict)["left out"] == "2 tests, --deselect tests/test_b.py"


def test_module_that_was_skipped_as_a_whole_counts_as_skipped():
    module = type(good.case(0))(id="tests/sub/test_opt.py::tests.sub.test_opt", outcome=SKIP)
    tests = TestRun(cases=(*cases(PASS, PASS, PASS).cases, module))
    told = session(skipped_collections=("tests/sub/test_opt.py",))
    verdict = judged(tests=tests, sessions=(told,))
    assert (verdict.status, verdict.reason) == (Status.PASS, "3 tests ran, 1 were skipped on purpose")
    assert facts(verdict)["skipped modules"] == "tests/sub/test_opt.py"


@pytest.mark.parametrize("outcome", [PASS, FAIL])
def test_module_that_was_skipped_cannot_have_another_result(outcome):
    module = type(good.case(0))(id="tests/test_opt.py::tests.test_opt", outcome=outcome)
    tests = TestRun(cases=(*cases(PASS, PASS, PASS).cases, module))
    assert judged(tests=tests, sessions=(session(skipped_collections=("tests/test_opt.py",)),)).status is Status.BLIND


def test_modules_that_were_all_skipped_are_blind():
    module = type(good.case(0))(id="tests/test_opt.py::tests.test_opt", outcome=SKIP)
    told = session(0, exit_code=0, skipped_collections=("tests/test_opt.py",))
    assert judged(tests=TestRun(cases=(module,)), sessions=(told,)).status is Status.BLIND


# --- repeated inside the session ---------------------------------------------------------------------------------


def flakiness(tests, **told):
    run = good.run(stage("unit", tests=tests, sessions=(session(**told),)))
    return Flakiness().evaluate(run, "unit", FlakinessOptions(max_ratio=0.0), good.NO_HISTORY)


def test_test_that_a_plugin_repeated_until_it_passed_is_flaky():
    verdict = flakiness(cases(PASS, PASS, PASS), reruns={name(1): 1})
    assert (verdict.status, verdict.reason) == (Status.FAIL, "1 of 3 tests disagrees with itself")
    assert [item.title for item in verdict.items] == [name(1)]


def test_test_that_was_repeated_and_always_passed_is_stable():
    tests = TestRun(cases=(good.case(0, PASS, attempts=(PASS, PASS)), good.case(1), good.case(2)))
    assert flakiness(tests, reruns={name(0): 1}).status is Status.PASS


def test_attempt_that_committed_and_failed_says_nothing_about_the_one_that_passed():
    phases = (phase(0, change()), phase(0, phase="teardown"), phase(0), *(phase(n, change()) for n in (1, 2)))
    run = good.run(stage("persistence", persistence=(recording(phases=phases),)))
    verdict = PersistenceGate().evaluate(run, "persistence", PersistenceOptions(), good.NO_HISTORY)
    assert verdict.status is Status.FAIL
    assert [item.title for item in verdict.items] == [name(0)]
