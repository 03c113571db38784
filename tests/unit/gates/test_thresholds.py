"""Exactly at a threshold, and the smallest step beyond it."""

from __future__ import annotations

import math

import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, case, cases, record, session, stage

from truegreen import registry
from truegreen.config.schema import Component
from truegreen.gates import base
from truegreen.model.coverage import Coverage
from truegreen.model.evidence import ToolRun
from truegreen.model.finding import Severity
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.testrun import TestCase, TestRun
from truegreen.model.verdict import Status

BLIND, FAILED, PASSED, OPEN = Status.BLIND, Status.FAIL, Status.PASS, Status.SKIPPED


def judged(gate, part, **options):
    judge = registry.load("gate", gate)()
    name = base.RUN if base.RUN in judge.stages else part.stage
    return judge.evaluate(good.run(part), name, judge.Options(**options), good.NO_HISTORY)


def pytest_took(*times):
    tools = tuple(ToolRun(name="pytest", duration_s=time) for time in times)
    return stage("unit", records=tuple(record("unit", shard=str(n), tools=(tool,)) for n, tool in enumerate(tools)))


@pytest.mark.parametrize(
    ("times", "status"),
    [
        ((30.0,), PASSED),
        ((math.nextafter(30.0, 31.0),), FAILED),
        ((0.001,), PASSED),
        ((0.0,), BLIND),
        ((-1.0,), BLIND),
        ((math.nan,), BLIND),
        ((1.0, math.nan), BLIND),
        ((math.nan, 1.0), BLIND),
        ((1.0, 0.0), BLIND),
        ((math.inf,), BLIND),
        ((1.0, math.inf), BLIND),
    ],
)
def test_suite_time_at_its_budget_passes_and_beyond_fails(times, status):
    assert judged("time-budget", pytest_took(*times)).status is status


@pytest.mark.parametrize(("limit_ms", "listed"), [(0.0, 0), (0.5, 2), (249.0, 2), (250.0, 1), (251.0, 1), (500.0, 0)])
def test_test_slower_than_its_limit_is_listed_and_one_at_the_limit_is_not(limit_ms, listed):
    tests = TestRun(cases=(case(0, duration_s=0.25), case(1, duration_s=0.5)))
    assert len(judged("time-budget", stage("unit", tests=tests), test_ms=limit_ms).items) == listed


def at(second, duration_s, **more):
    return record("unit", started=f"2026-11-21T07:00:{second:02}Z", duration_s=duration_s, **more)


@pytest.mark.parametrize(
    ("records", "limit", "status"),
    [
        ((at(0, 5.0),), 5.0, PASSED),
        ((at(0, 5.5),), 5.0, FAILED),
        ((at(0, 0.0),), 5.0, PASSED),
        ((at(0, 0.5),), 5.0, PASSED),
        ((at(0, -1.0),), 5.0, BLIND),
        ((at(0, math.inf),), 5.0, BLIND),
        ((at(0, 5.0), at(4, math.nan)), 5.0, BLIND),
        ((at(0, 5.0, run_id=""), at(1, 2.0, run_id="")), 5.0, PASSED),
        ((at(0, 5.0, run_id=""), at(1, 5.0, run_id="")), 5.0, FAILED),
        ((at(0, 1.0, run_id="1.1"), at(30, 2.0, run_id="2.1")), 3.0, PASSED),
        ((at(0, 1.0), at(30, 2.0)), 3.0, FAILED),
    ],
)
def test_run_at_its_budget_passes_and_beyond_fails(records, limit, status):
    assert judged("full-run-budget", stage("unit", records=records), max_s=limit).status is status


@pytest.mark.parametrize(
    ("change", "options", "status"),
    [
        ({"rps": 100.0}, {}, PASSED),
        ({"rps": 99.99}, {}, FAILED),
        ({"rps": 0.5}, {"min_rps": 0.0}, PASSED),
        ({"p95_ms": 500.0}, {}, PASSED),
        ({"p95_ms": 500.01}, {}, FAILED),
        ({"p95_ms": 0.5}, {}, PASSED),
        ({"p95_ms": -1.0}, {}, BLIND),
        ({"requests": 1000}, {}, PASSED),
        ({"requests": 999}, {}, BLIND),
        ({"requests": 1}, {"min_requests": 1}, PASSED),
        ({"requests": -1}, {"min_requests": 1}, BLIND),
        ({"failures": 5000}, {}, FAILED),
        ({"failures": 5000}, {"max_error_ratio": 1.0}, PASSED),
        ({"failures": 50}, {"max_error_ratio": 0.01}, PASSED),
        ({"failures": 51}, {"max_error_ratio": 0.01}, FAILED),
        ({"duration_s": math.nan}, {}, BLIND),
    ],
)
def test_load_at_its_thresholds_passes_and_beyond_does_not(change, options, status):
    assert judged("load", stage("performance", load=good.load(**change)), **options).status is status


