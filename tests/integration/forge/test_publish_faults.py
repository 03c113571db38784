"""Every fault at every request; afterwards, or after one more run, everything is there exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.github_api import Fault, GithubApi
from tests.support.reports import report

from truegreen.forge.github import GithubForge
from truegreen.forge.port import MARKER, Outcome
from truegreen.forge.publishing import publish

if TYPE_CHECKING:
    from tests.support.clocks import QuickClock

    from truegreen.forge.event import Event
    from truegreen.forge.patience import Call, Reply

BODY = f"{MARKER}\nunit is red"
LAST = 5  # requests of one publication
EACH = range(1, LAST + 1)
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


@pytest.mark.parametrize("at", EACH)
@pytest.mark.parametrize("name", PASSING)
def test_publish_passing_fault_ends_with_everything_once(
    api: GithubApi, open_forge: Any, event: Event, at: int, name: str
) -> None:
    api.fault(at, PASSING[name])
    result = publish(report(), BODY, open_forge(api), event)

    assert result.ok, result.lines
    assert len(api.comments[7]) == 1
    assert [len(run["annotations"]) for run in api.check_runs] == [2]
    assert api.statuses


@pytest.mark.parametrize("at", EACH)
def test_publish_slow_answer_is_cut_off_and_tried_again(api: GithubApi, open_forge: Any, event: Event, at: int) -> None:
    api.fault(at, Fault(delay_s=1.3, act=True))
    result = publish(report(), BODY, open_forge(api, timeout_s=1), event)
    assert result.ok, result.lines
    assert len(api.comments[7]) == len(api.check_runs) == 1


@pytest.mark.parametrize("at", EACH)
@pytest.mark.parametrize("code", [401, 403, 404, 422])
def test_publish_lasting_fault_is_reported_and_the_rest_written(
    make_api: Any, open_forge: Any, event: Event, at: int, code: int
) -> None:
    api = make_api(base_path="/api/v3")
    api.fault(at, *[Fault(status=code, message="no such right")] * 4)
    api.fault("checks.create", *([Fault(status=422)] if (at, code) == (4, 422) else []))
    api.fault("comments.create", *([Fault(status=422)] * 2 if (at, code) == (2, 422) else []))
    result = publish(report(), BODY, open_forge(api), event)

    surface = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2}[at]
    assert not result.written[surface].ok
    assert result.written[surface].outcome is (Outcome.FAILED if code == 422 else Outcome.REFUSED)
    assert bool(result.written[surface].permission) == (code != 422)
    others = [part for n, part in enumerate(result.written) if n != surface]
    assert all(part.ok for part in others)


def test_publish_limit_longer_than_our_patience_gives_up_at_once(
    api: GithubApi, open_forge: Any, event: Event, clock: QuickClock
) -> None:
    api.fault(1, Fault(status=429, headers={"Retry-After": "3600"}))
    result = publish(report(), BODY, open_forge(api), event)
    assert result.written[0].outcome is Outcome.FAILED
    assert "next attempt would be in 3600 s" in result.written[0].reason
    assert clock.slept == []
    assert result.written[1].ok


def test_publish_server_always_failing_stops_within_the_limit(
    api: GithubApi, open_forge: Any, event: Event, clock: QuickClock
) -> None:
    api.fault("comments.create", *[Fault(status=500)] * 50)
    result = publish(report(), BODY, open_forge(api), event)
    assert result.written[0].outcome is Outcome.FAILED
    assert sum(clock.slept) <= 75


class Killed(BaseException):
    """Stands for SIGKILL between two requests."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", EACH)
def test_publish_killed_at_a_request_then_run_again_leaves_one_of_each(
    api: GithubApi, event: Event, clock: QuickClock, at: int, *, after: bool
) -> None:
    class Dying(GithubForge):
        def _send(self, call: Call) -> Reply:
            if self.calls == at and not after:
                raise Killed
            reply = super()._send(call)
            if self.calls == at:
                raise Killed
            return reply

    with pytest.raises(Killed):
        publish(report(), BODY, Dying(repository="o/r", token="ghs_x", api_url=api.url, clock=clock), event)
    result = publish(report(), BODY, GithubForge(repository="o/r", token="ghs_x", api_url=api.url, clock=clock), event)

    assert result.ok
    assert len(api.comments[7]) == len(api.check_runs) == 1
    assert len(api.check_runs[0]["annotations"]) == 2


@pytest.mark.parametrize("at", [2, 4])
def test_publish_process_killed_while_waiting_for_an_answer_then_again(
    api: GithubApi, open_forge: Any, event: Event, at: int
) -> None:
    program = (
        "from tests.support.reports import report; from truegreen.forge.github import GithubForge\n"
        "from truegreen.forge.publishing import publish; from truegreen.forge.event import Event\n"
        "from truegreen.runtime.clock import Clock\n"
        f"forge = GithubForge(repository='o/r', token='ghs_x', api_url={api.url!r}, clock=Clock())\n"
        f"publish(report(), {BODY!r}, forge, Event(name='pull_request', sha='a' * 40, pull_request=7))\n"
    )
    child: list[int] = []
    api.fault(at, Fault(act=True, cut=True, call=lambda: os.kill(child[0], signal.SIGKILL)))
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": "scripts:."})
    child.append(process.pid)
    assert process.wait(60) == -signal.SIGKILL
    assert publish(report(), BODY, open_forge(api), msgspec.structs.replace(event, run_url="")).ok
    assert len(api.comments[7]) == len(api.check_runs) == 1
