"""New row versions of PostgreSQL, found by the transactions that made them (`xmin`): where only reading is allowed.

Every row names the transaction that made it, and a reader sees only rows that are committed. So the rows made by
transactions that ended between two looks are what was committed between them. What is gone by then cannot be seen: rows
that are inserted and deleted at once leave nothing, and an update is told from an insert only by the number of rows.
"""

from __future__ import annotations

import contextlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Change, Window
from truegreen.stages.common.recorder_database import DATABASE
from truegreen.stages.common.unlogged import Unlogged
from truegreen.stages.common.wal import connect, psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truegreen.model.service import ServiceHandle

MINIMUM_VERSION = 130000
_NAME = "truegreen recorder"
_PATIENCE = "2s"
_XIDS = 1 << 32
"""Rows hold the lower half of a transaction's number."""
_HIDDEN_LISTED = 5
# Workers and compiled code take longer to start than the small tables of tests to count.
_BEGIN = (
    f"SET lock_timeout = '{_PATIENCE}'; SET jit = off; SET max_parallel_workers_per_gather = 0; "
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)
_DATABASES = (
    "SELECT oid::int8, datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> %s "
    "AND has_database_privilege(oid, 'CONNECT') ORDER BY oid"
)
_SNAPSHOT = "SELECT pg_current_snapshot()::text"
# A snapshot does not name an open transaction that is the youngest, nor a savepoint; each locks its own number, and
# has one from its first row on.
_NOW = (
    "SELECT pg_current_snapshot()::text, ARRAY(SELECT transactionid::text::int8 FROM pg_locks "
    "WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted ORDER BY 1)"
)
# The columns of a table keep their own rows of the catalogue when it is truncated, and get new ones when an
# ALTER TABLE writes all rows anew; only then do old rows name a new transaction.
_TABLES = """
SELECT c.oid::int8, n.nspname || '.' || c.relname, format('%I.%I', n.nspname, c.relname),
  CASE WHEN c.relispartition THEN (SELECT s.nspname || '.' || r.relname FROM pg_class r
    JOIN pg_namespace s ON s.oid = r.relnamespace WHERE r.oid = pg_partition_root(c.oid)) ELSE '' END,
  pg_relation_filenode(c.oid)::int8,
  (SELECT c.relpersistence::text || c.relam::text || coalesce(string_agg(a.attnum || ':' || a.xmin::text, ',' ORDER BY
    a.attnum), '') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
  c.relpersistence = 'p',
  has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AND NOT row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'truegreen_recorder') ORDER BY c.oid
"""


class Snapshot(msgspec.Struct, frozen=True):
    """Which transactions had ended: those below `next` that are not in `open`."""

    next: int
    open: tuple[int, ...] = ()

    @classmethod
    def read(cls, text: str) -> Snapshot:
        """Return a snapshot from its text, `xmin:xmax:xip,xip,…`."""
        _, upper, still_open = text.split(":")
        return cls(int(upper), tuple(int(number) for number in still_open.split(",") if number))

    def ended(self, number: int) -> bool:
        """Return whether a transaction, given by the lower half of its number, had ended."""
        younger = (number - self.next) % _XIDS < _XIDS // 2
        return not younger and number not in {one % _XIDS for one in self.open}


_Found = tuple[Change, bool]
"""A change, and whether its transaction had written before the last look."""


class _Table(msgspec.Struct, frozen=True):
    """One table at one time."""

    name: str
    parent: str
    node: int
    """File number: a new one after TRUNCATE, and after a rewrite."""
    shape: str
    logged: bool
    rows: int
    new: int
    """Rows of transactions that ended since the last look."""
    late: int
    """Those of them whose transaction had written before that look."""


class _Database(msgspec.Struct, frozen=True):
    """One database at one time."""

    seen: Snapshot
    tables: dict[int, _Table]