@pytest.mark.parametrize(("gate", "name"), [("lint-clean", "lint"), ("findings", "security-scan")])
@pytest.mark.parametrize(("scanned", "status"), [(1, PASSED), (0, BLIND), (-1, BLIND)])
def test_scanner_that_read_a_single_thing_has_read_something(gate, name, scanned, status):
    assert judged(gate, stage(name, scans=(good.scan(), good.scan(scanned=scanned)))).status is status


@pytest.mark.parametrize("level", list(Severity))
@pytest.mark.parametrize(("gate", "name"), [("lint-clean", "lint"), ("findings", "security-scan")])
def test_finding_of_the_severity_that_fails_fails_and_a_milder_one_does_not(gate, name, level):
    order = list(Severity)
    for found in order:
        verdict = judged(gate, stage(name, scans=(good.scan(good.finding(found)),)), fail_on=level)
        assert (verdict.status is FAILED) is (order.index(found) >= order.index(level)), found


@pytest.mark.parametrize(("components", "status"), [(1, PASSED), (0, BLIND), (-1, BLIND)])
def test_bill_of_materials_with_one_component_is_one(components, status):
    assert (
        judged("image-verified", stage("signed-image", image=good.image(sbom_components=components))).status is status
    )


@pytest.mark.parametrize("user", ["+0", "-0", "+00", "-0:app"])
def test_user_whose_number_is_zero_with_a_sign_is_root(user):
    assert judged("image-verified", stage("signed-image", image=good.image(user=user))).status is FAILED


@pytest.mark.parametrize(("number", "status"), [(1, FAILED), (2, PASSED), (3, PASSED)])
def test_signatures_as_many_as_asked_for_pass(number, status):
    record = good.image(signatures=(good.signature(),) * number)
    assert judged("image-verified", stage("signed-image", image=record), min_signatures=2).status is status


def test_one_line_of_code_that_ran_is_all_of_it():
    assert judged("coverage", stage("unit", coverage=good.coverage(1, 0)), line=100).status is PASSED


@pytest.mark.parametrize(("taken", "status"), [(5, PASSED), (4, FAILED)])
def test_branches_at_their_threshold_pass_and_below_fail(taken, status):
    measured = good.coverage(branches=10, covered_branches=taken)
    assert judged("coverage", stage("unit", coverage=measured), branch=50).status is status
    component = {"all": Component(paths=["src"], branch=50)}
    verdict = judged("coverage", stage("unit", coverage=measured), components=component)
    assert verdict.status is status
    missing = ["all: branches missing to the threshold"] if status is FAILED else []
    assert [fact.label for fact in verdict.facts] == ["lines", "all: lines", "all: branches", *missing]


def test_components_that_lack_are_each_told_beside_one_that_does_not():
    measured = Coverage(
        files=(*good.coverage(9, 1, "src/a.py").files, *good.coverage(1, 9, "lib/b.py").files),
    )
    components = {"src": Component(paths=["src"]), "lib": Component(paths=["lib"])}
    verdict = judged("coverage", stage("unit", coverage=measured), components=components, line=0)
    assert (verdict.status, verdict.reason.count(";")) == (FAILED, 0)
    assert verdict.reason.startswith("component lib has 10.00 %")
    assert {item.path for item in verdict.items[:1]} == {"lib/b.py"}


@pytest.mark.parametrize("limit", [0.0, 79.99, 80.0, 80.01])
def test_line_threshold_of_the_options_is_the_one_that_counts(limit):
    status = judged("coverage", stage("unit", coverage=good.coverage(80, 20)), line=limit).status
    assert status is (FAILED if limit > 80 else PASSED)


