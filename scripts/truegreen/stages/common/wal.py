"""Committed row changes of PostgreSQL, read from its write-ahead log with `pg_walinspect`.

Counters cannot be trusted here: they count rolled-back rows and arrive seconds late. The log says, for every
row, which transaction wrote it, and, for every transaction, whether it committed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ExtraMissing, ServiceNotReady
from truegreen.model.persistence import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.service import ServiceHandle

DATABASE = "truegreen_recorder"
_NAME = "truegreen recorder"
MINIMUM_VERSION = 150000
_RECORDS = (
    "SELECT xid::text, resource_manager, record_type, block_ref, description "
    "FROM pg_get_wal_records_info(%s, %s) "
    "WHERE resource_manager IN ('Heap', 'Heap2', 'Transaction')"
)
_KINDS = {"INSERT": "insert", "UPDATE": "update", "HOT_UPDATE": "update", "DELETE": "delete", "MULTI_INSERT": "insert"}
_RELATION = re.compile(r"rel (\d+)/(\d+)/(\d+)")
_ROWS = re.compile(r"ntuples: (\d+)")
_SUBXACTS = re.compile(r"subxacts: ([\d ]+)")
_PREPARED = re.compile(r"(?:xid: |gid [^:]*: )?\b(\d+)\b")
GONE = "(a table that is gone)"
GONE_DATABASE = "(a database that is gone)"
_FIRST_USER_NODE = 16384
"""Smaller file numbers belong to what every database has from its birth."""
_RELATIONS = (
    "SELECT pg_relation_filenode(c.oid)::bigint, "
    "CASE WHEN c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
    "AND n.nspname NOT LIKE 'pg_temp%%' THEN n.nspname || '.' || c.relname END, "
    "CASE WHEN c.relispartition AND c.relkind = 'r' THEN (SELECT s.nspname || '.' || r.relname FROM pg_class r "
    "JOIN pg_namespace s ON s.oid = r.relnamespace WHERE r.oid = pg_partition_root(c.oid)) END "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_relation_filenode(c.oid) IS NOT NULL"
)


class _Table(msgspec.Struct, frozen=True, order=True):
    """Where a row was written."""

    database: str
    name: str
    parent: str = ""


class Window(msgspec.Struct, frozen=True):
    """Row changes between two positions of the log."""

    committed: tuple[Change, ...] = ()
    rolled_back: tuple[Change, ...] = ()


class WalReader:
    """Reads the log of one server over a connection of its own, in a database of its own."""

    def __init__(self, server: ServiceHandle) -> None:
        self._psycopg = psycopg()
        self._server = server
        self._tables: dict[tuple[int, int], _Table | None] = {}
        self._databases: dict[int, str] = {}
        self._made = False
        self._connection = self._open()
        self.version = str(self._connection.info.server_version)

    def position(self) -> str:
        """Return the current end of the log, flushed."""
        # Commits made with synchronous_commit=off are in the log but not yet flushed; the reader needs them.
        row = self._connection.execute(
            "SELECT pg_current_wal_insert_lsn()::text, pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"
        ).fetchone()
        return str(row[0]) if row[1] else self._flush()

    def between(self, start: str, end: str) -> Window:
        """Return the row changes between two positions."""
        if start == end:
            return Window()
        rows = self._connection.execute(_RECORDS, (start, end), prepare=True).fetchall()
        committed = _committed(rows)
        good: Counter[tuple[_Table, str]] = Counter()
        bad: Counter[tuple[_Table, str]] = Counter()
        for xid, manager, record, blocks, description in rows:
            if manager == "Transaction":
                continue
            for key, count in self._changes(record, blocks or "", description or ""):
                (good if xid in committed else bad)[key] += count
        return Window(_listed(self._server.name, good), _listed(self._server.name, bad))

    def close(self) -> None:
        """Close the connection, and leave a server that is not ours as it was."""
        self._connection.close()
        if self._made and self._server.provider == "attach":
            with connect(self._server, "postgres", _NAME) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")

    def _open(self) -> Any:
        try:
            admin = connect(self._server, "postgres", _NAME)
            version = admin.info.server_version
            if version < MINIMUM_VERSION:
                raise ServiceNotReady(
                    f"PostgreSQL {version // 10000} cannot show its log",
                    why="pg_walinspect came with 15",
                    fix="use PostgreSQL 15 or newer for the persistence stage",
                )
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                admin.execute(f"CREATE DATABASE {DATABASE}")
                self._made = True
            admin.close()
            connection = connect(self._server, DATABASE, _NAME)
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        except self._psycopg.Error as error:
            raise ServiceNotReady(
                "the log of PostgreSQL cannot be read",
                where=f"{self._server.host}:{self._server.port}",
                why=str(error).strip(),
                fix="the stage needs a superuser and the contrib extension pg_walinspect",
            ) from None
        return connection

    def _flush(self) -> str:
        """Force the log out with a tiny committed record of our own, then return its end."""
        self._connection.execute("SELECT pg_logical_emit_message(true, 'truegreen', '')")
        row = self._connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        return str(row[0])

    def _changes(self, record: str, blocks: str, description: str) -> Iterable[tuple[tuple[_Table, str], int]]:
        """Yield ((table, kind), rows) of one record; nothing for catalogues and temporary tables."""
        words = record.split("+", maxsplit=1)[0]
        if words == "TRUNCATE":
            yield (_Table("", "(truncated)"), "truncate"), 1
            return
        kind = _KINDS.get(words)
        relation = _RELATION.search(blocks)
        if kind is None or relation is None:
            return
        table = self._table(int(relation.group(2)), int(relation.group(3)))
        if table is not None:
            rows = _ROWS.search(description)
            yield (table, kind), int(rows.group(1)) if rows else 1

    def _table(self, database: int, node: int) -> _Table | None:
        """Return the table of a file number; None for what is not a user's table."""
        key = (database, node)
        if key not in self._tables:
            self._learn(database)
            if key not in self._tables:
                name = self._databases[database]
                foreign = name != DATABASE and node >= _FIRST_USER_NODE
                self._tables[key] = _Table(name, GONE) if foreign else None
        return self._tables[key]

    def _learn(self, database: int) -> None:
        """Read the file numbers of a database that is not ours; nothing where it is gone.

        The connection is closed at once: nobody can drop or copy a database that somebody is connected to.
        """
        if database not in self._databases:
            row = self._connection.execute("SELECT datname FROM pg_database WHERE oid = %s", (database,)).fetchone()
            self._databases[database] = row[0] if row else GONE_DATABASE
        name = self._databases[database]
        if name in (GONE_DATABASE, DATABASE):
            return
        try:
            with connect(self._server, name, _NAME) as observer:
                for node, table, parent in observer.execute(_RELATIONS).fetchall():
                    self._tables[(database, node)] = _Table(name, table, parent or "") if table else None
        except self._psycopg.OperationalError:
            gone = "SELECT 1 FROM pg_database WHERE oid = %s"
            if self._connection.execute(gone, (database,)).fetchone() is not None:
                raise