class RowScan:
    """Looks at all tables of the databases that count, at each position."""

    def __init__(self, server: ServiceHandle, databases: tuple[str, ...] = ()) -> None:
        """Take the first look.

        Args:
            server: the service.
            databases: patterns of the databases that are looked at; none means all.

        Raises:
            ServiceNotReady: the server is too old, or none of its databases can be read.
        """
        self._psycopg = psycopg()
        self._server = server
        self._patterns = databases
        self._known: dict[int, _Database] = {}
        self._found: list[tuple[_Found, ...]] = []
        self._hidden: set[str] = set()
        self._unlogged = Unlogged()
        self._last = ""
        self._writing: list[int] = []
        """Transactions that had written and were open at the last position."""
        self._control = self._open()
        self.version = str(self._control.info.server_version)
        problem = self._first_look()
        if problem:
            self._control.close()
            raise self._refused(problem)

    @property
    def tier(self) -> str:
        """What it does, and which tables it may not read."""
        text = f"C: new row versions by their transaction (xmin), deletes by the number of rows{self._unlogged.words}"
        if not self._hidden:
            return text
        names = sorted(self._hidden)
        more = f" and {len(names) - _HIDDEN_LISTED} more" if len(names) > _HIDDEN_LISTED else ""
        return f"{text}; not seen, for want of rights: {', '.join(names[:_HIDDEN_LISTED])}{more}"

    def position(self) -> str:
        """Look at everything, and return the number of the look.

        Raises:
            ServiceNotReady: a table is locked by a transaction that is still open.
        """
        now, writing = self._control.execute(_NOW).fetchone()
        if now != self._last:  # else no transaction that wrote has ended
            since, self._last = self._last, now
            self._found.append(tuple(sorted(self._look(Snapshot.read(since or now)))))
        self._writing = writing
        return str(len(self._found))

    def between(self, start: str, end: str) -> Window:
        """Return what was found from one look to another."""
        sums: tuple[dict[Change, int], dict[Change, int]] = ({}, {})
        for change, late in (one for found in self._found[int(start) : int(end)] for one in found):
            key = msgspec.structs.replace(change, count=0)
            sums[late][key] = sums[late].get(key, 0) + change.count
        told = [tuple(msgspec.structs.replace(key, count=count) for key, count in one.items()) for one in sums]
        return Window(committed=told[False], written_before=told[True])

    def since(self, start: str) -> tuple[str, Callable[[], Window]]:
        """Return the moment now, and what tells what changed up to it."""
        end = self.position()
        window = self.between(start, end)
        return end, lambda: window

    def close(self) -> None:
        """Close the connection; nothing was changed."""
        self._control.close()

    def _first_look(self) -> str:
        """Look at everything; returns why that is not possible."""
        if self._control.info.server_version < MINIMUM_VERSION:
            return f"PostgreSQL {self._control.info.server_version // 10000} does not show its snapshots, as 13 does"
        try:
            self.position()
        except self._psycopg.Error as error:
            return str(error).strip()
        except ServiceNotReady as error:
            return error.what
        return "" if self._known else "none of the databases that count may be read"

    def _open(self) -> Any:
        """Return a connection that is in nobody's way: nobody can copy a database that somebody is connected to."""
        try:
            return connect(self._server, "postgres", _NAME)
        except self._psycopg.OperationalError:
            try:
                return connect(self._server, self._server.database, _NAME)
            except self._psycopg.Error as error:
                raise self._refused(str(error).strip()) from None

    def _refused(self, why: str) -> ServiceNotReady:
        return ServiceNotReady(
            "the rows of PostgreSQL cannot be looked at",
            where=f"{self._server.host}:{self._server.port}",
            why=why,
            fix="use PostgreSQL 13 or newer, and a user who may read the tables",
        )

    def _look(self, since: Snapshot) -> Iterator[_Found]:
        """Look at each database; one that was never seen before is compared with the time of the last look."""
        there = dict(self._control.execute(_DATABASES, (DATABASE,)).fetchall())
        for gone in self._known.keys() - there.keys():
            del self._known[gone]
        for oid, name in there.items():
            if self._patterns and not any(fnmatchcase(name, pattern) for pattern in self._patterns):
                continue
            before = self._known.get(oid) or _Database(since, {})
            with contextlib.suppress(self._psycopg.errors.InvalidCatalogName):  # dropped this very moment
                now = self._known[oid] = self._census(name, before.seen)
                for key, table in now.tables.items():
                    old = before.tables.get(key)
                    for kind, count, late in _changes(old, table):
                        change = Change(
                            store=self._server.name,
                            database=name,
                            object=table.name,
                            parent=table.parent,
                            kind=kind,
                            count=count,
                        )
                        yield change, late

    def _census(self, name: str, since: Snapshot) -> _Database:
        """Count the rows of all tables of a database in one snapshot."""
        with connect(self._server, name, _NAME) as own:
            own.execute(_BEGIN)
            seen = Snapshot.read(own.execute(_SNAPSHOT).fetchone()[0])
            tables, counted = own.execute(_TABLES).fetchall(), {}
            self._hidden |= {f"{name}.{title}" for _, title, *_, readable in tables if not readable}
            self._unlogged.look(own)
            open_tables = [table for table in tables if table[-1]]
            if open_tables:
                try:
                    counted = {oid: counts for oid, *counts in own.execute(self._query(open_tables, since, seen))}
                except self._psycopg.errors.LockNotAvailable:
                    raise ServiceNotReady(
                        "a table is locked by a transaction that is still open, so its rows cannot be counted",
                        where=f"{self._server.host}:{self._server.port}",
                        fix="end the transaction before the test ends, or observe with a superuser (tier A)",
                    ) from None
        return _Database(
            seen,
            {
                oid: _Table(title, parent, node, shape, logged, *counted[oid])
                for oid, title, _, parent, node, shape, logged, _ in open_tables
            },
        )

    def _query(self, tables: list[Any], since: Snapshot, seen: Snapshot) -> str:
        """Return the statement that counts, for each table, all rows and those of transactions that ended meanwhile.

        Those that had written before are counted once more.
        """
        span = seen.next - since.next
        writing = [str(number) for number in self._writing if not since.ended(number)]  # else it was counted already
        late = f"xmin::text::int8 IN ({', '.join(writing) or 'NULL'})"
        fresh = f"(xmin::text::int8 - {since.next % _XIDS} + {_XIDS}) % {_XIDS} < {span} OR {late}"
        if since.open:
            fresh += f" OR xmin::text::int8 IN ({', '.join(str(number % _XIDS) for number in since.open)})"
        counts = ", ".join(f"count(*) FILTER (WHERE {rows})" for rows in (fresh, late))
        return " UNION ALL ".join(
            f"SELECT {oid}::int8, count(*), {counts} FROM ONLY {quoted}"  # noqa: S608 - by format()
            for oid, _, quoted, *_ in tables
        )


