"""PostgreSQL: what its write-ahead log says, or the best that its rights and settings allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.stages.common import postgres_tiers
from truegreen.stages.observers import _copies as copies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from truegreen.model.persistence import Window
    from truegreen.model.service import ServiceHandle


class PostgresObserver:
    """Rows of committed transactions, from the server's write-ahead log.

    - **store**: PostgreSQL 13 to 18
    - **technique**: tier A, records of the log between two positions, with `pg_walinspect` (15 and newer, superuser);
      else tier B, logical decoding with `pgoutput` (`wal_level=logical`, superuser); else tier C, rows by the
      transaction that made them (`xmin`), where only reading is allowed
    - **counts**: rows inserted, updated, deleted or copied, each with its table, partitioned table and database; an
      update that writes the values that were there; a row that is inserted and deleted again; a row that moves to
      another partition, as an insert and a delete
    - **does not count**: rolled back or still open, what a fixture wrote and the test commits, `ON CONFLICT` that does
      nothing, catalogues, sequences, temporary and unlogged tables, rows that ALTER TABLE writes anew, other databases
    - **verified against**: PostgreSQL 13.23, 14.23, 15.18, 16.14, 17.10 and 18.4, each tier by the same table of cases
    """

    kind: ClassVar[str] = "postgres"
    durable: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("insert", "update", "delete", "truncate")
    selective: ClassVar[bool] = True

    def __init__(self, server: ServiceHandle, databases: tuple[str, ...] = ()) -> None:
        """Connect, by the best tier that is possible.

        Args:
            server: the service.
            databases: patterns of the databases that count; none means all.

        Raises:
            ServiceNotReady: no tier is possible, with the reason of each.
        """
        self._reader, self._against = postgres_tiers.best(server, databases)
        self.version = self._reader.version

    @property
    def tier(self) -> str:
        """Letter and words of the technique, and why it is no better one."""
        return f"{self._reader.tier} ({self._against})" if self._against else self._reader.tier

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return the service's own database, and those made for tests beside it."""
        return copies.of(server.database)

    def ahead(self, start: str | None) -> None:
        """Send the next question, where the tier can."""
        if ask := getattr(self._reader, "ahead", None):
            ask(start)

    def position(self) -> str:
        """Return the moment now."""
        return self._reader.position()

    def between(self, start: str, end: str) -> Window:
        """Return what was committed between two positions."""
        return self._reader.between(start, end)

    def since(self, start: str) -> tuple[str, Callable[[], Window]]:
        """Return the moment now, and what tells what was committed up to it."""
        return self._reader.since(start)

    def resume(self, parts: Sequence[tuple[str, str]]) -> None:
        """Take earlier windows for parts of the one that is read next, where the tier can."""
        if resume := getattr(self._reader, "resume", None):
            resume(parts)

    def close(self) -> None:
        """Hang up, and leave a server that is not ours as it was."""
        self._reader.close()
