"""Committed row changes of PostgreSQL, read from its write-ahead log with `pg_walinspect`.

Counters cannot be trusted here: they count rolled-back rows and arrive seconds late. The log says, for every
row, which transaction wrote it, and, for every transaction, whether it committed.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ExtraMissing, ServiceNotReady
from truegreen.model.persistence import GONE, Change, Window
from truegreen.stages.common import recorder_database
from truegreen.stages.common.recorder_database import DATABASE
from truegreen.stages.common.unlogged import Unlogged
from truegreen.stages.common.wal_log import Log, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from truegreen.model.service import ServiceHandle

_NAME = "truegreen recorder"
MINIMUM_VERSION = 150000
_EXTENSION = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_walinspect'"
_ALLOWED = "SELECT has_function_privilege('pg_get_wal_records_info(pg_lsn, pg_lsn)', 'EXECUTE')"
_MINIMAL = "with wal_level=minimal the log lacks rows of tables that the same transaction made or emptied"
_KINDS = {"INSERT": "insert", "UPDATE": "update", "HOT_UPDATE": "update", "DELETE": "delete", "MULTI_INSERT": "insert"}
_RELATION = re.compile(r"rel (\d+)/(\d+)/(\d+)")
_ROWS = re.compile(r"^(\d+) tuples|ntuples: (\d+)")
"""Of a multi-insert: version 15 and later ones."""
_SUBXACTS = re.compile(r"subxacts: ([\d ]+)")
_PREPARED = re.compile(r"(\d+): ")
_DROPPED = re.compile(r"dropped stats: ([\d/ ]+)")
"""Relations that were dropped, each as kind/database/relation."""
_COMMITS = ("COMMIT", "COMMIT_PREPARED")
_ENDS = (*_COMMITS, "ABORT", "ABORT_PREPARED")
GONE_DATABASE = "(a database that is gone)"
_FIRST_USER_NODE = 16384
"""Smaller file numbers belong to what every database has from its birth."""
_PG_CLASS = 1259
"""File number of the list of tables, fixed by PostgreSQL."""
_RELATIONS = (
    "SELECT pg_relation_filenode(c.oid)::bigint, "
    "CASE WHEN c.relkind = 'r' "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'truegreen_recorder') "
    "AND n.nspname NOT LIKE 'pg_temp%%' THEN n.nspname || '.' || c.relname END, "
    "CASE WHEN c.relispartition AND c.relkind = 'r' THEN (SELECT s.nspname || '.' || r.relname FROM pg_class r "
    "JOIN pg_namespace s ON s.oid = r.relnamespace WHERE r.oid = pg_partition_root(c.oid)) END "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_relation_filenode(c.oid) IS NOT NULL"
)


_Place = tuple[int, int]
"""Database and file number of a table."""
_ANYWHERE = (0, 0)
"""The log does not say which table was truncated."""
_Rows = Counter[tuple[_Place, str]]
_NONE: Mapping[tuple[_Place, str], int] = MappingProxyType({})


class _End(msgspec.Struct, frozen=True):
    """The end of a transaction."""

    committed: bool
    transactions: tuple[str, ...]
    """Its number, and those of its subtransactions."""
    dropped: frozenset[_Place]
    """Relations that it dropped, each by its database and its number, which is its first file's too."""


class _Table(msgspec.Struct, frozen=True, order=True):
    """Where a row was written."""

    database: str
    name: str
    parent: str = ""


_Told = Counter[tuple[_Table, str]]


