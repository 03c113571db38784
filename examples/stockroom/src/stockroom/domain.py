"""What the stockroom deals with, and its rules; nothing here knows a database."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

HELD_FOR = timedelta(hours=24)
RECEIVED, RESERVED, RETURNED = "received", "reserved", "returned"
OPEN, SHIPPED, CANCELLED, EXPIRED = "open", "shipped", "cancelled", "expired"
_SKU = re.compile(r"[A-Z0-9][A-Z0-9-]{1,31}")


class StockError(Exception):
    """A request that cannot be honoured."""


class Unknown(StockError):
    """There is no such item or reservation."""


class Refused(StockError):
    """The rules forbid it."""


@dataclass(frozen=True, slots=True)
class Held:
    """An item and how many of it are there to be promised."""

    sku: str
    name: str
    on_hand: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """A reservation."""

    reference: str
    sku: str
    quantity: int
    state: str
    expires: datetime


def checked_sku(sku: str) -> str:
    """Return a valid item number; raises Refused."""
    if not _SKU.fullmatch(sku):
        raise Refused(f"{sku!r} is no item number")
    return sku


def checked_quantity(quantity: object) -> int:
    """Return a positive whole number; raises Refused."""
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        raise Refused(f"{quantity!r} is no quantity")
    return quantity


def promise(reference: str, held: Held, quantity: int, now: datetime) -> Promise:
    """Return a reservation of what is on hand; raises Refused when that is too little."""
    if quantity > held.on_hand:
        raise Refused(f"{held.on_hand} of {held.sku} on hand, {quantity} asked for")
    return Promise(reference, held.sku, quantity, OPEN, now + HELD_FOR)


def ended(one: Promise, state: str) -> Promise:
    """Return a reservation in its last state; raises Refused when it has ended already."""
    if one.state != OPEN:
        raise Refused(f"{one.reference} is {one.state}")
    return replace(one, state=state)


def overdue(one: Promise, now: datetime) -> bool:
    """Return whether a reservation is open beyond its time."""
    return one.state == OPEN and one.expires <= now
