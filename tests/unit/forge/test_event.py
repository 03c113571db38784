"""The event, from the runner's variables and payload."""

from __future__ import annotations

import json
from typing import Any

import pytest

from truegreen.errors import UnsafeEvent
from truegreen.forge.event import Event, parse, refuse_unsafe

HEAD, BASE, MERGE = "a" * 40, "b" * 40, "c" * 40
ENV = {
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_SHA": MERGE,
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_REPOSITORY": "o/r",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_ACTOR": "ann",
}


def pull(**changes: Any) -> dict[str, Any]:
    """Return the payload of a pull request."""
    record = {
        "number": 7,
        "head": {"sha": HEAD, "ref": "topic", "repo": {"full_name": "o/r"}},
        "base": {"sha": BASE, "ref": "main", "repo": {"full_name": "o/r"}},
        "labels": [{"name": "truegreen:e2e"}, {"name": "bug"}],
    }
    return {"pull_request": {**record, **changes}, "repository": {"full_name": "o/r", "default_branch": "main"}}


def read(payload: Any, **env: str) -> Event:
    return parse({**ENV, **env}, json.dumps(payload).encode())


def test_parse_pull_request_judges_the_head_and_not_the_merge() -> None:
    assert read(pull()) == Event(
        name="pull_request",
        repository="o/r",
        sha=HEAD,
        base_sha=BASE,
        ref="refs/pull/7/merge",
        head_ref="topic",
        base_ref="main",
        pull_request=7,
        default_branch="main",
        labels=("truegreen:e2e", "bug"),
        actor="ann",
        run_id="77",
        run_attempt=2,
        run_url="https://github.com/o/r/actions/runs/77",
        server_url="https://github.com",
        api_url="https://api.github.com",
    )


def test_parse_gitea_where_the_ref_is_the_head_gives_the_same_answer() -> None:
    env = {"GITHUB_SHA": HEAD, "GITHUB_REF": "refs/pull/7/head", "GITHUB_SERVER_URL": "http://gitea:3000"}
    event = read(pull(), GITHUB_API_URL="http://gitea:3000/api/v1", **env)
    assert (event.sha, event.pull_request) == (HEAD, 7)
    assert event.run_url == "http://gitea:3000/o/r/actions/runs/77"
    assert event.api_url == "http://gitea:3000/api/v1"


def test_parse_ghes_keeps_both_addresses() -> None:
    event = read(pull(), GITHUB_SERVER_URL="https://git.corp/", GITHUB_API_URL="https://git.corp/api/v3/")
    assert (event.server_url, event.api_url) == ("https://git.corp", "https://git.corp/api/v3")


@pytest.mark.parametrize(
    ("head", "fork"),
    [
        ({"full_name": "eve/r"}, True),
        ({"full_name": "O/R"}, False),
        (None, True),  # the fork was deleted
    ],
)
def test_parse_fork_is_told_by_the_heads_repository(head: Any, *, fork: bool) -> None:
    assert read(pull(head={"sha": HEAD, "repo": head})).is_fork is fork


def test_parse_pull_request_without_payload_says_that_the_head_is_unknown() -> None:
    event = parse(ENV, None)
    assert (event.sha, event.pull_request) == (MERGE, 7)
    assert event.notes == (
        "the event's payload is missing",
        "the head of the pull request is unknown; GITHUB_SHA may be a merge commit",
    )


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"pull_request": 5}'])
def test_parse_malformed_payload_leaves_the_variables(payload: bytes) -> None:
    event = parse(ENV, payload)
    assert (event.repository, event.pull_request, event.sha) == ("o/r", 7, MERGE)
    assert event.notes


def test_parse_push_to_main_and_tag() -> None:
    payload = {"after": HEAD, "before": BASE, "ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    event = read(payload, GITHUB_EVENT_NAME="push", GITHUB_REF="refs/heads/main", GITHUB_SHA=HEAD)
    assert (event.sha, event.base_sha, event.on_default_branch, event.is_tag, event.branch) == (
        HEAD,
        BASE,
        True,
        False,
        "main",
    )
    tag = read(payload, GITHUB_EVENT_NAME="push", GITHUB_REF="refs/tags/v1", GITHUB_SHA=HEAD)
    assert (tag.on_default_branch, tag.is_tag, tag.branch) == (False, True, "")


def test_parse_first_push_has_no_base() -> None:
    assert read({"after": HEAD, "before": "0" * 40}, GITHUB_EVENT_NAME="push").base_sha == ""


def test_parse_merge_group_and_workflow_run_know_their_head() -> None:
    group = {"merge_group": {"head_sha": HEAD, "base_sha": BASE}}
    assert read(group, GITHUB_EVENT_NAME="merge_group").sha == HEAD
    assert read(group, GITHUB_EVENT_NAME="merge_group").base_sha == BASE
    run = {"workflow_run": {"head_sha": HEAD, "pull_requests": [{"number": 9}]}}
    event = read(run, GITHUB_EVENT_NAME="workflow_run", GITHUB_REF="refs/heads/main")
    assert (event.sha, event.pull_request) == (HEAD, 9)


def test_parse_at_a_desk_is_local_and_silent() -> None:
    assert parse({}) == Event(name="local")


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("GITHUB_SHA", "main; rm -rf /", "sha", ""),
        ("GITHUB_REPOSITORY", "o/r/../../x", "repository", ""),
        ("GITHUB_REPOSITORY", "o/r\n::error::", "repository", ""),
        ("GITHUB_REF", "refs/heads/a\x1b[31m", "ref", ""),
        ("GITHUB_SERVER_URL", "javascript:alert(1)", "server_url", "https://github.com"),
        ("GITHUB_API_URL", "file:///etc/passwd", "api_url", "https://api.github.com"),
        ("GITHUB_RUN_ID", "7/../8", "run_id", ""),
        ("GITHUB_RUN_ATTEMPT", "x", "run_attempt", 1),
    ],
)
def test_parse_hostile_variable_is_dropped(name: str, value: str, field: str, expected: Any) -> None:
    env = {**ENV, "GITHUB_EVENT_NAME": "schedule", name: value}
    assert getattr(parse(env, b"{}"), field) == expected


def test_parse_schedule_runs_on_the_default_branch_though_its_payload_names_no_repository() -> None:
    event = parse({"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/trunk"}, b'{"schedule": "0 3 * * *"}')
    assert (event.default_branch, event.on_default_branch) == ("trunk", True)
    named = {"repository": {"default_branch": "main"}}
    assert not parse(
        {"GITHUB_EVENT_NAME": "schedule", "GITHUB_REF": "refs/heads/x"}, json.dumps(named).encode()
    ).on_default_branch
    assert not parse({"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/heads/x"}, b"{}").on_default_branch


@pytest.mark.parametrize("number", [True, -1, 0, "7", 7.5, None])
def test_parse_number_that_is_none_falls_back_to_the_ref(number: Any) -> None:
    assert read(pull(number=number)).pull_request == 7


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run", "issue_comment"])
def test_refuse_unsafe_event_names_the_danger(name: str) -> None:
    with pytest.raises(UnsafeEvent, match=name) as caught:
        refuse_unsafe(Event(name=name))
    assert "secrets" in caught.value.why
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["pull_request", "push", "merge_group", "schedule", "local"])
def test_refuse_unsafe_lets_the_others_run(name: str) -> None:
    assert refuse_unsafe(Event(name=name)) is None
