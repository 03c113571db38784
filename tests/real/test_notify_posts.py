"""A branch that turns red is told to Slack, once, by the notify job."""

from __future__ import annotations

import json

import pytest
from tests.real import pipeline
from tests.support.slack_server import SlackServer

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def slack_and_run(run_caller):
    with SlackServer() as slack:
        secrets = {"SLACK_WEBHOOK_URL": slack.url}
        caller = {"stages": "unit persistence", "plant": "never-committed"}
        yield slack, run_caller(caller, pipeline.push(), secrets=secrets)


def test_push_with_a_fault_is_red_at_persistence(slack_and_run):
    _, done = slack_and_run
    assert pipeline.statuses(done) == {"unit": "pass", "persistence": "fail"}
    assert pipeline.fault("never-committed")["evidence"] in pipeline.summary(done)
    assert (done.jobs["report"], done.jobs["result"]) == ("success", "failure")


def test_push_with_a_fault_posts_one_message(slack_and_run):
    slack, done = slack_and_run
    assert done.jobs["notify"] == "success"
    assert slack.refused == []
    (message,) = slack.messages
    text = json.dumps(message, ensure_ascii=False)
    assert "persistence" in text
    assert "main" in text
    assert pipeline.CALLER in text


def test_address_of_the_webhook_stays_secret(slack_and_run):
    slack, done = slack_and_run
    assert slack.url not in done.raw
    assert not any(slack.url.encode() in path.read_bytes() for path in done.artifacts.rglob("*") if path.is_file())


def test_push_without_a_token_says_that_nothing_is_written(slack_and_run):
    _, done = slack_and_run
    assert "nothing is written to the forge: GITHUB_TOKEN is not set" in done.log
