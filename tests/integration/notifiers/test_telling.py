"""One message an incident, whatever breaks in between: a real store and a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.support.clocks import QuickClock
from tests.support.reports import report
from tests.support.slack_server import SlackServer, Trouble

from truegreen.model.verdict import Report, Status
from truegreen.notifiers.slack import SlackNotifier, SlackOptions
from truegreen.notifiers.telling import Told, tell
from truegreen.runtime.http import Limits, Sender
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


class Team:
    """A store and a webhook, told one report after the other."""

    def __init__(self, store: SqliteStore, slack: SlackServer) -> None:
        self.store = store
        self.slack = slack
        self.notifier = SlackNotifier(Sender(QuickClock(), Limits(read_s=0.5)))

    def tell(self, told: Report, *, secret: str | None = None, dry_run: bool = False) -> Told:
        env = {"SLACK_WEBHOOK_URL": self.slack.url if secret is None else secret}
        store = self.store
        return tell(
            self.notifier,
            told,
            SlackOptions(),
            env=env,
            recall=store.incident,
            remember=store.remember,
            dry_run=dry_run,
        )

    def titles(self) -> list[str]:
        return [message["blocks"][0]["text"]["text"] for message in self.slack.messages]


@pytest.fixture
def team(tmp_path: Path, slack: SlackServer) -> Team:
    return Team(SqliteStore(tmp_path / "history.sqlite"), slack)


def run(number: int, status: Status) -> Report:
    return report(status, run_id=str(number), created=f"2026-11-21T{number:02}:00:00Z")


def test_tell_a_day_of_runs_sends_one_message_an_edge(team: Team) -> None:
    day = [Status.PASS, Status.FAIL, Status.FAIL, Status.BLIND, Status.PASS, Status.PASS, Status.FAIL]
    for number, status in enumerate(day, start=1):
        assert team.tell(run(number, status)).ok

    assert team.titles() == ["🔴 o/r main is red", "🟢 o/r main is green again", "🔴 o/r main is red"]
    assert "3 red runs · 3 h 0 min" in json.dumps(team.slack.messages[1], ensure_ascii=False)


def test_tell_same_run_twice_sends_one_message(team: Team) -> None:
    for _ in range(3):
        team.tell(run(1, Status.FAIL))
    assert len(team.slack.messages) == 1


def test_tell_not_accepted_is_told_again_by_the_next_run(team: Team) -> None:
    team.slack.trouble(*[Trouble(status=500)] * 4)
    first = team.tell(run(1, Status.FAIL))
    assert not first.ok
    assert "tried again at the next run" in first.lines[0]
    assert team.store.incident("slack|o/r:main") is None

    assert team.tell(run(2, Status.FAIL)).ok
    assert team.titles() == ["🔴 o/r main is red"]


def test_tell_crash_between_sending_and_remembering_tells_it_again_and_never_loses_it(team: Team) -> None:
    class Crash(BaseException):
        pass

    def crash(_: object) -> None:
        raise Crash

    env = {"SLACK_WEBHOOK_URL": team.slack.url}
    with pytest.raises(Crash):
        tell(team.notifier, run(1, Status.FAIL), SlackOptions(), env=env, recall=team.store.incident, remember=crash)
    team.tell(run(2, Status.FAIL))
    team.tell(run(3, Status.FAIL))
    assert len(team.slack.messages) == 2


def test_tell_recovery_not_accepted_stays_open(team: Team) -> None:
    team.tell(run(1, Status.FAIL))
    team.slack.trouble(*[Trouble(cut=True)] * 4)
    assert not team.tell(run(2, Status.PASS)).ok
    team.tell(run(3, Status.PASS))
    assert team.titles()[-1] == "🟢 o/r main is green again"
    assert len(team.slack.messages) == 2


def test_tell_without_secret_says_which_variable_and_forgets_nothing(team: Team) -> None:
    told = team.tell(run(1, Status.FAIL), secret="  ")
    assert not told.ok
    assert "SLACK_WEBHOOK_URL is not set" in told.lines[0]
    assert team.tell(run(2, Status.FAIL)).ok
    assert team.titles() == ["🔴 o/r main is red"]


def test_tell_dry_run_sends_and_remembers_nothing(team: Team) -> None:
    told = team.tell(run(1, Status.FAIL), dry_run=True)
    assert "would send slack" not in told.lines[0]
    assert "would send o/r:main#opened#1.1" in told.lines[0]
    assert json.loads(told.deliveries[0].body)["blocks"]
    assert (team.slack.requests, team.store.incident("slack|o/r:main")) == (0, None)
