"""The best technique to observe a PostgreSQL that its version, its settings and the rights of the user allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from truegreen.errors import ServiceNotReady
from truegreen.stages.common.logical import LogicalReader
from truegreen.stages.common.rowscan import RowScan
from truegreen.stages.common.wal import WalReader, connect, psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.model.persistence import Window
    from truegreen.model.service import ServiceHandle


class Reader(Protocol):
    """Says what was committed between two positions."""

    version: str

    @property
    def tier(self) -> str:
        """Letter and words of the technique."""
        ...

    def position(self) -> str:
        """Return the moment now."""
        ...

    def between(self, start: str, end: str) -> Window:
        """Return what changed between two positions."""
        ...

    def since(self, start: str) -> tuple[str, Callable[[], Window]]:
        """Return the moment now, and what tells what changed up to it."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


_TIERS: tuple[Any, ...] = (WalReader, LogicalReader, RowScan)


def best(server: ServiceHandle, databases: tuple[str, ...] = ()) -> tuple[Reader, str]:
    """Return a reader of the best tier that is possible, and why no better one is; empty where it is the first.

    Args:
        server: the service.
        databases: patterns of the databases that count; none means all. Tier A reads all of them anyway.

    Raises:
        ServiceNotReady: the server cannot be reached, or no tier is possible, with the reason of each.
        ExtraMissing: truegreen was installed without the driver.
    """
    _reached(server)
    against: list[str] = []
    for letter, tier in zip("ABC", _TIERS, strict=True):
        try:
            return tier(server, databases), "; ".join(against)
        except ServiceNotReady as error:
            against.append(f"not {letter}: {' '.join(error.why.split())}")
    raise ServiceNotReady(
        "nothing can tell what is committed in PostgreSQL",
        where=f"{server.host}:{server.port}",
        why="; ".join(against),
        fix="give a superuser and the contrib extension pg_walinspect (tier A), or a superuser and wal_level=logical "
        "(tier B), or PostgreSQL 13 or newer and a user who may read the tables (tier C)",
    )


def _reached(server: ServiceHandle) -> None:
    """Connect to the service's own database, as the application does: what fails there has nothing to do with tiers."""
    try:
        connect(server, server.database or "postgres", "truegreen recorder").close()
    except psycopg().Error as error:
        raise ServiceNotReady(
            "PostgreSQL cannot be reached",
            where=f"{server.host}:{server.port}",
            why=str(error).strip(),
            fix="check host, port, user, password and database of the service",
        ) from None