class WalReader:
    """Reads the log of one server over a connection of its own, in a database of its own."""

    def __init__(self, server: ServiceHandle, databases: tuple[str, ...] = ()) -> None:
        """Get ready to read.

        Args:
            server: the service.
            databases: patterns of the databases that count; the log is one for all of them, so all are read.

        Raises:
            ServiceNotReady: the server cannot do it, with its reason.
        """
        del databases
        self._psycopg = psycopg()
        self._server = server
        self._tables: dict[tuple[int, int], _Table | None] = {}
        self._databases: dict[int, str] = {}
        self._open_rows: dict[str, dict[str, _Rows]] = {}
        """What transactions wrote in earlier windows that have not ended yet, by the beginning of each window."""
        self._parts: frozenset[str] = frozenset()
        """Where earlier windows began that belong to the one that is read."""
        self._entered = False
        self._unlogged = Unlogged()
        self._connection, self._log = self._open()
        self.version = str(self._connection.info.server_version)

    @property
    def tier(self) -> str:
        """What it does."""
        text = "A: row changes of committed transactions, from the write-ahead log (pg_walinspect)"
        return text + self._unlogged.words

    def ahead(self, start: str | None) -> None:
        """Ask for the end of the log, or for all since a position; `position` or `since` reads the answer."""
        if not self._databases:
            self._learn_own()
        self._log.ahead(start or "")

    def position(self) -> str:
        """Return the current end of the log; what lies before it is flushed when it is read."""
        if not self._databases:
            self._learn_own()
        return self._log.place()

    def resume(self, parts: Sequence[tuple[str, str]]) -> None:
        """Take what was written in earlier windows for what is written in the one that is read next."""
        # An empty one begins where the next one does.
        self._parts = frozenset(start for start, end in parts if start != end)

    def between(self, start: str, end: str) -> Window:
        """Return the row changes between two positions; those of an open transaction are told where it commits."""
        return self._window(start, self._log.between(start, end))

    def since(self, start: str) -> tuple[str, Callable[[], Window]]:
        """Return the current end of the log, and what tells the row changes up to there."""
        end, records = self._log.since(start)
        if self._named(records):
            return end, lambda: self._window(start, records)
        window = self._window(start, records)
        return end, lambda: window

    def _named(self, records: list[Record]) -> bool:
        """Return whether the names of all tables are known, and none of them can have changed."""
        if self._open_rows:  # of which one may end here, and have been about the list of tables
            return False
        found = (match for record in records if (match := _RELATION.search(record.blocks)))
        places = ((int(match.group(2)), int(match.group(3))) for match in found)
        return all(place in self._tables and place[1] != _PG_CLASS for place in places)

    def _window(self, start: str, records: list[Record]) -> Window:
        if not records:
            return Window()
        written: dict[str, _Rows] = {}
        ended: list[_End] = []
        for record in records:
            if record.manager == "Transaction":
                ended += _ended(record.xid, record.kind, record.description)
            else:
                for place, kind, count in self._changes(record.kind, record.blocks, record.description):
                    written.setdefault(record.xid, Counter())[(place, kind)] += count
        # A table may have been made, or got another name, or another file by TRUNCATE. What files were called before
        # stays known: rows may have been written to one that is gone by now.
        for database in self._retold(written, ended):
            self._learn(database)
        told = self._settled(start, written, ended)
        good, bad, before = (_listed(self._server.name, one) for one in told)
        return Window(good, bad, before)

    def _retold(self, written: Mapping[str, _Rows], ended: Iterable[_End]) -> set[int]:
        """Return the databases in whose list of tables something was written."""
        before = (self._open_rows.get(xid, {}).values() for end in ended for xid in end.transactions)
        rows = (*written.values(), *itertools.chain.from_iterable(before))
        places = {place for one in rows for place, kind in one if kind != "delete"}
        return {database for database, node in places if node == _PG_CLASS}

    def _settled(self, start: str, written: dict[str, _Rows], ended: list[_End]) -> tuple[_Told, _Told, _Told]:
        """Return what was committed, what was not, and what was committed that was written in an earlier window.

        What is still open is kept until its transaction ends.
        """
        committed, aborted = set[str](), set[str]()
        good, before = _Told(), _Told()
        for end in ended:
            (committed if end.committed else aborted).update(end.transactions)
            for xid in end.transactions if end.committed else ():
                earlier = self._open_rows.pop(xid, {}).items()
                parts = [(rows, good if begun in self._parts else before) for begun, rows in earlier]
                for rows, told in ((written.get(xid, _NONE), good), *parts):
                    # What a transaction puts into a table that it drops itself was never there for anybody else. An
                    # ALTER TABLE that writes all rows anew does it in such a table, and what it writes aside may be
                    # gone.
                    left = {key: count for key, count in rows.items() if key[0] not in end.dropped}
                    self._name(left, told, gone=len(left) == len(rows))
        bad: _Told = Counter()
        for xid, rows in written.items():
            if xid not in committed:
                self._name(rows, bad)
                if xid not in aborted:
                    self._open_rows.setdefault(xid, {}).setdefault(start, Counter()).update(rows)
        for xid in aborted:
            self._open_rows.pop(xid, None)
        return good, bad, before

    def _name(self, rows: Mapping[tuple[_Place, str], int], told: _Told, *, gone: bool = True) -> None:
        """Add rows to what is told, by the names of their tables; those of tables that are gone only when asked to."""
        for (place, kind), count in rows.items():
            table = _Table("", "(truncated)") if place == _ANYWHERE else self._table(*place)
            if table is not None and (gone or table.name != GONE):
                told[(table, kind)] += count

    def close(self) -> None:
        """Close the connection, and leave a server that is not ours as it was; again, it does nothing."""
        if self._connection.closed:
            return
        own = self._server.database or "postgres"
        self._unlogged.look_last(lambda: connect(self._server, own, _NAME), self._psycopg.Error)
        backend = self._connection.info.backend_pid
        self._connection.close()
        self._leave(backend)

    def _open(self) -> tuple[Any, Log]:
        try:
            connection, problem = self._attempt()
        except self._psycopg.Error as error:
            connection, problem = None, str(error).strip()
        if connection is None:
            self._leave(0)
            raise ServiceNotReady(
                "the log of PostgreSQL cannot be read",
                where=f"{self._server.host}:{self._server.port}",
                why=problem,
                fix="use PostgreSQL 15 or newer with the contrib extension pg_walinspect, and give a superuser",
            )
        return connection, Log(connection)

    def _attempt(self) -> tuple[Any, str]:
        """Return a connection to our database that may read the log, or None and what is lacking."""
        with connect(self._server, "postgres", _NAME) as admin:
            version = admin.info.server_version
            if version < MINIMUM_VERSION:
                return None, f"PostgreSQL {version // 10000} has no pg_walinspect, which came with 15"
            if admin.execute("SHOW wal_level").fetchone()[0] == "minimal":
                return None, _MINIMAL
            if admin.execute(_EXTENSION).fetchone() is None:
                return None, "the contrib extension pg_walinspect is not installed"
            recorder_database.enter(admin, ours=self._server.provider != "attach")
            self._entered = True
            with contextlib.ExitStack() as undo:
                connection = undo.enter_context(contextlib.closing(connect(self._server, DATABASE, _NAME)))
                # While `admin` keeps others away: two who make it at once get in each other's way.
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
                if not connection.execute(_ALLOWED).fetchone()[0]:
                    return None, "the user may not read the log, being neither superuser nor of pg_read_server_files"
                undo.pop_all()
        return connection, ""

    def _leave(self, backend: int) -> None:
        """Leave our database on a server that is not ours; who is the last there, drops it.

        Who cannot, as it was made by a run with another user or the server is gone, leaves it to the next one.
        """
        if self._entered and self._server.provider == "attach":
            with contextlib.suppress(self._psycopg.Error), connect(self._server, "postgres", _NAME) as admin:
                recorder_database.leave(admin, backend)

    @staticmethod
    def _changes(record: str, blocks: str, description: str) -> Iterable[tuple[_Place, str, int]]:
        """Yield (place, kind, rows) of one record."""
        words = record.split("+", maxsplit=1)[0]
        if words == "TRUNCATE":
            yield _ANYWHERE, "truncate", 1
            return
        kind = _KINDS.get(words)
        relation = _RELATION.search(blocks)
        if kind is not None and relation is not None:
            rows = _ROWS.search(description)
            count = int(rows.group(1) or rows.group(2)) if rows else 1
            yield (int(relation.group(2)), int(relation.group(3))), kind, count

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

    def _learn_own(self) -> None:
        """Read the names in the service's database before anything happens there: the first test may drop a table."""
        own = "SELECT oid::int8 FROM pg_database WHERE datname = %s"
        row = self._connection.execute(own, (self._server.database,)).fetchone()
        if row is not None:
            self._learn(row[0])

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
                self._unlogged.look(observer)
                for node, table, parent in observer.execute(_RELATIONS).fetchall():
                    self._tables[(database, node)] = _Table(name, table, parent or "") if table else None
        except self._psycopg.OperationalError:
            gone = "SELECT 1 FROM pg_database WHERE oid = %s"
            if self._connection.execute(gone, (database,)).fetchone() is not None:
                raise


