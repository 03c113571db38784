"""A branch that is red and then green again, with its history on a branch: the notify jobs know of one another."""

from __future__ import annotations

import subprocess

import msgspec
import pytest
from tests.real import pipeline
from tests.real.forge import Forge
from tests.support.git_server import GitServer
from tests.support.github_api import GithubApi
from tests.support.slack_server import SlackServer

from truegreen.model.results import RunResults

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
_FAILS = {"tests/unit/test_fails.py": "def test_it_fails():\n    assert 1 + 1 == 3\n"}


@pytest.fixture(scope="module")
def told(run_caller, tmp_path_factory):
    folder = tmp_path_factory.mktemp("forge")
    caller = tmp_path_factory.mktemp("caller") / "caller"
    settings = (*pipeline.embedded(), "gates.coverage.enabled=false")
    pipeline.make_caller(caller, stages="unit", settings=settings, files=_FAILS, with_history=True)
    red = pipeline.commit(caller)
    with SlackServer() as slack, GithubApi() as api, GitServer(folder, writers=(pipeline.GITHUB_TOKEN,)) as server:
        forge = Forge(api, server, folder)
        address = f"{server.url}/{pipeline.CALLER}"
        subprocess.run(["git", "remote", "set-url", "origin", address], cwd=caller, check=True)

        def push(number, commit, before):
            options = forge.options(number, pipeline.GITHUB_TOKEN)
            options["secrets"]["SLACK_WEBHOOK_URL"] = slack.url
            return run_caller(caller, {**pipeline.push(), "after": commit, "before": before}, **options)

        first = push(201, red, "0" * 40)
        # Unlike GitHub, act runs no job after a called workflow that failed: what the job `history` would keep.
        line = (first.artifacts / "truegreen-report" / "run.jsonl").read_bytes()
        forge.write(msgspec.json.decode(line, type=RunResults))
        (caller / "tests" / "unit" / "test_fails.py").unlink()
        second = push(202, pipeline.committed(caller, "mended"), red)
        yield slack, first, second


def test_both_pushes_are_told_by_their_own_notify_job(told):
    slack, first, second = told
    assert (first.jobs["result"], second.jobs["result"]) == ("failure", "success"), second.log[-3000:]
    assert (first.jobs["notify"], second.jobs["notify"]) == ("success", "success")
    titles = [message["blocks"][0]["text"]["text"] for message in slack.messages]
    assert titles == [f"🔴 {pipeline.CALLER} main is red", f"🟢 {pipeline.CALLER} main is green again"]


def test_end_says_since_which_commit_and_for_how_many_runs(told):
    slack, first, _ = told
    commit = pipeline.verdict(first)["provenance"]["commit"]
    lead = slack.messages[1]["blocks"][1]["text"]["text"]
    assert "since " in lead, lead
    assert commit[:12] in lead
    assert "1 red run" in lead
