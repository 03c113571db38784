"""Histories in every kind of store, with a way behind each one's back.

PostgreSQL is the real server. ClickHouse is the real engine, behind an HTTP interface of our own (tests/harness).
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import urllib3
from tests.support.managers import embedded, manager
from uv import find_uv_bin

from truegreen.stores import postgres, sqlite_file
from truegreen.stores.address import Address
from truegreen.stores.clickhouse import ClickhouseStore
from truegreen.stores.postgres import PostgresStore, schema_name
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

KINDS = ("sqlite", "postgres", "clickhouse")
CHDB = "chdb-core==26.9.0"
"""Package that holds ClickHouse's engine."""
USER, PASSWORD = "writer", "s3cret/"
Store = SqliteStore | PostgresStore | ClickhouseStore
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where one history lies: a file, or a repository on a server."""

    kind: str
    location: str
    repository: str = ""

    def open(self) -> Store:
        """Return the store there."""
        if self.kind == "sqlite":
            return SqliteStore(Path(self.location))
        address = Address(url=self.location, repository=self.repository)
        return PostgresStore(address) if self.kind == "postgres" else ClickhouseStore(address)

    def execute(self, statement: str) -> list[Any]:
        """Run a statement behind the store's back and return its rows."""
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.location)) as file, file:
                return file.execute(statement).fetchall()
        if self.kind == "clickhouse":
            return _asked(self.location, statement)
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
        if self.kind == "clickhouse":
            self.execute(f"INSERT INTO truegreen_version VALUES ({version})")
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


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run ClickHouse's engine behind HTTP and give its address, without a database."""
    front = Path(__file__).parents[1] / "harness" / "clickhouse_front.py"
    env = {key: value for key, value in os.environ.items() if key not in ("PIP_FIND_LINKS", "PYTHONPATH")}
    alone = [find_uv_bin(), "run", "--quiet", "--no-project", "--python", sys.executable, "--with", CHDB, "python"]
    argv = [*alone, str(front), str(tmp_path_factory.mktemp("clickhouse")), USER, PASSWORD]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, f"{CHDB} could not be installed or started: see what uv printed"
        port = int(said)
        yield f"clickhouse://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
        process.terminate()


def _asked(url: str, statement: str) -> list[Any]:
    """Run a statement on ClickHouse and return its rows."""
    parts = urlsplit(url)
    target = f"http://127.0.0.1:{parts.port}/?database={parts.path.strip('/') or 'default'}"
    body = statement + (" FORMAT JSONCompact" if statement.startswith("SELECT") else "")
    headers = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD}
    answer = urllib3.request("POST", target, body=body, headers=headers)
    assert answer.status == 200, answer.data
    return [tuple(row) for row in json.loads(answer.data)["data"]] if statement.startswith("SELECT") else []


@pytest.fixture(scope="session")
def place_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Place]:
    """Return a maker of empty places of a kind; servers are started for the first that needs them."""
    folder = tmp_path_factory.mktemp("histories")

    def make(kind: str, *, together: bool = False) -> Place:
        number = next(_NUMBERS)
        if kind == "sqlite":
            return Place(kind, str(folder / f"{number}.sqlite"))
        if kind == "postgres":
            return Place(kind, request.getfixturevalue("server"), f"o/r{number}")
        url = request.getfixturevalue("clickhouse")
        # A database a test: its rows can be changed by hand. The many places of a property are repositories of one.
        database = "d0" if together else f"d{number}"
        _asked(url, f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
        return Place(kind, f"{url}/{database}", f"o/r{number}" if together else "o/r")

    return make


@pytest.fixture(scope="session", params=KINDS)
def new_place(request: pytest.FixtureRequest, place_of: Callable[[str], Place]) -> Callable[[], Place]:
    """Return a maker of empty places, for each kind of store."""
    return lambda: place_of(request.param)


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """Return an empty place, for each kind of store."""
    return new_place()


@pytest.fixture
def store(place: Place) -> Store:
    """Return an empty store, of each kind."""
    return place.open()
