"""History in one SQLite file: safe against a second writer, a crash and a file that is not ours."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import StoreDamaged, StoreError
from truegreen.model.history import History, PastRun
from truegreen.model.incident import Incident, run_key
from truegreen.stores.past import past_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.model.verdict import Report

APPLICATION_ID = 0x54477265  # "TGre", so that a foreign database is recognised
BUSY_S = 10.0
_STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            run_key TEXT NOT NULL UNIQUE,
            commit_sha TEXT NOT NULL,
            created TEXT NOT NULL,
            status TEXT NOT NULL,
            duration_s REAL NOT NULL,
            tests INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            flaky INTEGER NOT NULL,
            line_ratio REAL,
            repository TEXT NOT NULL,
            ref TEXT NOT NULL,
            event TEXT NOT NULL,
            run_url TEXT NOT NULL,
            stages TEXT NOT NULL
        )"""
        + _STRICT,
        "CREATE INDEX runs_by_time ON runs (created DESC, id DESC)",
        "CREATE TABLE incidents (key TEXT PRIMARY KEY, value TEXT NOT NULL)" + _STRICT,
    ),
)
"""Each entry brings the file one version further; entries are added, never changed."""
_COLUMNS = "commit_sha, created, status, duration_s, tests, failed, flaky, line_ratio"
_FIELDS = ("commit", *_COLUMNS.split(", ")[1:])
"""The same in a PastRun."""
_MORE = "repository, ref, event, run_url, stages"
_APPEND = (
    f"INSERT INTO runs (run_key, {_COLUMNS}, {_MORE}) VALUES ({', '.join('?' * 14)}) "  # noqa: S608 - our own names
    "ON CONFLICT (run_key) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in f"{_COLUMNS}, {_MORE}".split(", "))
)


class SqliteStore:
    """Keeps runs and incidents in a file; every method opens and closes it."""

    name: ClassVar[str] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, report: Report) -> None:
        """Add a run; adding the same run and attempt again replaces it.

        Raises:
            StoreError: the file cannot be used; it is left as it is.
        """
        past = past_run(report)
        origin = report.provenance
        stages = msgspec.json.encode({stage.stage: stage.status.value for stage in report.stages}).decode()
        values = (run_key(origin), *(getattr(past, name) for name in _FIELDS))
        more = (origin.repository, origin.ref, origin.event, origin.run_url, stages)
        with self._writing() as connection:
            connection.execute(_APPEND, [_storable(value) for value in (*values, *more)])

    def history(self, limit: int = 100) -> History:
        """Return the newest runs first; empty when the file does not exist yet.

        Raises:
            StoreError: the file cannot be used.
        """
        if not self._path.exists():
            return History()
        query = f"SELECT {_COLUMNS} FROM runs ORDER BY created DESC, id DESC LIMIT ?"  # noqa: S608 - our own names
        with self._open() as connection:
            rows = connection.execute(query, (max(0, limit),)).fetchall()
        return History(runs=tuple(self._decode(dict(zip(_FIELDS, row, strict=True)), PastRun) for row in rows))

    def incident(self, key: str) -> Incident | None:
        """Return what is remembered about a branch, or None.

        Raises:
            StoreError: the file cannot be used.
        """
        if not self._path.exists():
            return None
        with self._open() as connection:
            row = connection.execute("SELECT value FROM incidents WHERE key = ?", (_storable(key),)).fetchone()
        return None if row is None else self._parse(row[0])

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; call it after the receipts.

        Raises:
            StoreError: the file cannot be used; it is left as it is.
        """
        value = msgspec.json.encode(incident).decode()
        query = (
            "INSERT INTO incidents (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        with self._writing() as connection:
            connection.execute(query, (_storable(incident.key), value))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: all of it happens, or nothing."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file at the newest version, and explain every way that can fail."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)) as connection:
                self._prepare(connection)
                yield connection
        except sqlite3.Error as error:
            raise self._explained(error) from None
        except OSError as error:
            raise self._error("cannot be opened", error.strerror or str(error), "make its folder writable") from None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = _pragma(connection, "user_version")
        if version == len(MIGRATIONS) and _pragma(connection, "application_id") == APPLICATION_ID:
            return
        _write_ahead(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._migrate(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring the file to the newest version; another process may have done it meanwhile."""
        version = _pragma(connection, "user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and _pragma(connection, "application_id") != APPLICATION_ID:
            raise self._error("is a database of something else", "", "give the history a file of its own")
        if version > len(MIGRATIONS):
            why = f"its version is {version}, this truegreen knows {len(MIGRATIONS)}"
            raise self._error("was written by a newer truegreen", why, "update truegreen")
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _parse(self, text: str) -> Incident:
        try:
            return msgspec.json.decode(text, type=Incident)
        except msgspec.MsgspecError as error:
            raise self._damaged(str(error)) from None

    def _decode(self, row: dict[str, object], kind: type[PastRun]) -> PastRun:
        try:
            return msgspec.convert(row, kind)
        except msgspec.MsgspecError as error:
            raise self._damaged(str(error)) from None

    def _explained(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if "locked" in text or "busy" in text:
            fix = "try again; if it stays, end the process that holds it"
            return self._error("is in use", f"{text} for {BUSY_S:g} s", fix)
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in text:
            return self._error("cannot be used", text, "make the file and its folder writable, and see to free space")
        return self._damaged(text)

    def _damaged(self, why: str) -> StoreDamaged:
        fix = f"restore it from a copy, or move it away (`mv {self._path} {self._path}.broken`) to begin anew"
        reason = f"{why}; nothing in it was changed"
        return StoreDamaged("the history is damaged", where=str(self._path), why=reason, fix=fix)

    def _error(self, what: str, why: str, fix: str) -> StoreError:
        return StoreError(f"the history {what}", where=str(self._path), why=why, fix=fix)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let readers go on while one writes; a file system that cannot do it keeps the classic journal."""
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):  # another process is creating the file this moment
            raise


def _storable(value: object) -> object:
    """Return a value SQLite can keep: lone surrogates of hostile names are replaced."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
