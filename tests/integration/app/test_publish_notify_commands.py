"""`truegreen publish` and `truegreen notify` against servers that behave as GitHub and Slack do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.support.app_evidence import FINDING, leave, linted
from tests.support.github_api import Fault, GithubApi
from tests.support.slack_server import SlackServer, Trouble

from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.app_desk import Desk


def judged(desk: Desk, *, red: bool, run: str = "77", event: str = "push") -> str:
    """Judge a lint stage in a CI run and return the commit."""
    commit = desk.git("rev-parse", "HEAD")
    payload = (
        {"pull_request": {"number": 7, "head": {"sha": commit, "repo": {"full_name": "o/r"}}}}
        if event == "pull_request"
        else {"after": commit}
    )
    leave(desk.root / ".truegreen", "lint", linted([FINDING] if red else ()), commit=commit)
    desk.event(event, payload, GITHUB_RUN_ID=run, GITHUB_REF="refs/heads/main")
    desk.run("gate", "lint")
    return commit


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


# --- publish ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["publish", "notify"])
def test_command_before_any_verdict_is_evidence_missing(desk: Desk, command: str) -> None:
    ended = desk.run(command)
    assert (ended.code, "error TG201" in ended.err) == (EXIT_EVIDENCE, True)


def test_publish_dry_run_tells_and_sends_nothing(desk: Desk, api: GithubApi) -> None:
    commit = judged(desk, red=True, event="pull_request")
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
    ended = desk.run("publish", "--dry-run", "--json", "--set", "report.check-run=true")
    assert ended.code == EXIT_OK
    assert ended.json["ok"] is True
    assert any(line.startswith("comment: would be written to o/r#7") for line in ended.json["lines"])
    assert f"check run: would be failure on {commit[:12]}, 1 annotations" in ended.json["lines"]
    assert f"commit status: would be failure on {commit[:12]}" in ended.err
    assert api.requests == []


def test_publish_pull_request_writes_comment_and_status_and_a_check_run_where_asked_for(
    desk: Desk, api: GithubApi
) -> None:
    commit = judged(desk, red=True, event="pull_request")
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
    desk.run("publish")
    assert api.operations() == ["statuses.combined", "statuses.create", "comments.list", "comments.create"]
    assert api.comments[7][0]["body"].startswith("<!-- truegreen:report -->\n<!-- truegreen:run 77.1 -->\n")
    ended = desk.run("publish", "--json", "--set", "report.check-run=true")
    assert (ended.code, ended.json["ok"]) == (EXIT_OK, True)
    assert len(api.comments[7]) == 1
    assert "unused import" in api.comments[7][0]["body"]
    assert [(run["head_sha"], run["conclusion"]) for run in api.check_runs] == [(commit, "failure")]
    assert [row["state"] for row in api.statuses] == ["failure", "failure"]
    desk.run("publish")
    assert len(api.comments[7]) == 1, "published again it is edited, not repeated"


def test_publish_that_is_refused_is_told_and_the_verdict_stands(desk: Desk, api: GithubApi) -> None:
    judged(desk, red=False)
    api.fault("statuses.create", *[Fault(status=403, message="Resource not accessible by integration")] * 2)
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
    assert desk.run("publish", "--strict").code == EXIT_ENGINE
    ended = desk.run("publish", "--json")
    assert (ended.code, ended.json["ok"]) == (EXIT_OK, False)
    assert "statuses: write" in ended.err
    assert "ghs_secret" not in ended.out + ended.err


def test_publish_of_a_project_below_the_root_leaves_the_others_word_alone(desk: Desk, api: GithubApi) -> None:
    judged(desk, red=True, event="pull_request")
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url, GITHUB_WORKSPACE=str(desk.root.parent))
    desk.run("publish")
    desk.env(GITHUB_WORKSPACE=str(desk.root))
    desk.run("publish")
    name = desk.root.name
    assert [row["body"].partition("\n")[0] for row in api.comments[7]] == [
        f"<!-- truegreen:report {name} -->", "<!-- truegreen:report -->",
    ]  # fmt: skip
    assert [row["context"] for row in api.statuses] == [f"truegreen/result ({name})", "truegreen/result"]
    desk.env(GITHUB_WORKSPACE="/somewhere/else")
    desk.run("publish")
    assert len(api.comments[7]) == 2


EVENTS = {
    "push": ({"after": "COMMIT", "ref": "refs/heads/main"}, "refs/heads/main"),
    "merge_group": ({"merge_group": {"head_sha": "COMMIT"}}, "refs/heads/gh-readonly-queue/main/pr-7-abc"),
    "schedule": ({"schedule": "0 3 * * *"}, "refs/heads/main"),
    "release": ({"action": "published", "release": {"tag_name": "v1"}}, "refs/tags/v1"),
    "workflow_dispatch": ({}, "refs/heads/main"),
}


@pytest.mark.parametrize("event", EVENTS)
def test_publish_without_a_pull_request_writes_the_status_of_the_commit_alone(
    desk: Desk, api: GithubApi, event: str
) -> None:
    commit = judged(desk, red=True)
    payload, ref = EVENTS[event]
    text = json.dumps(payload).replace("COMMIT", commit)
    desk.event(event, json.loads(text), GITHUB_REF=ref, GITHUB_SHA=commit, GITHUB_RUN_ID="77")
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
    ended = desk.run("publish", "--strict")
    assert ended.code == EXIT_OK, ended.err
    assert api.operations() == ["statuses.combined", "statuses.create"]
    assert api.statuses[0]["url"].endswith(commit)
    plain = "truegreen/result"
    assert api.statuses[0]["context"] == (plain if event == "merge_group" else f"{plain} (on {event})")


def test_publish_of_a_rerun_edits_the_comment_and_an_earlier_run_does_not(desk: Desk, api: GithubApi) -> None:
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url)
    for run, attempt, red in (("77", "1", True), ("77", "2", False), ("76", "3", True)):
        judged(desk, red=red, run=run, event="pull_request")
        desk.env(GITHUB_RUN_ATTEMPT=attempt)
        desk.run("gate", "lint")
        last = desk.run("publish")
    (comment,) = api.comments[7]
    assert "truegreen:run 77.2" in comment["body"]
    assert "truegreen: pass" in comment["body"]
    assert "comment: not touched, a later run has spoken since" in last.err


@pytest.mark.parametrize(("missing", "word"), [("GITHUB_TOKEN", "GITHUB_TOKEN"), ("GITHUB_REPOSITORY", "REPOSITORY")])
def test_publish_without_token_or_repository_stays_in_the_summary(desk: Desk, missing: str, word: str) -> None:
    judged(desk, red=False)
    desk.env(GITHUB_TOKEN="ghs_secret")
    desk.monkeypatch.delenv(missing)
    ended = desk.run("publish")
    assert ended.code == EXIT_OK
    assert f"{word} is not set" in ended.err


# --- notify --------------------------------------------------------------------------------------------


def test_notify_tells_red_once_and_green_once(desk: Desk, slack: SlackServer) -> None:
    desk.env(SLACK_WEBHOOK_URL=slack.url)
    for run, red in enumerate((True, True, False, False), start=1):
        judged(desk, red=red, run=str(run))
        assert desk.run("notify").code == EXIT_OK
    titles = [message["blocks"][0]["text"]["text"] for message in slack.messages]
    assert titles == ["🔴 o/r main is red", "🟢 o/r main is green again"]


def test_notify_dry_run_sends_and_remembers_nothing(desk: Desk, slack: SlackServer) -> None:
    desk.env(SLACK_WEBHOOK_URL=slack.url)
    judged(desk, red=True)
    ended = desk.run("notify", "--dry-run", "--json")
    assert ended.json["ok"] is True
    assert "would send" in ended.json["lines"][0]
    assert slack.requests == 0
    desk.run("notify")
    assert len(slack.messages) == 1


def test_notify_without_the_address_says_so_and_fails_only_when_strict(desk: Desk) -> None:
    judged(desk, red=True)
    ended = desk.run("notify")
    assert (ended.code, "SLACK_WEBHOOK_URL is not set" in ended.err) == (EXIT_OK, True)
    assert desk.run("notify", "--strict").code == EXIT_ENGINE


def test_notify_that_is_refused_is_told_again_by_the_next_run(desk: Desk, slack: SlackServer) -> None:
    desk.env(SLACK_WEBHOOK_URL=slack.url)
    judged(desk, red=True)
    slack.trouble(Trouble(status=403, body="action_prohibited"))
    ended = desk.run("notify", "--strict", "--json")
    assert (ended.code, ended.json["ok"]) == (EXIT_ENGINE, False)
    assert "sEcReT" not in ended.out + ended.err
    assert slack.messages == []
    judged(desk, red=True, run="78")
    assert desk.run("notify", "--strict").code == EXIT_OK
    assert len(slack.messages) == 1


def test_notify_takes_the_options_of_the_project(desk: Desk, slack: SlackServer) -> None:
    desk.configure('[tool.truegreen.notify.slack]\nwebhook-env = "TEAM_HOOK"\nbranches = ["release/*"]\n')
    desk.commit()
    desk.env(TEAM_HOOK=slack.url)
    judged(desk, red=True)
    ended = desk.run("notify")
    assert ended.code == EXIT_OK
    assert "no message" in ended.err
    assert slack.requests == 0


def test_notify_whose_memory_cannot_be_used_tells_all_the_same(desk: Desk, slack: SlackServer) -> None:
    judged(desk, red=True)
    desk.configure('[tool.truegreen.history]\nurl = "postgresql://h@localhost/h"\npassword-env = "TRUEGREEN_NONE"\n')
    desk.env(SLACK_WEBHOOK_URL=slack.url)
    ended = desk.run("notify")
    assert ended.code == EXIT_OK
    assert "what was told before is not known, or not kept: " in ended.err
    assert "TRUEGREEN_NONE is not set" in ended.err
    assert len(slack.messages) == 1
    assert desk.run("notify", "--strict").code == EXIT_ENGINE


@pytest.mark.parametrize("base", [True, False])
def test_notify_where_the_configuration_cannot_be_read_tells_of_the_default_branch(
    desk: Desk, slack: SlackServer, *, base: bool
) -> None:
    desk.write("pyproject.toml", "[tool.truegreen\n")
    commit = desk.commit()
    payload = {"after": commit, "repository": {"default_branch": "main" if base else "trunk"}}
    desk.event("push", payload, GITHUB_RUN_ID="77", GITHUB_REF="refs/heads/main", GITHUB_ACTIONS="true")
    desk.env(SLACK_WEBHOOK_URL=slack.url, TG_STAGES_JSON="[]")
    assert desk.run("ci", "report").code == EXIT_CONFIGURATION
    ended = desk.run("notify", "--evidence", str(desk.root / ".truegreen"))
    assert (ended.code, "error TG102" in ended.err) == (EXIT_CONFIGURATION, True)
    assert [message["blocks"][0]["text"]["text"] for message in slack.messages] == ["🔴 o/r main is red"] * base
