"""Runs that overlap or are started again, with the history on a branch: no red is told to nobody, and no end twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import app_evidence, history_desk
from tests.support.history_desk import event, judge, keep
from tests.support.slack_server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk
    from tests.support.git_server import GitServer

RED, GREEN = "🔴 o/r main is red", "🟢 o/r main is green again"


@pytest.fixture
def slack(desk: Desk) -> Iterator[SlackServer]:
    with SlackServer() as server:
        desk.env(SLACK_WEBHOOK_URL=server.url)
        yield server


@pytest.fixture
def server(desk: Desk, tmp_path: Path) -> Iterator[GitServer]:
    """The private repository that the desk's project is a checkout of."""
    with history_desk.serving(desk, tmp_path / "served") as found:
        yield found


def told(slack: SlackServer) -> list[str]:
    """Return the titles of what was told."""
    return [message["blocks"][0]["text"]["text"] for message in slack.messages]


def notify(desk: Desk) -> None:
    """Run the job that tells people."""
    assert desk.run("notify", "--evidence", str(desk.root / ".truegreen")).code == 0


def ran(desk: Desk, number: int, *, red: bool, **more: Any) -> bytes:
    """Let a run judge and notify, and return what it left to be kept."""
    event(desk, number, **more)
    judge(desk, failed=("test_b",) if red else ())
    notify(desk)
    return (desk.root / ".truegreen" / "report" / "run.jsonl").read_bytes()


def test_notify_after_a_report_started_again_calls_nothing_green_that_was_not_run_again(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    first = desk.git("rev-parse", "HEAD")
    ran(desk, 1, red=True)
    assert keep(desk).code == 0
    event(desk, 1, attempt=2)  # the report alone: the evidence is of the first attempt
    artifacts = desk.root.parent / "artifacts"
    desk.env(TG_EVIDENCE=str(artifacts), GITHUB_TOKEN=history_desk.READS)
    assert desk.run("ci", "report").code == 0
    notify(desk)
    assert keep(desk).code == 0
    second = desk.commit()
    event(desk, 2, before=first)
    shutil.rmtree(artifacts)
    more = {"tree": desk.git("rev-parse", "HEAD^{tree}"), "environment": "e", "run_id": "2.1"}
    app_evidence.leave(artifacts, "lint", app_evidence.linted(()), commit=second, name="truegreen-lint", **more)
    desk.env(TG_EVIDENCE=str(artifacts), TG_STAGES_JSON='["lint"]', GITHUB_TOKEN=history_desk.READS)
    assert desk.run("ci", "report").code == 0
    notify(desk)
    assert told(slack) == [RED]


def test_notify_red_beside_a_nightly_run_of_the_commit_before_is_told_by_the_next_run(
    desk: Desk, server: GitServer, slack: SlackServer
) -> None:
    first = desk.git("rev-parse", "HEAD")
    ran(desk, 1, red=True)
    assert keep(desk).code == 0
    nightly = ran(desk, 2, red=False, name="schedule")
    second = desk.commit()
    ran(desk, 3, red=True, before=first)  # judged before the nightly run was kept
    assert keep(desk).code == 0
    event(desk, 2, name="schedule")
    (desk.root / ".truegreen" / "report" / "run.jsonl").write_bytes(nightly)
    assert keep(desk).code == 0
    assert told(slack) == [RED, GREEN]
    ran(desk, 4, red=False, before=second)
    assert told(slack) == [RED, GREEN, GREEN]
