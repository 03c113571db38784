"""The stock in PostgreSQL, by Django's models."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from stockroom import domain, models
from stockroom.domain import Held, Promise, Unknown


class DatabaseStock:
    """Each call is one transaction, committed before it returns."""

    def item(self, sku: str) -> Held | None:
        """Return an item, or None."""
        row = models.Item.objects.filter(sku=sku).first()
        return _held(row) if row else None

    def add_items(self, items: Iterable[Held]) -> int:
        """Store items that are not there yet; return how many were new."""
        wanted = {one.sku: one for one in items}
        with transaction.atomic():
            known = set(models.Item.objects.filter(sku__in=wanted).values_list("sku", flat=True))
            rows = [models.Item(sku=one.sku, name=one.name) for one in wanted.values() if one.sku not in known]
            models.Item.objects.bulk_create(rows, batch_size=50)
        return len(rows)

    def receive(self, sku: str, quantity: int, reference: str) -> Held:
        """Put more of an item on the shelf."""
        with transaction.atomic():
            row = _locked(sku)
            _move(row, quantity, domain.RECEIVED, reference)
        return _held(row)

    def reservation(self, reference: str) -> Promise | None:
        """Return a reservation, or None."""
        row = models.Reservation.objects.select_related("item").filter(reference=reference).first()
        return _promise(row) if row else None

    def reserve(self, reference: str, sku: str, quantity: int, now: datetime) -> Promise:
        """Promise a part of an item, once for each reference."""
        with transaction.atomic():
            row = _locked(sku)
            existing = self.reservation(reference)
            if existing is not None:
                return existing
            made = domain.promise(reference, _held(row), quantity, now)
            models.Reservation.objects.create(
                reference=reference, item=row, quantity=quantity, state=made.state, expires=made.expires
            )
            _move(row, -quantity, domain.RESERVED, reference)
        return made

    def end(self, reference: str, state: str) -> Promise:
        """End a reservation; what was not shipped goes back to the shelf."""
        with transaction.atomic():
            found = models.Reservation.objects.select_for_update(of=("self",)).select_related("item")
            row = found.filter(reference=reference).first()
            if row is None:
                raise Unknown(f"there is no reservation {reference}")
            after = domain.ended(_promise(row), state)
            models.Reservation.objects.filter(pk=row.pk).update(state=after.state)
            if state != domain.SHIPPED:
                _move(_locked(row.item.sku), row.quantity, domain.RETURNED, reference)
        return after

    def open_reservations(self) -> list[Promise]:
        """Return what is promised and neither shipped nor given up."""
        rows = models.Reservation.objects.select_related("item").filter(state=domain.OPEN).order_by("pk")
        return [_promise(row) for row in rows]


class DatabaseAudit:
    """The audit trail, beside the stock."""

    def note(self, action: str, subject: str, detail: str) -> None:
        """Keep one line."""
        models.AuditEntry.objects.create(action=action, subject=subject, detail=detail)


def _locked(sku: str) -> models.Item:
    row = models.Item.objects.select_for_update().filter(sku=sku).first()
    if row is None:
        raise Unknown(f"there is no item {sku}")
    return row


def _move(row: models.Item, delta: int, reason: str, reference: str) -> None:
    """Change what is on hand, and keep why."""
    row.on_hand += delta
    row.save(update_fields=["on_hand"])
    models.Movement.objects.create(item=row, delta=delta, reason=reason, reference=reference)


def _held(row: models.Item) -> Held:
    return Held(row.sku, row.name, row.on_hand)


def _promise(row: models.Reservation) -> Promise:
    return Promise(row.reference, row.item.sku, row.quantity, row.state, row.expires)
