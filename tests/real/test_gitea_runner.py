"""A runner as Gitea's: the head as `GITHUB_SHA`, empty `job.*`, no check runs, no summary page to look at."""

from __future__ import annotations

import pytest
from tests.real import pipeline
from tests.support.github_api import GithubApi

from truegreen.forge.port import STATUS_CONTEXT

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
NUMBER = 12


@pytest.fixture(scope="module")
def api():
    with GithubApi(base_path="/api/v1", check_runs=False, login="gitea-actions") as server:
        yield server
        assert server.violations == []


@pytest.fixture(scope="module")
def head_and_run(api, run_caller, tmp_path_factory):
    caller = pipeline.make_caller(tmp_path_factory.mktemp("gitea") / "caller", plant="rolled-back")
    head = pipeline.commit(caller)
    env = {
        "GITHUB_API_URL": api.url,
        "GITHUB_SERVER_URL": api.url.removesuffix("/api/v1"),
        "GITHUB_REF": f"refs/pull/{NUMBER}/head",
        "GITEA_ACTIONS": "true",
    }
    secrets = {"GITHUB_TOKEN": pipeline.GITEA_TOKEN}
    return head, run_caller(caller, pipeline.pull_request(head, NUMBER), env=env, secrets=secrets)


def test_verdict_is_the_same_as_on_github(head_and_run):
    _, done = head_and_run
    assert pipeline.statuses(done) == {"unit": "pass", "wiring": "pass", "persistence": "fail"}
    assert (done.jobs["report"], done.jobs["result"]) == ("success", "failure")
    assert pipeline.outputs(done)["verdict"] == "fail"


def test_head_and_base_come_from_the_payload(head_and_run):
    head, done = head_and_run
    origin = pipeline.verdict(done)["provenance"]
    assert (origin["commit"], origin["base_commit"], origin["pull_request"]) == (head, pipeline.BASE, NUMBER)
    assert pipeline.record(done, "truegreen-persistence")["commit"] == head


def test_comment_and_status_are_written_without_check_runs(head_and_run, api):
    head, done = head_and_run
    (comment,) = api.own_comments(NUMBER)
    assert pipeline.fault("rolled-back")["evidence"] in comment["body"]
    assert [(row["state"], row["context"]) for row in api.statuses] == [
        ("failure", f"{STATUS_CONTEXT} (stages persistence unit wiring)")
    ]
    assert {request.path.split("/statuses/")[1] for request in api.requests if "/statuses/" in request.path} == {head}
    assert api.check_runs == []
    assert "has no check runs" in done.log
    assert pipeline.GITEA_TOKEN not in done.raw


def test_log_alone_tells_what_is_red_and_why(head_and_run):
    """Gitea shows no job summary; whoever reads the log of `report` must find the same."""
    _, done = head_and_run
    report = "\n".join(line for line in done.log.splitlines() if "/report]" in line)
    assert pipeline.outputs(done)["headline"] in report
    assert pipeline.fault("rolled-back")["evidence"] in report
