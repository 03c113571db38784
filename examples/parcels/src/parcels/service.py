"""The use cases."""

from __future__ import annotations

from collections.abc import Iterable

from parcels import domain
from parcels.domain import Parcel, Scan
from parcels.ports import Parcels, Queue, States


class ParcelService:
    """Registers parcels, takes scans, and says where parcels are.

    What is optional is for tools that need a part of it only; what is missing is skipped.
    """

    def __init__(
        self, parcels: Parcels | None = None, states: States | None = None, queue: Queue | None = None
    ) -> None:
        self._parcels = parcels
        self._states = states
        self._queue = queue

    def register(self, rows: Iterable[tuple[object, object]]) -> int:
        """Register parcels by number and address; return how many were new."""
        parcels = [domain.new_parcel(parcel, address) for parcel, address in rows]
        new = self._parcels.register(parcels) if self._parcels else len(parcels)
        if self._states:
            for parcel in parcels:
                if self._states.get(parcel.id) is None:
                    self._states.put(parcel.id, parcel.state)
        return new

    def scan(self, event: bytes) -> Scan:
        """Take a scan, to be applied by a worker; raises InvalidParcel."""
        scan = domain.from_event(event)
        if self._queue:
            self._queue.publish(domain.to_event(scan))
        return scan

    def apply(self, event: bytes) -> Parcel | None:
        """Apply a scan; None for an unknown parcel."""
        scan = domain.from_event(event)
        after = self._parcels.record(scan) if self._parcels else None
        if after is not None and self._states:
            self._states.put(after.id, after.state)
        return after

    def state(self, parcel: str) -> str | None:
        """Return the state of a parcel: cached, else stored, else None."""
        if self._states and (cached := self._states.get(parcel)) is not None:
            return cached
        found = self._parcels.find(parcel) if self._parcels else None
        if found is not None and self._states:
            self._states.put(parcel, found.state)
        return found.state if found else None

    def find(self, parcel: str) -> Parcel | None:
        """Return all that is stored of a parcel."""
        return self._parcels.find(parcel) if self._parcels else None
