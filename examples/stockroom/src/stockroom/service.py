"""The use cases of the stockroom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from stockroom import domain
from stockroom.domain import Held, Promise, Unknown
from stockroom.ports import AuditTrail, Stock


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class StockService:
    """Receives, reserves and ships."""

    def __init__(
        self, stock: Stock, audit: AuditTrail | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._stock = stock
        self._audit = audit
        self._now = now

    def item(self, sku: str) -> Held:
        """Return an item; raises Unknown."""
        found = self._stock.item(sku)
        if found is None:
            raise Unknown(f"there is no item {sku}")
        return found

    def add_items(self, rows: Iterable[tuple[str, str]]) -> int:
        """Add items by number and name; return how many were new."""
        items = [Held(domain.checked_sku(sku), name) for sku, name in rows]
        added = self._stock.add_items(items)
        self._note("import", items[0].sku if items else "", f"{added} of {len(items)} new")
        return added

    def receive(self, sku: str, quantity: int, reference: str) -> Held:
        """Put more of an item on the shelf."""
        after = self._stock.receive(sku, domain.checked_quantity(quantity), reference)
        self._note("receive", sku, f"{quantity} by {reference}")
        return after

    def reserve(self, reference: str, sku: str, quantity: int) -> Promise:
        """Promise a part of an item; asking twice is the same as once."""
        made = self._stock.reserve(reference, sku, domain.checked_quantity(quantity), self._now())
        self._note("reserve", reference, f"{made.quantity} of {sku}")
        return made

    def reservation(self, reference: str) -> Promise:
        """Return a reservation; raises Unknown."""
        found = self._stock.reservation(reference)
        if found is None:
            raise Unknown(f"there is no reservation {reference}")
        return found

    def ship(self, reference: str) -> Promise:
        """Give what was promised to whom it was promised."""
        return self._end(reference, domain.SHIPPED)

    def cancel(self, reference: str) -> Promise:
        """Give up a reservation."""
        return self._end(reference, domain.CANCELLED)

    def expire(self) -> int:
        """End every reservation beyond its time; return how many there were."""
        late = [one for one in self._stock.open_reservations() if domain.overdue(one, self._now())]
        for one in late:
            self._end(one.reference, domain.EXPIRED)
        return len(late)

    def _end(self, reference: str, state: str) -> Promise:
        after = self._stock.end(reference, state)
        self._note(state, reference, f"{after.quantity} of {after.sku}")
        return after

    def _note(self, action: str, subject: str, detail: str) -> None:
        if self._audit:
            self._audit.note(action, subject, detail)
