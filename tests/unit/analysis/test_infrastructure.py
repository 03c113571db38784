"""Failures of the infrastructure: our own codes first, then exit codes, then messages."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, case

from truegreen import errors
from truegreen.analysis import infrastructure
from truegreen.model.evidence import ErrorRecord, ToolRun
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.testrun import TestRun


def of_error(error):
    return infrastructure.of_record(good.record("unit", error=error.record()))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.ServiceNotReady("postgres did not answer"), "service-not-ready"),
        (errors.EngineMissing("no engine"), "engine"),
        (errors.ToolMissing("uv could not be installed"), "registry"),
        (errors.Interrupted("SIGTERM"), "runner-lost"),
        (errors.FileUnusable("stage.json cannot be written", why="No space left on device"), "disk-full"),
        (errors.FileUnusable("stage.json cannot be written", why="Permission denied"), ""),
        (errors.InstallFailed("uv sync failed", why="error: Could not resolve host: pypi.org"), "dns"),
        (errors.InstallFailed("uv sync failed", why="no such version"), ""),
        (errors.ProcessNotReady("the API ended early", why="No space left on device"), ""),
        (errors.TimedOut("pytest"), ""),
    ],
)
def test_errors_of_our_own_name_the_class(error, kind):
    assert of_error(error) == kind
    assert kind in {*infrastructure.MEANING, ""}


@pytest.mark.parametrize(
    ("code", "timed_out", "kind"),
    [(137, False, "out-of-memory"), (-9, False, "out-of-memory"), (-9, True, ""), (1, False, ""), (None, False, "")],
)
def test_tool_that_was_killed_was_out_of_memory_unless_we_killed_it(code, timed_out, kind):
    tool = ToolRun(name="pytest", exit_code=code, timed_out=timed_out)
    assert infrastructure.of_record(good.record("unit", tools=(tool,))) == kind


# Each as the program that is named prints it.
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("OSError: [Errno 28] No space left on device: '/tmp/x'", "disk-full"),  # CPython
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "dns"),  # glibc
        ("curl: (6) Could not resolve host: example.test", "dns"),
        ("Error: getaddrinfo EAI_AGAIN registry.npmjs.org", "dns"),  # Node.js
        ("toomanyrequests: You have reached your pull rate limit.", "registry"),  # Docker Hub
        ("java.lang.OutOfMemoryError: Java heap space", "out-of-memory"),
        ("Killed", "out-of-memory"),  # bash
        ("The self-hosted runner lost communication with the server.", "runner-lost"),  # GitHub Actions
        ("assert 'killed' == state", ""),
        ("AssertionError", ""),
        ("", ""),
    ],
)
def test_messages_name_the_class(text, kind):
    assert infrastructure.of_text(text) == kind


def test_stage_is_the_infrastructures_only_when_every_failing_test_says_so():
    full = case(1, ERROR, message="OSError: [Errno 28] No space left on device")
    dns = case(2, FAIL, message="Could not resolve host: db")
    own = case(3, FAIL, message="assert 1 == 2")
    assert infrastructure.of_cases([full, case(4)]) == "disk-full"
    assert infrastructure.of_cases([full, own]) == ""
    assert infrastructure.of_cases([full, dns]) == ""
    assert infrastructure.of_cases([case(4, PASS, message="No space left on device")]) == ""


def test_stage_that_left_nothing_was_lost_and_one_that_left_rubbish_was_not():
    assert infrastructure.of_stage(StageEvidence(stage="unit")) == "runner-lost"
    problem = Problem(kind="stage", message="not JSON")
    assert infrastructure.of_stage(StageEvidence(stage="unit", problems=(problem,))) == ""
    assert infrastructure.of_stage(good.stage("unit")) == ""


def test_stage_with_a_record_of_its_own_needs_no_message():
    broken = good.record("unit", error=ErrorRecord(code="TG301", what="postgres did not answer"))
    assert infrastructure.of_stage(StageEvidence(stage="unit", records=(good.record("unit"), broken))) == (
        "service-not-ready"
    )
    failing = TestRun(cases=(case(1, FAIL, message="ENOSPC: no space left on device, write"),))
    assert infrastructure.of_stage(good.stage("unit", tests=failing)) == "disk-full"


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("assert 'no space left on device' in 'ok'", ""),
        ("AssertionError: no space left on device", ""),
        ("java.lang.AssertionError: no space left on device", ""),
        ("org.opentest4j.AssertionFailedError: no space left on device", ""),
        ("org.junit.ComparisonFailure: no space left on device", ""),
        ("Failed: no space left on device", ""),
        ("Expected 'no space left on device' to be 'ok'", ""),
        ("no space left on device", "    def test():\nE       AssertionError: no space left on device"),
        ("no space left on device", "E       assert 'no space left on device' == 1"),
    ],
)
def test_message_of_an_assertion_is_never_the_infrastructures(message, detail):
    assert infrastructure.of_case(case(1, FAIL, message=message, detail=detail)) == ""
    assert infrastructure.of_cases([case(1, FAIL, message=message, detail=detail)]) == ""


def test_source_with_an_assertion_beside_an_error_of_the_machine_is_the_machines():
    detail = "    def test():\n>       assert write()\nE       OSError: [Errno 28] No space left on device"
    one = case(1, FAIL, message="OSError: [Errno 28] No space left on device", detail=detail)
    assert infrastructure.of_case(one) == "disk-full"
