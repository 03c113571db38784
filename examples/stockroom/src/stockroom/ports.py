"""What the service needs from outside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from stockroom.domain import Held, Promise


class Stock(Protocol):
    """Durable storage; each call is all or nothing."""

    def item(self, sku: str) -> Held | None:
        """Return an item, or None."""
        ...

    def add_items(self, items: Iterable[Held]) -> int:
        """Store items that are not there yet; return how many were new."""
        ...

    def receive(self, sku: str, quantity: int, reference: str) -> Held:
        """Put more of an item on the shelf."""
        ...

    def reservation(self, reference: str) -> Promise | None:
        """Return a reservation, or None."""
        ...

    def reserve(self, reference: str, sku: str, quantity: int, now: datetime) -> Promise:
        """Promise a part of an item, once for each reference."""
        ...

    def end(self, reference: str, state: str) -> Promise:
        """End a reservation; what was not shipped goes back to the shelf."""
        ...

    def open_reservations(self) -> list[Promise]:
        """Return what is promised and neither shipped nor given up."""
        ...


class AuditTrail(Protocol):
    """A log for those who ask later."""

    def note(self, action: str, subject: str, detail: str) -> None:
        """Keep one line."""
        ...
