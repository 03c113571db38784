"""The pack as other repositories use it: called by a separate repository, run in containers by act.

The sound ledger first, then the one with the repository not wired, on one pull request of one local GitHub.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.real import pipeline
from tests.support.github_api import GithubApi

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
STAGES = pipeline.STAGES.split()
# Raises in the helper's processes only, so that the caller's own code runs as before.
SHADOW = """\
import importlib, os, sys
if {"launch.py", "bootstrap.py"} & {os.path.basename(word) for word in sys.orig_argv}:
    raise SystemExit("the caller shadows the helper")
here, name, path = os.path.dirname(os.path.abspath(__file__)), __name__, list(sys.path)
sys.path[:] = [folder for folder in path if os.path.abspath(folder or ".") != here]
del sys.modules[name]
sys.modules[name] = importlib.import_module(name)
sys.path[:] = path
"""
SHADOWS = {
    **dict.fromkeys(("json.py", "typing_extensions.py"), SHADOW),
    **dict.fromkeys(
        (
            "msgspec.py",
            "yaml.py",
            "github.py",
            "sitecustomize.py",
            "usercustomize.py",
            "truegreen.py",
            "scripts/launch.py",
            "scripts/truegreen/__init__.py",
            "actions/setup/bootstrap.py",
        ),
        "raise SystemExit('the caller shadows the helper')\n",
    ),
}


@pytest.fixture(scope="module")
def api():
    with GithubApi() as server:
        yield server
        assert server.violations == []


@pytest.fixture(scope="module")
def forge(api):
    return {"env": {"GITHUB_API_URL": api.url}, "secrets": {"GITHUB_TOKEN": pipeline.GITHUB_TOKEN}}


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The sound caller with a change, and its base and head."""
    settings = (*pipeline.in_containers(), "unit.workers=auto")
    caller = pipeline.make_caller(tmp_path_factory.mktemp("sound") / "caller", settings=settings, with_base=True)
    return caller, *pipeline.change(caller)


@pytest.fixture(scope="module")
def head(repository):
    return repository[2]


@pytest.fixture(scope="module")
def sound(run_caller, forge, api, repository):
    """The run, and what the forge shows after it."""
    caller, base, head = repository
    done = run_caller(caller, pipeline.pull_request(head, base=base), copied=True, **forge)
    return done, json.loads(json.dumps([api.comments.get(7, []), api.check_runs, api.statuses])), api.operations()


@pytest.fixture(scope="module")
def green(sound):
    return sound[0]


@pytest.fixture(scope="module")
def unwired(run_caller, forge, sound, head):
    return run_caller({"plant": "unwired", "files": SHADOWS}, pipeline.pull_request(head), copied=True, **forge)


def test_pipeline_of_a_sound_application_is_green(green):
    assert green.rc == 0, green.log[-3000:]
    assert {name: result for name, result in green.jobs.items() if result != "success"} == {}
    assert {"plan", *STAGES, "report", "result"} <= set(green.jobs)
    assert "notify" not in green.jobs  # people are told about branches; a pull request has its comment


def test_pipeline_gives_outputs_a_caller_can_chain(green):
    given = pipeline.outputs(green)
    assert given["verdict"] == "pass"
    assert given["headline"] == "all 3 stages passed"
    assert json.loads(given["stages"]) == STAGES


def test_pipeline_judges_the_lines_of_the_change_and_runs_its_new_tests_again(green, repository):
    verdicts = {v["gate"]: v for s in pipeline.verdict(green)["stages"] if s["stage"] == "unit" for v in s["verdicts"]}
    assert verdicts["patch-coverage"]["status"] == "pass"
    assert verdicts["patch-coverage"]["reason"] == "100.00 % of 2 changed lines covered"
    notes = pipeline.record(green, "truegreen-unit")["notes"]
    assert any("could have caught" in note for note in notes), notes
    assert pipeline.verdict(green)["provenance"]["base_commit"] == repository[1]


def test_pipeline_keeps_the_evidence_of_each_stage_as_an_artifact(green, head):
    for stage in STAGES:
        record = pipeline.record(green, f"truegreen-{stage}")
        assert (record["stage"], record["state"], record["commit"]) == (stage, "ran", head)
    evidence = pipeline.read(green, "truegreen-persistence", "persistence-postgres.json")
    assert evidence["complete"] is True
    assert sum(change["count"] for phase in evidence["phases"] for change in phase["committed"]) > 20


def test_pipeline_runs_services_from_images_where_there_is_an_engine(green):
    services = pipeline.record(green, "truegreen-persistence")["services"]
    assert {(service["name"], service["provider"]) for service in services} == {
        ("postgres", "containers"),
        ("redis", "containers"),
        ("nats", "containers"),
    }


def test_pipeline_writes_the_job_summary(green):
    summary = pipeline.summary(green)
    assert "truegreen: pass" in summary
    assert "rows committed" in summary


def test_workspace_paths_in_artifacts_stay_inside(green):
    assert all(not Path(name).is_absolute() and ".." not in name for name in green.artifact("truegreen-unit"))


def test_pipeline_on_github_writes_comment_check_run_and_status_once(sound, head):
    _, (comments, checks, statuses), _ = sound
    assert len(comments) == len(checks) == len(statuses) == 1
    assert "truegreen: pass" in comments[0]["body"]
    assert (checks[0]["conclusion"], checks[0]["head_sha"]) == ("success", head)
    assert statuses[0]["state"] == "success"


def test_pipeline_keeps_the_token_out_of_log_and_artifacts(green):
    assert pipeline.GITHUB_TOKEN not in green.raw
    files = [path for path in green.artifacts.rglob("*") if path.is_file()]
    assert files
    assert not any(pipeline.GITHUB_TOKEN.encode() in path.read_bytes() for path in files)


def test_pipeline_of_the_unwired_application_is_red_for_the_right_reason(unwired):
    assert unwired.rc != 0
    assert unwired.jobs["unit"] == "success"
    assert unwired.jobs["wiring"] == unwired.jobs["persistence"] == unwired.jobs["result"] == "failure"
    assert unwired.jobs["report"] == "success"
    assert pipeline.statuses(unwired) == {"unit": "pass", "wiring": "fail", "persistence": "fail"}
    assert pipeline.fault("unwired")["evidence"] in pipeline.summary(unwired)
    assert "truegreen run persistence" in pipeline.summary(unwired)


def test_helper_is_not_shadowed_by_the_callers_files(unwired):
    assert "the caller shadows the helper" not in unwired.raw
    assert pipeline.outputs(unwired)["verdict"] == "fail"


def test_pipeline_again_on_github_updates_what_it_wrote(unwired, sound, api):
    (before, checks, _), asked = sound[1], sound[2]
    (comment,) = api.own_comments(7)
    assert (comment["id"], "truegreen: fail" in comment["body"]) == (before[0]["id"], True)
    assert "0 committed rows" in comment["body"]
    (check,) = api.check_runs
    assert (check["id"], check["conclusion"]) == (checks[0]["id"], "failure")
    assert [row["state"] for row in api.statuses] == ["success", "failure"]
    again = api.operations()[len(asked) :]
    assert "comments.update" in again
    assert "comments.create" not in again
    assert "checks.create" not in again
