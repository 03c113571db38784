"""What the application needs from outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from parcels.domain import Parcel, Scan


class Message(NamedTuple):
    """One entry of a queue, as it was delivered."""

    id: str
    body: bytes


class Parcels(Protocol):
    """Durable storage; each call is all or nothing."""

    def register(self, parcels: Iterable[Parcel]) -> int:
        """Store parcels that are not there yet, each with an announcement; return how many were new."""
        ...

    def record(self, scan: Scan) -> Parcel | None:
        """Apply a scan once, however often it is delivered; None for an unknown parcel."""
        ...

    def find(self, parcel: str) -> Parcel | None:
        """Return a parcel, or None."""
        ...

    def unsent(self, most: int) -> list[tuple[int, str]]:
        """Return announcements that were not sent, oldest first."""
        ...

    def sent(self, announcements: Iterable[int]) -> None:
        """Note that announcements were sent."""
        ...


class Shifts(Protocol):
    """What workers did, for those who ask after one that is gone."""

    def begin(self) -> int:
        """Note that a worker began; return the number of its shift."""
        ...

    def end(self, shift: int, handled: int, state: str) -> None:
        """Note how it ended."""
        ...


class States(Protocol):
    """States of parcels that may be lost at any time."""

    def get(self, parcel: str) -> str | None:
        """Return a state, or None."""
        ...

    def put(self, parcel: str, state: str) -> None:
        """Keep a state for a while."""
        ...


class Queue(Protocol):
    """Durable delivery, at least once."""

    def publish(self, body: bytes) -> None:
        """Add an entry."""
        ...

    def read(self, most: int, wait_s: float) -> list[Message]:
        """Return entries that nobody acknowledged, waiting for new ones."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Say that an entry is done with."""
        ...
