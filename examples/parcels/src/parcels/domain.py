"""Parcels, scans, and what a scan means; nothing here knows a store."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

REGISTERED = "registered"
NEXT = {
    "registered": {"collected"},
    "collected": {"in transit", "delivered"},
    "in transit": {"in transit", "delivered", "lost"},
    "lost": {"in transit"},
    "delivered": set(),
}
"""State → states that a scan may bring."""


class InvalidParcel(ValueError):
    """What was sent is no parcel or no scan."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel and what is known of it."""

    id: str
    address: str
    state: str = REGISTERED
    scans: int = 0


@dataclass(frozen=True, slots=True)
class Scan:
    """Somebody saw a parcel somewhere."""

    event: str
    parcel: str
    place: str
    state: str


def new_parcel(parcel: object, address: object) -> Parcel:
    """Return a parcel; raises InvalidParcel."""
    for name, value, most in (("id", parcel, 32), ("address", address, 120)):
        if not isinstance(value, str) or not value.strip() or len(value) > most:
            raise InvalidParcel(f"{value!r} is no {name}")
    return Parcel(str(parcel), str(address))


def accepted(before: Parcel, scan: Scan) -> Parcel:
    """Return the parcel after a scan; one that cannot follow is counted and changes no state."""
    state = scan.state if scan.state in NEXT[before.state] else before.state
    return Parcel(before.id, before.address, state, before.scans + 1)


def to_event(scan: Scan) -> bytes:
    """Return a scan as it goes over the queue."""
    return json.dumps(asdict(scan)).encode()


def from_event(body: bytes) -> Scan:
    """Return the scan of an event; raises InvalidParcel."""
    try:
        values = json.loads(body)
        scan = Scan(**values)
    except (ValueError, TypeError) as error:
        raise InvalidParcel(f"no scan: {error}") from None
    if not all(isinstance(value, str) and value for value in asdict(scan).values()) or scan.state not in NEXT:
        raise InvalidParcel(f"no scan: {values!r}")
    return scan