def _changes(before: _Table | None, now: _Table) -> Iterator[tuple[str, int, bool]]:
    """Yield (kind, rows, late) of one table: with b rows before, r now, n of them new, r = b + inserts - deletes.

    Late are rows of transactions that had written before the last look. Nothing says when a transaction wrote which of
    its rows, so none of them is taken for younger. A row that is more, and not of a transaction that is known, is of a
    savepoint that was set before.
    """
    if not now.logged:
        return
    rows_before = before.rows if before is not None else now.rows - now.new
    if before is not None and before.node != now.node:
        if before.shape != now.shape:
            return  # ALTER TABLE wrote all rows anew: which of them somebody else changed is lost
        if now.new == now.rows and rows_before:
            yield "truncate", 1, False
            rows_before = 0
    inserted = max(now.rows - rows_before, 0)
    deleted = rows_before + inserted - now.rows
    updated = max(now.new - inserted, 0)
    late = max(inserted - now.new, 0) + now.late
    late_inserts = min(late, inserted)
    late_updates = min(late - late_inserts, updated)
    for kind, count, of_before in (
        ("insert", inserted - late_inserts, False),
        ("insert", late_inserts, True),
        ("update", updated - late_updates, False),
        ("update", late_updates, True),
        ("delete", deleted, False),
    ):
        if count:
            yield kind, count, of_before
