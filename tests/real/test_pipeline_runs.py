"""The pack as other repositories use it: called by a separate repository, run in containers by act."""

import json
import sys
from pathlib import Path

import pytest
from tests.real import pipeline

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
STAGES = "unit wiring persistence"


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return pipeline.render_pack(tmp_path_factory.mktemp("pack") / "tree", sys.executable)


@pytest.fixture(scope="module")
def green(pack, tmp_path_factory):
    caller = pipeline.make_caller(tmp_path_factory.mktemp("green") / "caller", stages=STAGES)
    return pipeline.run(caller, pack, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def unwired(pack, tmp_path_factory):
    caller = pipeline.make_caller(tmp_path_factory.mktemp("unwired") / "caller", stages=STAGES, fault="unwired")
    # Files that would take the helper's place, or its libraries', if it ever looked into the caller's folder.
    for name in ("msgspec.py", "yaml.py", "sitecustomize.py", "truegreen.py", "scripts/truegreen/__init__.py"):
        path = caller / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise SystemExit('the caller shadows the helper')\n", encoding="utf-8")
    return pipeline.run(caller, pack, tmp_path_factory.mktemp("work"))


def test_pipeline_of_a_sound_application_is_green(green):
    assert green.rc == 0, green.log[-3000:]
    planned = {"plan", "unit", "wiring", "persistence", "report", "result", "notify"}
    assert {name: result for name, result in green.jobs.items() if result != "success"} == {}
    assert planned <= set(green.jobs)


def test_pipeline_gives_outputs_a_caller_can_chain(green):
    outputs = {key: value for output in green.outputs.values() for key, value in output.items()}
    assert outputs["verdict"] == "pass"
    assert outputs["headline"] == "all 3 stages passed"
    assert json.loads(outputs["stages"]) == STAGES.split()


def test_pipeline_keeps_the_evidence_of_each_stage_as_an_artifact(green):
    for stage in STAGES.split():
        record = json.loads(green.artifact(f"truegreen-{stage}")["stage.json"].read_text(encoding="utf-8"))
        assert (record["stage"], record["state"]) == (stage, "ran")
    evidence = json.loads(green.artifact("truegreen-persistence")["persistence.json"].read_text(encoding="utf-8"))
    assert evidence["complete"] is True
    assert sum(change["count"] for phase in evidence["phases"] for change in phase["committed"]) > 20


def test_pipeline_writes_the_job_summary(green):
    summary = "\n".join(green.summaries)
    assert "truegreen: pass" in summary
    assert "rows committed" in summary


def test_pipeline_of_the_unwired_application_is_red_for_the_right_reason(unwired):
    assert unwired.rc != 0
    assert unwired.jobs["unit"] == "success"
    assert unwired.jobs["wiring"] == unwired.jobs["persistence"] == unwired.jobs["result"] == "failure"
    assert unwired.jobs["report"] == "success"
    summary = "\n".join(unwired.summaries)
    assert "0 committed rows" in summary
    assert "truegreen run persistence" in summary


def test_helper_is_not_shadowed_by_the_callers_files(unwired):
    assert "the caller shadows the helper" not in unwired.log


def test_workspace_paths_in_artifacts_stay_inside(green):
    assert all(not Path(name).is_absolute() and ".." not in name for name in green.artifact("truegreen-unit"))