def _committed(rows: list[Any]) -> set[str]:
    """Return the transactions, with their subtransactions, that committed inside the window."""
    found: set[str] = set()
    for xid, manager, record, _, description in rows:
        if manager != "Transaction" or not record.startswith("COMMIT"):
            continue
        text = description or ""
        found.add(xid)
        if record.startswith("COMMIT_PREPARED") and (match := _PREPARED.match(text)):
            found.add(match.group(1))
        if match := _SUBXACTS.search(text):
            found.update(match.group(1).split())
    return found


def _listed(store: str, counts: Counter[tuple[_Table, str]]) -> tuple[Change, ...]:
    return tuple(
        Change(store=store, database=table.database, object=table.name, parent=table.parent, kind=kind, count=count)
        for (table, kind), count in sorted(counts.items())
    )


def psycopg() -> Any:
    """Return the driver.

    Raises:
        ExtraMissing: truegreen was installed without it.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise ExtraMissing(
            "persistence evidence needs psycopg", fix="install truegreen with its extra: truegreen[postgres]"
        ) from None
    return psycopg


def connect(server: ServiceHandle, database: str, name: str) -> Any:
    """Return a connection to one database of a server, on which each statement commits.

    Args:
        server: the service.
        database: name of the database.
        name: what the server shows of who is connected.

    Raises:
        ExtraMissing: truegreen was installed without the driver.
    """
    return psycopg().connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=database,
        autocommit=True,
        application_name=name,
        connect_timeout=5,
    )