@pytest.mark.parametrize(
    ("attempts", "status"), [((), OPEN), ((FAIL,), OPEN), ((FAIL, FAIL), PASSED), ((FAIL, PASS), FAILED)]
)
def test_failing_test_counts_as_known_only_after_a_second_attempt(attempts, status):
    outcome = attempts[-1] if attempts else FAIL
    tests = TestRun(cases=(case(0), case(1, outcome, attempts=attempts)))
    assert judged("flakiness", stage("unit", tests=tests)).status is status


def test_flaky_and_unknown_tests_are_counted_together():
    flaky = case(0, PASS, attempts=(FAIL, PASS))
    tests = TestRun(cases=(flaky, case(1, FAIL), *(case(n) for n in range(2, 100))))
    assert judged("flakiness", stage("unit", tests=tests)).status is OPEN


@pytest.mark.parametrize(("python", "label"), [("", ""), ("3.12", " [3.12]")])
@pytest.mark.parametrize(("times", "status"), [(0, PASSED), (1, FAILED), (2, FAILED)])
def test_test_repeated_inside_the_session_is_flaky_from_the_first_repeat_on(times, status, python, label):
    again = TestCase(id=f"{case(0).id}{label}", outcome=PASS)
    tests = TestRun(cases=(again, case(1)))
    ran = session(reruns={case(0).id: times}, python=python)
    assert judged("flakiness", stage("unit", tests=tests, sessions=(ran,))).status is status


@pytest.mark.parametrize(("minimum", "status"), [(2, PASSED), (3, BLIND)])
def test_tests_as_many_as_asked_for_pass_and_skipped_ones_do_not_count(minimum, status):
    assert judged("tests-ran", stage("unit", tests=cases(PASS, PASS, SKIP)), min_tests=minimum).status is status


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ("tests/sub/test_opt.py::tests.sub.test_opt", PASSED),
        ("tests/sub/test_opt.py", PASSED),
        ("tests/sub/test_opt.py::test_that_nobody_selected", BLIND),
        ("tests/test_other.py::tests.test_other", BLIND),
        ("tests/sub/test_opt.py::tests.sub.test_opt [3.12]", PASSED),
        ("x::tests.sub.test_opt::test_that_nobody_selected", BLIND),
    ],
)
def test_skipped_result_that_nobody_selected_is_excused_only_for_its_module(extra, status):
    tests = TestRun(cases=(*cases(PASS, PASS, PASS).cases, TestCase(id=extra, outcome=SKIP)))
    told = session(skipped_collections=("tests/sub/test_opt.py",))
    assert judged("tests-ran", stage("unit", tests=tests, sessions=(told,))).status is status


@pytest.mark.parametrize("path", ["tests/test_a.py", "src/pkg/tests/helper.py", "conftest.py"])
def test_coverage_of_nothing_but_tests_is_blind(path):
    measured = good.coverage(90, 10, path)
    assert judged("coverage", stage("unit", coverage=measured), line=0).status is BLIND


def test_one_collection_error_is_blind():
    assert judged("tests-ran", stage("unit", sessions=(session(collection_errors=1),))).status is BLIND


@pytest.mark.parametrize(
    ("kind", "asked"), [("tests", True), ("sessions", True), ("load", False), ("stage", False), (None, False)]
)
@pytest.mark.parametrize("gate", ["tests-ran", "no-failures"])
def test_performance_is_asked_about_tests_when_their_evidence_is_unreadable(gate, kind, asked):
    judge = registry.load("gate", gate)()
    problems = (Problem(kind=kind, message="cut"),) if kind else ()
    run = good.run(StageEvidence(stage="performance", problems=problems))
    assert judge.applies(run, "performance", judge.Options()) is asked
    assert judge.applies(run, "unit", judge.Options())


@pytest.mark.parametrize(
    ("value", "text"), [(59.94, "59.9 s"), (60.0, "1 min"), (61.0, "1 min 1 s"), (0.0, "0.0 s"), (300.9, "5 min")]
)
def test_seconds_from_a_minute_on_are_told_in_minutes(value, text):
    assert base.seconds(value) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, ""), (1, "a"), (3, "a, b, c"), (4, "a, b, c and 1 more"), (5, "a, b, c and 2 more")]
)
def test_some_names_three_and_counts_the_rest(number, text):
    assert base.some(list("abcde")[:number]) == text
