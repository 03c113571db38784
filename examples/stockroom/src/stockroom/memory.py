"""The stock in memory, for demonstrations without a database; the unit tests use it too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stockroom import domain
from stockroom.domain import Held, Promise, Unknown


class InMemoryStock:
    """Keeps the promises of `ports.Stock` until the process ends."""

    def __init__(self) -> None:
        self.items: dict[str, Held] = {}
        self.promises: dict[str, Promise] = {}
        self.movements: list[tuple[str, int, str]] = []

    def item(self, sku: str) -> Held | None:
        """Return an item, or None."""
        return self.items.get(sku)

    def add_items(self, items: Iterable[Held]) -> int:
        """Store items that are not there yet; return how many were new."""
        new = {one.sku: one for one in items if one.sku not in self.items}
        self.items.update(new)
        return len(new)

    def receive(self, sku: str, quantity: int, reference: str) -> Held:
        """Put more of an item on the shelf."""
        return self._move(sku, quantity, domain.RECEIVED)

    def reservation(self, reference: str) -> Promise | None:
        """Return a reservation, or None."""
        return self.promises.get(reference)

    def reserve(self, reference: str, sku: str, quantity: int, now: datetime) -> Promise:
        """Promise a part of an item, once for each reference."""
        if reference in self.promises:
            return self.promises[reference]
        made = domain.promise(reference, self._known(sku), quantity, now)
        self._move(sku, -quantity, domain.RESERVED)
        self.promises[reference] = made
        return made

    def end(self, reference: str, state: str) -> Promise:
        """End a reservation; what was not shipped goes back to the shelf."""
        if reference not in self.promises:
            raise Unknown(f"there is no reservation {reference}")
        after = self.promises[reference] = domain.ended(self.promises[reference], state)
        if state != domain.SHIPPED:
            self._move(after.sku, after.quantity, domain.RETURNED)
        return after

    def open_reservations(self) -> list[Promise]:
        """Return what is promised and neither shipped nor given up."""
        return [one for one in self.promises.values() if one.state == domain.OPEN]

    def _known(self, sku: str) -> Held:
        if sku not in self.items:
            raise Unknown(f"there is no item {sku}")
        return self.items[sku]

    def _move(self, sku: str, delta: int, reason: str) -> Held:
        before = self._known(sku)
        after = self.items[sku] = Held(sku, before.name, before.on_hand + delta)
        self.movements.append((sku, delta, reason))
        return after