def _ended(xid: str, record: str, text: str) -> Iterable[_End]:
    """Yield the end of a transaction, with its subtransactions, where a record is one."""
    words = record.split("+", maxsplit=1)[0]
    if words not in _ENDS:
        return
    own = match.group(1) if (match := _PREPARED.match(text)) and words.endswith("_PREPARED") else xid
    below = match.group(1).split() if (match := _SUBXACTS.search(text)) else []
    parts = [part.split("/") for part in match.group(1).split()] if (match := _DROPPED.search(text)) else []
    dropped = frozenset((int(database), int(relation)) for _, database, relation in parts)
    yield _End(words in _COMMITS, (own, *below), dropped)


def _listed(store: str, counts: _Told) -> tuple[Change, ...]:
    return tuple(
        Change(store=store, database=table.database, object=table.name, parent=table.parent, kind=kind, count=count)
        for (table, kind), count in sorted(counts.items())
    )


def databases(connection: Any) -> list[str]:
    """Return the names of a server's databases, without our own."""
    query = "SELECT datname FROM pg_database WHERE datallowconn AND datname <> %s ORDER BY datname"
    return [row[0] for row in connection.execute(query, (DATABASE,)).fetchall()]


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
    driver = psycopg()
    connection = driver.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        dbname=database,
        autocommit=True,
        application_name=name,
        connect_timeout=5,
    )
    if connection.info.encoding == "ascii":  # SQL_ASCII: text of any encoding, which the driver gives as bytes
        loader = type("AnyText", (driver.adapt.Loader,), {"load": lambda _, data: _any_text(data)})
        for kind in ("text", "name"):
            connection.adapters.register_loader(kind, loader)
    return connection


def _any_text(data: Any) -> str:
    return bytes(data).decode("utf-8", "backslashreplace")
