"""Histories in every kind of store, with a way behind each one's back; PostgreSQL is the real server."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.stores import postgres, sqlite_file
from truegreen.stores.address import Address
from truegreen.stores.postgres import PostgresStore, schema_name
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KINDS = ("sqlite", "postgres")
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Place:
    """Where one history lies: a file, or a repository on a server."""

    kind: str
    location: str
    repository: str = ""

    def open(self) -> SqliteStore | PostgresStore:
        """Return the store there."""
        if self.kind == "sqlite":
            return SqliteStore(Path(self.location))
        return PostgresStore(Address(url=self.location, repository=self.repository))

    def execute(self, statement: str) -> list[Any]:
        """Run a statement behind the store's back and return its rows."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.location)) as file, file:
                return file.execute(statement).fetchall()
        with psycopg.connect(self.location, autocommit=True) as connection:
            connection.execute(f"SET search_path TO {self.schema}")
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def age(self, version: int) -> None:
        """Make the tables as an older truegreen made them, or say that a newer one did."""
        if self.kind == "sqlite":
            Path(self.location).parent.mkdir(parents=True, exist_ok=True)
            if version < len(sqlite_file.MIGRATIONS):
                self._make(sqlite_file.MIGRATIONS[:version])
                self.execute(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
            self.execute(f"PRAGMA user_version = {version}")
            return
        if version < len(postgres.MIGRATIONS):
            self.execute(f"CREATE SCHEMA {self.schema}")
            self.execute("CREATE TABLE store (version BIGINT NOT NULL)")
            self.execute("INSERT INTO store VALUES (0)")
            self._make(postgres.MIGRATIONS[:version])
        self.execute(f"UPDATE store SET version = {version}")

    def _make(self, versions: Sequence[Sequence[str]]) -> None:
        for statements in versions:
            for statement in statements:
                self.execute(statement)

    @property
    def schema(self) -> str:
        """The schema of the repository, quoted."""
        return '"' + schema_name(self.repository) + '"'

    @property
    def argv(self) -> list[str]:
        """What a program makes the same place of: `Place(*sys.argv[1:4])`."""
        return [self.kind, self.location, self.repository]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a PostgreSQL server and give its address."""
    folder = tmp_path_factory.mktemp("postgres")
    services = manager(folder / "project", folder, postgres=embedded())
    (handle,) = services.up(("postgres",))
    yield handle.url
    services.down()


@pytest.fixture(scope="session", params=KINDS)
def new_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Place]:
    """Return a maker of empty places, for each kind of store."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("histories")
        return lambda: Place("sqlite", str(folder / f"{next(_NUMBERS)}.sqlite"))
    url: str = request.getfixturevalue("server")
    return lambda: Place("postgres", url, f"o/r{next(_NUMBERS)}")


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """Return an empty place, for each kind of store."""
    return new_place()


@pytest.fixture
def store(place: Place) -> SqliteStore | PostgresStore:
    """Return an empty store, of each kind."""
    return place.open()
