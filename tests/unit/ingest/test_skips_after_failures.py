"""A test that failed and was skipped when it was run again: a failure in every format."""

from __future__ import annotations

import pytest
from tests.unit.ingest import test_junit as junit
from tests.unit.ingest.test_result_formats import FAIL, PASS, SKIP, attempts, ctrf, go, log, read, result, trx


def test_go_test_that_failed_and_was_skipped_in_the_rerun_is_a_failure(tmp_path):
    found = read(tmp_path, "go-test-json", go("run T", "fail T", "fail", "run T", "skip T", "pass"))
    assert attempts(found, "p::T") == (FAIL, (FAIL, SKIP))


def test_go_test_that_passes_in_a_third_run_after_a_skip_is_a_rerun_still(tmp_path):
    rounds = ("run T", "fail T", "fail", "run T", "skip T", "pass", "run T", "pass T", "pass")
    assert attempts(read(tmp_path, "go-test-json", go(*rounds)), "p::T") == (PASS, (FAIL, SKIP, PASS))


def test_trx_result_that_failed_and_then_did_not_execute_is_a_failure(tmp_path):
    found = read(tmp_path, "trx", trx(result("a", "Failed", "1"), result("a", "NotExecuted", "1")))
    assert attempts(found, "a") == (FAIL, (FAIL, SKIP))


@pytest.mark.parametrize("before", [{"retryAttempts": [{"attempt": 1, "status": "failed"}]}, {"retries": 1}])
def test_ctrf_test_that_failed_and_was_skipped_in_the_retry_is_a_failure(tmp_path, before):
    content = ctrf({"name": "b", "status": "skipped", **before}, tests=1, skipped=1)
    assert attempts(read(tmp_path, "ctrf", content), "b") == (FAIL, (FAIL, SKIP))


def test_reportlog_test_that_failed_and_was_skipped_in_the_rerun_is_a_failure_of_a_session_that_ended_well(tmp_path):
    again = [("t::b", "setup", "passed"), ("t::b", "call", "rerun"), ("t::b", "teardown", "passed")]
    skipped = [("t::b", "setup", "passed"), ("t::b", "call", "skipped"), ("t::b", "teardown", "passed")]
    found = read(tmp_path, "pytest-reportlog", log(*again, *skipped, status=0))
    assert attempts(found, "t::b") == (FAIL, (FAIL, SKIP))


@pytest.mark.parametrize("element", ["flakyFailure", "rerunFailure"])
def test_case_that_failed_and_was_skipped_in_the_rerun_is_a_failure(tmp_path, element):
    inner = f'<testcase classname="a" name="c"><skipped/><{element} message="boom">x</{element}></testcase>'
    (case,) = junit.read(tmp_path, junit.suite(inner, tests=1, skipped=1))
    assert (case.outcome, case.attempts, case.message) == (FAIL, (FAIL, SKIP), "boom")


def test_skip_after_a_failure_makes_no_room_for_a_lost_case(tmp_path):
    inner = '<testcase classname="a" name="c"><skipped/><rerunFailure message="boom">x</rerunFailure></testcase>'
    assert "declares 2 tests, counted 1" in junit.refused(tmp_path, junit.suite(inner, tests=2, skipped=1)).why


def test_attempts_of_pytest_that_end_with_a_skip_are_a_failure(tmp_path):
    told = '<properties><property name="truegreen.attempts" value="fail,skip"/></properties><skipped message="no"/>'
    (case,) = junit.read(tmp_path, junit.suite(f'<testcase classname="a" name="c" time="1">{told}</testcase>'))
    assert (case.outcome, case.attempts) == (FAIL, (FAIL, SKIP))
