"""History in one SQLite file: safe against a second writer, a crash and a file that is not ours."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import StoreDamaged, StoreError
from truegreen.stores import schema
from truegreen.stores.columns import Damaged
from truegreen.stores.tables import TableStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truegreen.stores.database import Row

APPLICATION_ID = 0x54477265  # "TGre", so that a foreign database is recognised
BUSY_S = 10.0
_STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
_DIALECT = {
    "key": "INTEGER PRIMARY KEY",
    "integer": "INTEGER",
    "real": "REAL",
    "bytes": "BLOB",
    "strict": _STRICT,
    "clustered": f"{_STRICT}{',' if _STRICT else ''} WITHOUT ROWID",
}
MIGRATIONS = schema.migrations(_DIALECT)


class SqliteConnection:
    """A connection as the tables need it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement; none for one that gives none."""
        found: list[Row] = self._connection.execute(statement, tuple(values)).fetchall()
        return found

    def many(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement for each tuple of values."""
        self._connection.executemany(statement, values)


class SqliteStore(TableStore):
    """Keeps runs and incidents in a file; every method opens and closes it."""

    name: ClassVar[str] = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """Path of the file."""
        return str(self._path)

    def check(self) -> list[str]:
        """Return what is wrong with the file and its content, nothing when all is as it was written.

        Raises:
            StoreError: the file cannot be used at all.
        """
        with self._reading() as connection:
            pages = [] if connection is None else [str(row[0]) for row in connection.rows("PRAGMA integrity_check")]
        return [*(page for page in pages if page != "ok"), *super().check()]

    def compact(self) -> None:
        """Give the space of what was forgotten back to the file system.

        Raises:
            StoreError: the file cannot be used; it is left as it is.
        """
        with self._open() as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy(self, target: Path) -> None:
        """Write one state of the store to a new file, as small as it can be, while others may write on.

        Raises:
            StoreError: the store, or the new file, cannot be used.
        """
        with self._open() as connection:
            connection.execute("VACUUM INTO ?", (str(target),))

    def damaged(self, why: str) -> StoreDamaged:
        """Return the explanation of a file or content that is not what was written."""
        fix = f"restore it from a copy, or move it away (`mv {self._path} {self._path}.broken`) and build it anew from "
        fix += "evidence (`truegreen history import FOLDER…`)"
        reason = f"{why}; nothing in it was changed"
        return StoreDamaged("the history is damaged", where=str(self._path), why=reason, fix=fix)

    @contextmanager
    def _reading(self) -> Iterator[SqliteConnection | None]:
        """Open one transaction that sees one state; None when the file does not exist yet."""
        if not self._path.exists():
            yield None
            return
        with self._open() as connection:
            connection.execute("BEGIN")
            yield SqliteConnection(connection)

    @contextmanager
    def _writing(self) -> Iterator[SqliteConnection]:
        """Open the file for one transaction: all of it happens, or nothing."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteConnection(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the file at the newest version, and explain every way that can fail."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                self._create()
            with closing(sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)) as connection:
                # In write-ahead mode a killed process loses nothing by it; only the machine's own crash may.
                connection.execute("PRAGMA synchronous = NORMAL")
                self._prepare(connection)
                yield connection
        except sqlite3.Error as error:
            raise self._explained(error) from None
        except (Damaged, msgspec.MsgspecError, UnicodeDecodeError) as error:  # the last in a message of SQLite
            raise self.damaged(str(error)) from None
        except OSError as error:
            raise self._error("cannot be opened", error.strerror or str(error), "make its folder writable") from None

    def _create(self) -> None:
        """Put a file with its tables in place at once: one that is empty never was ours, and has lost everything."""
        with tempfile.TemporaryDirectory(prefix=f".{self._path.name}-", dir=self._path.parent) as folder:
            made = Path(folder) / self._path.name
            with closing(sqlite3.connect(made, timeout=BUSY_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = NORMAL")
                _write_ahead(connection)
                connection.execute("BEGIN IMMEDIATE")
                _make_tables(connection, 0)
                connection.execute("COMMIT")
            try:
                os.link(made, self._path)
            except FileExistsError:  # another process was first
                return
            except OSError:  # a file system without links
                if not self._path.exists():
                    made.replace(self._path)

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
        if not tables:
            raise self.damaged("it is empty")
        if _pragma(connection, "application_id") != APPLICATION_ID:
            raise self._error("is a database of something else", "", "give the history a file of its own")
        if version > len(MIGRATIONS):
            why = f"its version is {version}, this truegreen knows {len(MIGRATIONS)}"
            raise self._error("was written by a newer truegreen", why, "update truegreen")
        _make_tables(connection, version)

    def _explained(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if "locked" in text or "busy" in text:
            fix = "try again; if it stays, end the process that holds it"
            return self._error("is in use", f"{text} for {BUSY_S:g} s", fix)
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in text and "decode" not in text:
            return self._error("cannot be used", text, "make the file and its folder writable, and see to free space")
        return self.damaged(text)

    def _error(self, what: str, why: str, fix: str) -> StoreError:
        return StoreError(f"the history {what}", where=str(self._path), why=why, fix=fix)


def _make_tables(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables to the newest version, inside a transaction."""
    schema.migrate(SqliteConnection(connection), version, MIGRATIONS)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Let readers go on while one writes; a file system that cannot do it keeps the classic journal."""
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):  # another process is creating the file this moment
            raise
