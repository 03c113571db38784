"""The tables."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Identity, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Every table."""


class ParcelRow(Base):
    """A parcel."""

    __tablename__ = "parcels"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    address: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(12))
    scans: Mapped[int] = mapped_column(default=0)


class ScanRow(Base):
    """A scan that was applied."""

    __tablename__ = "scans"
    event: Mapped[str] = mapped_column(String(40), primary_key=True)
    parcel: Mapped[str] = mapped_column(ForeignKey("parcels.id"))
    place: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(12))


class AnnouncementRow(Base):
    """Something to be told to others, stored with what it tells of."""

    __tablename__ = "announcements"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    body: Mapped[str]
    sent: Mapped[bool] = mapped_column(default=False)


class ShiftRow(Base):
    """What a worker did."""

    __tablename__ = "shifts"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    handled: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(12), default="running")
