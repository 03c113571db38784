"""The contract of a notifier."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report


class Transition(StrEnum):
    """What happened to a branch."""

    OPENED = "opened"
    STILL_FAILING = "still-failing"
    RECOVERED = "recovered"
    NONE = "none"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to send; `key` makes sending it twice harmless where the receiver can tell."""

    notifier: str
    key: str
    body: bytes
    media_type: str = "application/json"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receiver's answer."""

    key: str
    accepted: bool
    status: int = 0
    attempts: int = 1
    message: str = ""


class Notifier(Protocol):
    """Plans (pure) and delivers messages; state is committed after the receipt."""

    name: ClassVar[str]
    Options: ClassVar[type[msgspec.Struct]]

    def secret_env(self, options: Any) -> str:
        """Return the name of the variable that holds the secret address."""
        ...

    def silence(self, transition: Transition, report: Report, options: Any) -> str:
        """Return why nothing is told about a transition, in words; empty when something is."""
        ...

    def plan(
        self, transition: Transition, report: Report, options: Any, incident: Incident | None = None
    ) -> tuple[Delivery, ...]:
        """Return the messages for a transition; pure. `incident` is what was remembered before it."""
        ...

    def deliver(self, delivery: Delivery, secret: str) -> Receipt:
        """Send one message to the secret address; never raises for a refusal, the receipt says it."""
        ...
