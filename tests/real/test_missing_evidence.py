"""What did not run, or did not live to tell, is never green."""

from __future__ import annotations

import json

import pytest
from tests.real import pipeline

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
# Kills the helper, the parent of this test run, before the stage has left its record. Every stage reads this file.
KILLER = """

def pytest_sessionfinish(session):
    import os, pathlib, signal
    if session.config.option.markexpr != "persistence":
        return
    pid = os.getpid()
    while pid > 1:
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if b"launch.py" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
            return
"""


@pytest.fixture(scope="module")
def broken(run_caller):
    """One leg of the matrix has no interpreter; the helper of persistence is killed."""
    caller = {
        "stages": "unit persistence",
        "python": "3.11 3.99",
        "settings": pipeline.embedded(),
        "files": {"tests/persistence/conftest.py": KILLER},
    }
    return run_caller(caller, pipeline.pull_request())


@pytest.fixture(scope="module")
def refused(run_caller):
    """The plan itself fails: there is no such stage."""
    return run_caller({"stages": "unit persistance", "settings": pipeline.embedded()}, pipeline.pull_request())


def test_stage_whose_helper_is_killed_leaves_no_record_and_is_blind(broken):
    assert broken.jobs["persistence"] == "failure"
    assert "stage.json" not in broken.artifact("truegreen-persistence")
    assert pipeline.statuses(broken)["persistence"] == "blind"


def test_matrix_leg_that_cannot_run_is_not_covered_by_the_other(broken):
    assert pipeline.record(broken, "truegreen-unit-3.11")["state"] == "ran"
    lost = pipeline.record(broken, "truegreen-unit-3.99")
    assert (lost["state"], "3.99" in json.dumps(lost["error"])) == ("broken", True)
    assert broken.jobs["unit"] == "failure"
    assert pipeline.statuses(broken)["unit"] == "blind"


def test_run_with_missing_evidence_fails_at_result_and_says_why(broken):
    assert (broken.jobs["report"], broken.jobs["result"]) == ("success", "failure")
    assert pipeline.outputs(broken)["verdict"] == "blind"
    assert "truegreen: blind" in pipeline.summary(broken)
    assert "3.99" in pipeline.summary(broken)


def test_plan_that_is_refused_runs_no_stage_and_fails_at_result(refused):
    assert refused.rc != 0
    assert refused.jobs["plan"] == refused.jobs["result"] == "failure"
    assert not {"unit", "persistence"} & set(refused.jobs)
    assert "persistance" in refused.log
    assert "truegreen: blind: job plan ended with failure, so no stage was planned" in refused.log
    assert "job plan ended with failure" in pipeline.summary(refused)
