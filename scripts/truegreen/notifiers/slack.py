"""Slack, by an incoming webhook: one message when a branch turns red, one when it is green again."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec

from truegreen.errors import WrongValue
from truegreen.model.incident import run_key
from truegreen.notifiers import transition as transitions
from truegreen.notifiers.base import Delivery, Receipt, Transition
from truegreen.notifiers.slackkit import message
from truegreen.runtime.clock import Clock
from truegreen.runtime.http import Answer, Sender

if TYPE_CHECKING:
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report

_WORD = re.compile(r"[a-z_]{2,60}")
_BLOCKS_REFUSED = ("invalid_blocks", "invalid_blocks_format", "invalid_payload", "msg_blocks_too_long", "msg_too_long")
_BAD_REQUEST = 400
_MENTIONS_MAX = 3

Mention = Annotated[str, msgspec.Meta(pattern=r"^[UWS][A-Z0-9]{2,30}$")]
"""Id of a member (`U…`, `W…`) or of a user group (`S…`), as Slack shows it in a profile."""


class SlackOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.notify.slack]`."""

    webhook_env: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] = "SLACK_WEBHOOK_URL"
    """Variable that holds the webhook's address, which is the secret."""
    on: tuple[Literal["opened", "still-failing", "recovered"], ...] = ("opened", "recovered")
    """What is told."""
    branches: tuple[str, ...] = ("*",)
    """Patterns of branches that are told about."""
    pull_requests: bool = False
    """True tells about pull requests too; their authors have the comment already."""
    mention: Annotated[tuple[Mention, ...], msgspec.Meta(max_length=_MENTIONS_MAX)] = ()
    """Who is mentioned when something opens; at most three, never for a pull request."""
    channel_label: Annotated[str, msgspec.Meta(max_length=80)] = ""
    """A word shown below the message, for readers of several channels."""


class SlackNotifier:
    """Plans Block Kit messages and posts them to an incoming webhook."""

    name: ClassVar[str] = "slack"
    Options: ClassVar[type[msgspec.Struct]] = SlackOptions

    def __init__(self, sender: Sender | None = None) -> None:
        self._sender = sender or Sender(Clock())

    def secret_env(self, options: SlackOptions) -> str:
        """Return the name of the variable that holds the address."""
        return options.webhook_env

    def silence(self, transition: Transition, report: Report, options: SlackOptions) -> str:
        """Return why nothing is told, in words; empty when something is."""
        branch = transitions.branch(report)
        if transition is Transition.NONE:
            return "nothing changed"
        if transition.value not in options.on:
            return f"{transition.value} is not in `on`"
        if branch.startswith("pull/") and not options.pull_requests:
            return "a pull request has its comment (`pull-requests = true` tells here too)"
        if not any(fnmatch.fnmatchcase(branch, pattern) for pattern in options.branches):
            return f"branch {branch} is not in `branches`"
        return ""

    def plan(
        self, transition: Transition, report: Report, options: SlackOptions, incident: Incident | None = None
    ) -> tuple[Delivery, ...]:
        """Return the message for a transition, or none; pure.

        Args:
            transition: what happened.
            report: the newest report.
            options: of `[tool.truegreen.notify.slack]`.
            incident: what was remembered before this report, to tell since when.
        """
        if self.silence(transition, report, options):
            return ()
        branch = transitions.branch(report)
        mentions = () if branch.startswith("pull/") else tuple(_mention(name) for name in options.mention)
        payload = message.compose(
            transition,
            report,
            branch=branch,
            mentions=mentions,
            channel=options.channel_label,
            incident=incident,
        )
        key = f"{transitions.key(report)}#{transition.value}#{run_key(report.provenance)}"
        return (Delivery(notifier=self.name, key=key, body=message.encode(payload)),)

    def deliver(self, delivery: Delivery, secret: str) -> Receipt:
        """Post one message; blocks that Slack refuses are sent once more as plain text."""
        try:
            answer = self._sender.post(secret, delivery.body, media_type=delivery.media_type)
            word = _said(answer)
            if answer.status == _BAD_REQUEST and word in _BLOCKS_REFUSED:
                shorter = message.encode(message.text_only(json.loads(delivery.body)))
                answer = self._sender.post(secret, shorter, media_type=delivery.media_type)
                return _receipt(delivery, answer, f"sent as plain text, Slack refused the blocks ({word})")
        except WrongValue as error:
            return Receipt(key=delivery.key, accepted=False, attempts=0, message=f"{error.what}; {error.fix}")
        return _receipt(delivery, answer, "")


def _receipt(delivery: Delivery, answer: Answer, note: str) -> Receipt:
    word = _said(answer)
    accepted = answer.ok and word == "ok"
    if not accepted:
        failure = answer.failure or "it answered 2xx, but not `ok`: is this an incoming webhook?"
        note = f"{failure}: {word}" if word and word != "ok" else failure
    elif answer.repeated:
        note = f"{note}; an earlier attempt broke, so it may be there twice".lstrip("; ")
    return Receipt(key=delivery.key, accepted=accepted, status=answer.status, attempts=answer.attempts, message=note)


def _said(answer: Answer) -> str:
    """Return Slack's word for what it did; anything longer could hold the address, and is not repeated."""
    word = answer.body.decode("utf-8", "replace").strip()
    return word if _WORD.fullmatch(word) else ""


def _mention(name: str) -> str:
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>"
