"""Parcels, announcements and shifts in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sqlalchemy import Engine, create_engine, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from parcels import domain
from parcels.domain import Parcel, Scan
from parcels.tables import AnnouncementRow, ParcelRow, ScanRow, ShiftRow


def make_engine(url: str) -> Engine:
    """Return an engine with a small pool."""
    return create_engine(url, pool_size=5, pool_pre_ping=True)


class SqlParcels:
    """Each call is one transaction, committed before it returns."""

    def __init__(self, engine: Engine) -> None:
        self._sessions = sessionmaker(engine)

    def register(self, parcels: Iterable[Parcel]) -> int:
        """Store parcels that are not there yet, each with an announcement; return how many were new."""
        new = 0
        with self._sessions.begin() as session:
            for parcel in parcels:
                if session.get(ParcelRow, parcel.id) is not None:
                    continue
                session.add(ParcelRow(id=parcel.id, address=parcel.address, state=parcel.state, scans=0))
                session.add(AnnouncementRow(body=json.dumps({"parcel": parcel.id, "state": parcel.state})))
                new += 1
        return new

    def record(self, scan: Scan) -> Parcel | None:
        """Apply a scan once, however often it is delivered; None for an unknown parcel."""
        with self._sessions.begin() as session:
            row = session.get(ParcelRow, scan.parcel, with_for_update=True)
            if row is None:
                return None
            if session.get(ScanRow, scan.event) is None:
                after = domain.accepted(_parcel(row), scan)
                session.add(ScanRow(event=scan.event, parcel=scan.parcel, place=scan.place, state=scan.state))
                row.state, row.scans = after.state, after.scans
            return _parcel(row)

    def find(self, parcel: str) -> Parcel | None:
        """Return a parcel, or None."""
        with self._sessions() as session:
            row = session.get(ParcelRow, parcel)
            return _parcel(row) if row else None

    def unsent(self, most: int) -> list[tuple[int, str]]:
        """Return announcements that were not sent, oldest first."""
        query = select(AnnouncementRow).where(~AnnouncementRow.sent).order_by(AnnouncementRow.id).limit(most)
        with self._sessions() as session:
            return [(row.id, row.body) for row in session.scalars(query)]

    def sent(self, announcements: Iterable[int]) -> None:
        """Note that announcements were sent."""
        with self._sessions.begin() as session:
            _mark_sent(session, list(announcements))


class SqlShifts:
    """What workers did, in a transaction each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self) -> int:
        """Note that a worker began; return the number of its shift."""
        statement = insert(ShiftRow).values(handled=0, state="running").returning(ShiftRow.id)
        with self._engine.begin() as connection:
            return int(connection.execute(statement).scalar_one())

    def end(self, shift: int, handled: int, state: str) -> None:
        """Note how it ended."""
        with self._engine.begin() as connection:
            connection.execute(update(ShiftRow).where(ShiftRow.id == shift).values(handled=handled, state=state))


def _mark_sent(session: Session, announcements: list[int]) -> None:
    session.execute(update(AnnouncementRow).where(AnnouncementRow.id.in_(announcements)).values(sent=True))


def _parcel(row: ParcelRow) -> Parcel:
    return Parcel(row.id, row.address, row.state, row.scans)
