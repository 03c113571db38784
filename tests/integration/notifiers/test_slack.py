"""Messages to a real server that refuses what Slack refuses."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.clocks import QuickClock
from tests.support.reports import report
from tests.support.slack_server import SlackServer, Trouble

from truegreen import registry
from truegreen.model.incident import Incident
from truegreen.model.verdict import Status
from truegreen.notifiers.base import Delivery, Receipt, Transition
from truegreen.notifiers.slack import SlackNotifier, SlackOptions
from truegreen.runtime.clock import Clock
from truegreen.runtime.http import Limits, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def notifier(clock: QuickClock) -> SlackNotifier:
    return SlackNotifier(Sender(clock, Limits(read_s=0.5)))


def planned(transition: Transition = Transition.OPENED, **options: Any) -> Delivery:
    (delivery,) = SlackNotifier().plan(transition, report(), SlackOptions(**options))
    return delivery


def secret_free(slack: SlackServer, receipt: Receipt) -> bool:
    return "sEcReT" not in repr(receipt) and slack.url not in repr(receipt) and "127.0.0.1" not in repr(receipt)


def test_registry_slack_is_this_notifier() -> None:
    assert registry.load("notifier", "slack") is SlackNotifier


def test_deliver_opened_says_what_where_why_and_how(slack: SlackServer, notifier: SlackNotifier) -> None:
    receipt = notifier.deliver(planned(mention=("U0123",), channel_label="payments"), slack.url)

    assert receipt.accepted, receipt
    (sent,) = slack.messages
    text = json.dumps(sent, ensure_ascii=False)
    for part in (
        "🔴 o/r main is red",
        "<@U0123>",
        "*unit* is fail: 2 of 9 tests failed",
        "`tests/test_a.py::test_saves_0` `assert 0 == 1`",
        "_To make it green:_ fix the failing tests",
        "`truegreen run unit`",
        "<https://github.com/o/r/actions/runs/77|Open the run>",
        f"<https://github.com/o/r/commit/{'a' * 40}|{'a' * 12}>",
        "payments",
    ):
        assert part in text
    assert slack.refused == []


def test_deliver_recovered_says_since_when(slack: SlackServer, notifier: SlackNotifier) -> None:
    before = Incident(key="o/r:main", open=True, opened_at="2026-11-21T05:30:00Z", opened_commit="b" * 40, red_runs=3)
    deliveries = notifier.plan(Transition.RECOVERED, report(Status.PASS), SlackOptions(mention=("U0123",)), before)
    assert notifier.deliver(deliveries[0], slack.url).accepted
    text = json.dumps(slack.messages[0], ensure_ascii=False)
    assert "🟢 o/r main is green again" in text
    assert "3 red runs · 1 h 30 min" in text
    assert "U0123" not in text


@pytest.mark.parametrize(
    ("transition", "ref", "options", "why"),
    [
        (Transition.NONE, "refs/heads/main", {}, "nothing changed"),
        (Transition.STILL_FAILING, "refs/heads/main", {}, "not in `on`"),
        (Transition.OPENED, "refs/pull/7/merge", {}, "pull request"),
        (Transition.OPENED, "refs/heads/topic", {"branches": ("main", "release/*")}, "not in `branches`"),
    ],
)
def test_plan_where_nothing_is_told_says_why(
    transition: Transition, ref: str, options: dict[str, Any], why: str
) -> None:
    chosen = SlackOptions(**options)
    assert SlackNotifier().plan(transition, report(ref=ref), chosen) == ()
    assert why in SlackNotifier().silence(transition, report(ref=ref), chosen)


def test_plan_pull_request_when_wished_mentions_nobody() -> None:
    options = SlackOptions(pull_requests=True, mention=("U0123",))
    (delivery,) = SlackNotifier().plan(Transition.OPENED, report(ref="refs/pull/7/merge"), options)
    assert b"pull/7 is red" in delivery.body
    assert b"U0123" not in delivery.body


@pytest.mark.parametrize("mention", ["channel", "@U1", "<!here>", "u0123", "U1>"])
def test_options_mention_that_is_no_id_is_refused(mention: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"mention": [mention]}, SlackOptions)


def test_deliver_429_waits_as_asked(slack: SlackServer, notifier: SlackNotifier, clock: QuickClock) -> None:
    slack.trouble(Trouble(status=429, body="rate_limited", headers={"Retry-After": "7"}))
    receipt = notifier.deliver(planned(), slack.url)
    assert (receipt.accepted, receipt.attempts, clock.slept) == (True, 2, [7.0])
    assert len(slack.messages) == 1


def test_deliver_429_longer_than_our_patience_gives_up(
    slack: SlackServer, notifier: SlackNotifier, clock: QuickClock
) -> None:
    slack.trouble(Trouble(status=429, headers={"Retry-After": "3600"}))
    receipt = notifier.deliver(planned(), slack.url)
    assert not receipt.accepted
    assert receipt.status == 429
    assert "3600 s more would pass the limit of 60 s" in receipt.message
    assert clock.slept == []


@pytest.mark.parametrize("trouble", [Trouble(status=500), Trouble(status=503), Trouble(cut=True), Trouble(delay_s=0.8)])
def test_deliver_passing_trouble_is_tried_again(slack: SlackServer, notifier: SlackNotifier, trouble: Trouble) -> None:
    slack.trouble(trouble)
    receipt = notifier.deliver(planned(), slack.url)
    assert receipt.accepted, receipt
    assert receipt.attempts == 2
    assert secret_free(slack, receipt)


def test_deliver_answer_lost_after_acceptance_says_it_may_be_there_twice(
    slack: SlackServer, notifier: SlackNotifier
) -> None:
    slack.trouble(Trouble(cut=True, keep=True))
    receipt = notifier.deliver(planned(), slack.url)
    assert receipt.accepted
    assert "may be there twice" in receipt.message
    assert len(slack.messages) == 2


@pytest.mark.parametrize("trouble", [Trouble(status=500), Trouble(cut=True)])
def test_deliver_lasting_trouble_ends_with_a_receipt(
    slack: SlackServer, notifier: SlackNotifier, clock: QuickClock, trouble: Trouble
) -> None:
    slack.trouble(*[trouble] * 10)
    receipt = notifier.deliver(planned(), slack.url)
    assert (receipt.accepted, receipt.attempts) == (False, 4)
    assert sum(clock.slept) < 60
    assert receipt.message
    assert secret_free(slack, receipt)


@pytest.mark.parametrize("word", ["invalid_blocks", "invalid_payload", "msg_blocks_too_long"])
def test_deliver_blocks_refused_are_sent_as_plain_text(slack: SlackServer, notifier: SlackNotifier, word: str) -> None:
    slack.trouble(Trouble(status=400, body=word))
    receipt = notifier.deliver(planned(), slack.url)
    assert receipt.accepted
    assert word in receipt.message
    assert "blocks" not in slack.messages[0]
    assert "o/r main is red" in slack.messages[0]["text"]


@pytest.mark.parametrize(
    ("code", "word"), [(403, "invalid_token"), (404, "channel_not_found"), (410, "channel_is_archived")]
)
def test_deliver_refusal_is_final_and_named(slack: SlackServer, notifier: SlackNotifier, code: int, word: str) -> None:
    slack.trouble(Trouble(status=code, body=word))
    receipt = notifier.deliver(planned(), slack.url)
    assert (receipt.accepted, receipt.status, receipt.attempts) == (False, code, 1)
    assert receipt.message == f"it answered {code}: {word}"


def test_deliver_answer_that_repeats_the_secret_is_not_shown(slack: SlackServer, notifier: SlackNotifier) -> None:
    slack.trouble(Trouble(status=404, body=f"no such hook {slack.url}"))
    receipt = notifier.deliver(planned(), slack.url)
    assert not receipt.accepted
    assert secret_free(slack, receipt)


def test_deliver_page_that_is_not_slack_is_not_accepted(slack: SlackServer, notifier: SlackNotifier) -> None:
    slack.trouble(Trouble(status=200, body="<html>sign in to the guest network</html>"))
    receipt = notifier.deliver(planned(), slack.url)
    assert not receipt.accepted
    assert "not `ok`" in receipt.message


def test_deliver_redirect_is_refused(slack: SlackServer, notifier: SlackNotifier) -> None:
    slack.trouble(Trouble(status=302, headers={"Location": slack.url}))
    receipt = notifier.deliver(planned(), slack.url)
    assert not receipt.accepted
    assert "redirect" in receipt.message
    assert slack.requests == 1


def test_deliver_dripping_answer_ends_at_the_limit(slack: SlackServer) -> None:
    notifier = SlackNotifier(Sender(Clock(), Limits(read_s=0.5, total_s=0.6, attempts=1)))
    slack.trouble(Trouble(status=200, body="x" * 100, drip_s=0.1))
    begin = time.monotonic()
    receipt = notifier.deliver(planned(), slack.url)
    assert not receipt.accepted
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/sEcReT",
        "ftp://x/sEcReT",
        "sEcReT",
        "",
        "https://u:sEcReT@x/",
        "http://[sEcReT",
        "https://",
    ],
)
def test_deliver_address_that_is_not_https_is_refused_without_showing_it(notifier: SlackNotifier, url: str) -> None:
    receipt = notifier.deliver(planned(), url)
    assert not receipt.accepted
    assert "https://" in receipt.message
    assert "sEcReT" not in repr(receipt)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/sEcReT", "https://127.0.0.1:9/sEcReT", "https://no-such-host.invalid/sEcReT"]
)
def test_deliver_nobody_there_ends_with_a_receipt(notifier: SlackNotifier, url: str) -> None:
    receipt = notifier.deliver(planned(), url)
    assert (receipt.accepted, receipt.attempts) == (False, 4)
    assert receipt.message == "no connection"
