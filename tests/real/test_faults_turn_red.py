"""Every fault that leaves the unit tests green turns its own stage red, in containers too."""

from __future__ import annotations

import pytest
from tests.real import pipeline

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
# Unwired, rolled-back and never-committed are planted in the runs of the neighbouring modules.
STORES = ("patched-repository", "sqlite", "cache-only")


def assert_red(done, name, stages):
    fault = pipeline.fault(name)
    assert done.rc != 0
    assert done.jobs["unit"] == "success", done.log[-3000:]
    for stage in stages.split():
        expected = "fail" if stage in fault["stages"] else "pass"
        assert pipeline.statuses(done)[stage] == expected, pipeline.summary(done)
        assert done.jobs[stage] == ("failure" if expected == "fail" else "success")
    assert (done.jobs["report"], done.jobs["result"]) == ("success", "failure")
    assert pipeline.outputs(done)["verdict"] == "fail"
    assert fault["evidence"] in pipeline.summary(done)


@pytest.mark.parametrize("name", STORES)
def test_fault_in_the_store_turns_persistence_red(run_caller, name):
    stages = "unit persistence"
    done = run_caller({"stages": stages, "plant": name}, pipeline.pull_request())
    assert_red(done, name, stages)


def test_worker_that_does_not_consume_turns_e2e_red(run_caller):
    stages, settings = "unit e2e", (*pipeline.in_containers(), "e2e.mode=processes")
    done = run_caller({"stages": stages, "plant": "worker-not-started", "settings": settings}, pipeline.pull_request())
    assert_red(done, "worker-not-started", stages)
