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
_TABLES = (
    "SELECT pg_relation_filenode(c.oid)::bigint, n.nspname || '.' || c.relname FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
    "AND n.nspname NOT LIKE 'pg_temp%%'"
)


class Window(msgspec.Struct, frozen=True):
    """Row changes between two positions of the log."""

    committed: tuple[Change, ...] = ()
    rolled_back: tuple[Change, ...] = ()


class WalReader:
    """Reads the log of one server over a connection of its own, in a database of its own."""

    def __init__(self, server: ServiceHandle) -> None:
        self._psycopg = _psycopg()
        self._server = server
        self._observers: dict[int, Any] = {}
        self._names: dict[tuple[int, int], str | None] = {}
        self._databases: dict[int, str] = {}
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
        good: Counter[tuple[str, str, str]] = Counter()
        bad: Counter[tuple[str, str, str]] = Counter()
        for xid, manager, record, blocks, description in rows:
            if manager == "Transaction":
                continue
            for key, count in self._changes(record, blocks or "", description or ""):
                (good if xid in committed else bad)[key] += count
        return Window(_listed(self._server.name, good), _listed(self._server.name, bad))

    def close(self) -> None:
        """Close every connection."""
        for connection in (*self._observers.values(), self._connection):
            connection.close()

    def _open(self) -> Any:
        try:
            admin = self._connect("postgres")
            version = admin.info.server_version
            if version < MINIMUM_VERSION:
                raise ServiceNotReady(
                    f"PostgreSQL {version // 10000} cannot show its log",
                    why="pg_walinspect came with 15",
                    fix="use PostgreSQL 15 or newer for the persistence stage",
                )
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                admin.execute(f"CREATE DATABASE {DATABASE}")
            admin.close()
            connection = self._connect(DATABASE)
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        except self._psycopg.Error as error:
            raise ServiceNotReady(
                "the log of PostgreSQL cannot be read",
                where=f"{self._server.host}:{self._server.port}",
                why=str(error).strip(),
                fix="the stage needs a superuser and the contrib extension pg_walinspect",
            ) from None
        return connection

    def _connect(self, database: str) -> Any:
        return self._psycopg.connect(
            host=self._server.host,
            port=self._server.port,
            user=self._server.user,
            password=self._server.password,
            dbname=database,
            autocommit=True,
            application_name="truegreen recorder",
            connect_timeout=5,
        )

    def _flush(self) -> str:
        """Force the log out with a tiny committed record of our own, then return its end."""
        self._connection.execute("SELECT pg_logical_emit_message(true, 'truegreen', '')")
        row = self._connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        return str(row[0])

    def _changes(self, record: str, blocks: str, description: str) -> Iterable[tuple[tuple[str, str, str], int]]:
        """Yield ((database, table, kind), rows) of one record; nothing for catalogues and temporary tables."""
        words = record.split("+", maxsplit=1)[0]
        if words == "TRUNCATE":
            yield ("", "(truncated)", "truncate"), 1
            return
        kind = _KINDS.get(words)
        relation = _RELATION.search(blocks)
        if kind is None or relation is None:
            return
        database, node = int(relation.group(2)), int(relation.group(3))
        name = self._table(database, node)
        if name is not None:
            rows = _ROWS.search(description)
            yield (self._databases.get(database, ""), name, kind), int(rows.group(1)) if rows else 1

    def _table(self, database: int, node: int) -> str | None:
        """Return `schema.table` for a file node; None for what is not a user's table. Misses are read again once."""
        key = (database, node)
        if key not in self._names:
            self._names[key] = None
            observer = self._observer(database)
            if observer is not None:
                for found, name in observer.execute(_TABLES).fetchall():
                    self._names[(database, found)] = name
        return self._names[key]

    def _observer(self, database: int) -> Any:
        """Return a connection to the database with an oid; None when it is gone, or ours."""
        if database not in self._databases:
            row = self._connection.execute("SELECT datname FROM pg_database WHERE oid = %s", (database,)).fetchone()
            self._databases[database] = row[0] if row else ""
        name = self._databases[database]
        if not name or name == DATABASE:
            return None
        if database not in self._observers:
            self._observers[database] = self._connect(name)
        return self._observers[database]


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


def _listed(store: str, counts: Counter[tuple[str, str, str]]) -> tuple[Change, ...]:
    return tuple(
        Change(store=store, database=database, object=table, kind=kind, count=count)
        for (database, table, kind), count in sorted(counts.items())
    )


def _psycopg() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise ExtraMissing(
            "persistence evidence needs psycopg", fix="install truegreen with its extra: truegreen[postgres]"
        ) from None
    return psycopg
