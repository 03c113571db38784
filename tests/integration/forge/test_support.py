"""The local servers refuse what the real ones refuse: otherwise the other tests would prove nothing."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import urllib3
from tests.support.clocks import QuickClock
from tests.support.github_api import GithubApi
from tests.support.slack_rules import refusal

from truegreen.errors import ExtraMissing
from truegreen.forge.github import connect

RUN = {"name": "truegreen", "head_sha": "a" * 40, "status": "completed", "conclusion": "success"}
MARK = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"}


def sent(verb: str, path: str, body: Any, **headers: str) -> list[str]:
    """Return the violations that one request left."""
    with GithubApi() as api:
        names = {"Authorization": "token x", "Content-Type": "application/json", **headers}
        urllib3.request(verb, api.url + path, body=json.dumps(body), headers=names, retries=False)
        return api.violations


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/repos/o/r/check-runs", {**RUN, "conclusion": "failed"}),
        ("/repos/o/r/check-runs", {"name": "truegreen"}),
        ("/repos/o/r/check-runs", {**RUN, "output": {"title": "t", "summary": "s", "annotations": [MARK] * 51}}),
        ("/repos/o/r/check-runs", {**RUN, "output": {"title": "t", "summary": "s" * 65_536}}),
        (
            "/repos/o/r/check-runs",
            {**RUN, "output": {"title": "t", "summary": "s", "annotations": [{**MARK, "annotation_level": "error"}]}},
        ),
        ("/repos/o/r/check-runs", {**RUN, "verdict": "green"}),
        ("/repos/o/r/statuses/" + "a" * 40, {"state": "green", "context": "c"}),
        ("/repos/o/r/issues/7/comments", {"text": "no body"}),
        ("/repos/o/r/issues/x/comments", {"body": "b"}),
        ("/repos/o/r/pulls/7/comments", {"body": "b"}),
    ],
)
def test_github_server_wrong_request_is_a_violation(path: str, body: Any) -> None:
    assert len(sent("POST", path, body)) >= 1


def test_github_server_right_request_is_none() -> None:
    assert sent("POST", "/repos/o/r/check-runs", RUN) == []
    assert sent("POST", "/repos/o/r/issues/7/comments", {"body": "b"}) == []


def test_github_server_wrong_answer_of_its_own_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.support.github_api.comment", lambda *_: {"id": 1, "user": {"login": "github-actions[bot]"}}
    )
    assert "our own answer 201" in sent("POST", "/repos/o/r/issues/7/comments", {"body": "b"})[0]


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, **more}}


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ({"text": "t", "blocks": [section("s")] * 51}, "invalid_blocks"),
        ({"text": "t", "blocks": [section("s" * 3001)]}, "invalid_blocks"),
        ({"text": "t", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "t", "blocks": [section("s", emoji=True)]}, "invalid_blocks"),
        ({"text": "t", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "h"}}]}, "invalid_blocks"),
        (
            {"text": "t", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "h" * 151}}]},
            "invalid_blocks",
        ),
        ({"text": "t", "blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
        ({"text": "t", "blocks": [section("s" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"text": "t", "channel": "#general"}, "invalid_payload"),
        ({"text": " "}, "no_text"),
        ([], "invalid_payload"),
    ],
)
def test_slack_rules_wrong_message_is_refused(message: Any, word: str) -> None:
    assert refusal(json.dumps(message).encode())[0] == word


def test_slack_rules_text_alone_is_taken() -> None:
    assert refusal(b'{"text": "hello"}') == ("", "")


def test_connect_without_pygithub_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "github", None)
    with pytest.raises(ExtraMissing) as caught:
        connect(repository="o/r", token="t", api_url="", clock=QuickClock())
    assert caught.value.fix == "install truegreen[github]"
    assert caught.value.exit_code == 4
