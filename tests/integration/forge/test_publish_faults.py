"""Every fault at every request, once and for ever; afterwards, or after one more run, all is there exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.github_api import Fault, GithubApi
from tests.support.reports import report

from truegreen.forge import publishing
from truegreen.forge.github import GithubForge
from truegreen.forge.port import MARKER, Outcome
from truegreen.forge.publishing import Options, PublishResult

if TYPE_CHECKING:
    from tests.support.clocks import QuickClock

    from truegreen.forge.event import Event

BODY = f"{MARKER}\nunit is red"
FIRST = ("statuses.combined", "statuses.create", "comments.list", "comments.create", "checks.list", "checks.create")
AGAIN = ("statuses.combined", "statuses.create", "comments.list", "comments.update", "checks.create", "checks.update")
"""Requests of the first publication, and of a later one with other words and 120 failing tests."""
TABLE = [
    pytest.param(known, at, id=f"{'again' if known else 'first'}-{at}-{operation}")
    for known, operations in ((False, FIRST), (True, AGAIN))
    for at, operation in enumerate(operations, 1)
]
SURFACE = {"statuses": "commit status", "comments": "comment", "checks": "check run"}
PERMISSION = {"commit status": "statuses: write", "comment": "pull-requests: write", "check run": "checks: write"}
PASSING = {
    "429": Fault(status=429, headers={"Retry-After": "3"}, message="Too many requests"),
    "403 with Retry-After": Fault(status=403, headers={"Retry-After": "7"}, message="slow down"),
    "secondary limit": Fault(status=403, message="You have exceeded a secondary rate limit."),
    "primary limit": Fault(
        status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, message="API rate limit exceeded"
    ),
    "502": Fault(status=502, message="Server Error"),
    "502 but done": Fault(status=502, message="Server Error", act=True),
    "503 with date": Fault(status=503, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
    "cut before": Fault(cut=True),
    "cut but done": Fault(cut=True, act=True),
}


class Desk:
    """Publishes to a server, which may know the report of an earlier run already."""

    def __init__(self, api: GithubApi, clock: QuickClock, event: Event, *, known: bool) -> None:
        self.api, self.known = api, known
        self.event = msgspec.structs.replace(event, run_id="78", run_url=event.run_url.replace("77", "78"))
        self._clock = clock
        if known:
            api.add_comment(7, BODY, login="mallory")
            before = msgspec.structs.replace(event, run_id="77")
            publishing.publish(report(failing=1), BODY + " yesterday", self.forge(), before, None, Options())
            api.requests.clear()

    def forge(self, **options: Any) -> GithubForge:
        return GithubForge(repository="o/r", token="ghs_x", api_url=self.api.url, clock=self._clock, **options)

    def publish(self, forge: GithubForge | None = None) -> PublishResult:
        told = report(failing=120 if self.known else 2)
        return publishing.publish(told, BODY, forge or self.forge(), self.event, None, Options(check_run=True))

    def once(self, at: int) -> str:
        return (AGAIN if self.known else FIRST)[at - 1]

    def assert_no_more_than_one_of_each(self) -> None:
        assert len(self.api.own_comments(7)) <= 1
        assert len({run["external_id"] for run in self.api.check_runs}) == len(self.api.check_runs) <= 1
        assert [row["body"] for row in self.api.comments.get(7, []) if row["user"]["login"] == "mallory"] == (
            [BODY] if self.known else []
        )

    def assert_all_there_once(self) -> None:
        self.assert_no_more_than_one_of_each()
        (comment,) = self.api.own_comments(7)
        assert comment["body"] == f"{MARKER}\n<!-- truegreen:run 78.1 -->\nunit is red"
        assert [run["conclusion"] for run in self.api.check_runs] == ["failure"]
        assert self.api.statuses[-1]["state"] == "failure"


@pytest.fixture
def make_desk(make_api: Any, clock: QuickClock, event: Event) -> Any:
    return lambda *, known: Desk(make_api(base_path="/api/v3"), clock, event, known=known)


@pytest.mark.parametrize("known", [False, True])
def test_publish_without_a_fault_sends_these_requests(make_desk: Any, *, known: bool) -> None:
    desk = make_desk(known=known)
    assert desk.publish().ok
    assert desk.api.operations() == list(AGAIN if known else FIRST)
    assert desk.publish().ok
    desk.assert_all_there_once()
    assert len(desk.api.check_runs[0]["annotations"]) == (100 if known else 2)


@pytest.mark.parametrize(("known", "at"), TABLE)
@pytest.mark.parametrize("name", PASSING)
def test_publish_passing_fault_ends_with_everything_once(make_desk: Any, at: int, name: str, *, known: bool) -> None:
    desk = make_desk(known=known)
    desk.api.fault(at, PASSING[name])
    result = desk.publish()
    assert result.ok, result.lines
    desk.assert_all_there_once()
    assert len(desk.api.check_runs[0]["annotations"]) == (100 if known else 2)


@pytest.mark.parametrize(("known", "at"), TABLE)
@pytest.mark.parametrize("code", [401, 403, 404, 422, 429, 502])
def test_publish_any_fault_once_and_run_again_ends_with_everything_once(
    make_desk: Any, at: int, code: int, *, known: bool
) -> None:
    desk = make_desk(known=known)
    desk.api.fault(at, Fault(status=code, message="no such right"))
    desk.publish()
    desk.assert_no_more_than_one_of_each()
    assert desk.publish().ok
    desk.assert_all_there_once()


@pytest.mark.parametrize(("known", "at"), TABLE)
@pytest.mark.parametrize("code", [401, 403, 404, 422, 429, 502])
def test_publish_fault_for_ever_is_told_and_the_rest_written(
    make_desk: Any, clock: QuickClock, at: int, code: int, *, known: bool
) -> None:
    desk = make_desk(known=known)
    operation = desk.once(at)
    api = desk.api
    api.fault(operation, *[Fault(status=code, message="no such right")] * 200)
    result = desk.publish()
    if operation == "statuses.combined" and code not in (429, 502):
        assert result.ok, "who may not look whether a later run has spoken still says its own word"
        return
    surface = SURFACE[operation.partition(".")[0]]
    wrong = next(part for part in result.written if part.surface == surface)

    assert not result.ok
    assert wrong.outcome is (Outcome.REFUSED if code in (401, 403, 404) else Outcome.FAILED)
    assert wrong.permission == (PERMISSION[surface] if code in (401, 403, 404) else "")
    assert wrong.reason
    assert "the report is in the summary of the run, and the verdict stands" in result.lines[-1]
    assert all(part.ok for part in result.written if part is not wrong)
    assert sum(clock.slept) <= 75 * len(result.written)
    desk.assert_no_more_than_one_of_each()
    api.faults.clear()
    assert desk.publish().ok
    desk.assert_all_there_once()


@pytest.mark.parametrize(("known", "at"), TABLE)
def test_publish_slow_answer_is_cut_off_and_tried_again(make_desk: Any, at: int, *, known: bool) -> None:
    desk = make_desk(known=known)
    desk.api.fault(at, Fault(delay_s=1.3, act=True))
    result = desk.publish(desk.forge(timeout_s=1))
    assert result.ok, result.lines
    desk.assert_all_there_once()


def test_publish_limit_longer_than_our_patience_gives_up_at_once(make_desk: Any, clock: QuickClock) -> None:
    desk = make_desk(known=False)
    desk.api.fault(1, Fault(status=429, headers={"Retry-After": "3600"}))
    result = desk.publish()
    assert result.written[0].outcome is Outcome.FAILED
    assert "next attempt would be in 3600 s" in result.written[0].reason
    assert clock.slept == []
    assert all(part.ok for part in result.written[1:])


def test_publish_reset_of_a_limit_is_waited_for(make_desk: Any, clock: QuickClock) -> None:
    desk = make_desk(known=False)
    at = int(clock.now().timestamp()) + 20
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(at)}
    desk.api.fault("comments.create", Fault(status=403, headers=spent, message="API rate limit exceeded"))
    assert desk.publish().ok
    assert 15 <= sum(clock.slept) <= 22
