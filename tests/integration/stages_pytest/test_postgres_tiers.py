"""The tiers of evidence on real servers of each version: one table of cases, the same answers."""

import os
from pathlib import Path

import pytest
from tests.support.postgres_cases import CASES, FRESH, SCHEMA, differences, without_truncates
from tests.support.postgres_servers import VERSIONS, Server

from truegreen.stages.common.logical import LogicalReader
from truegreen.stages.common.rowscan import RowScan
from truegreen.stages.common.wal import WalReader

pytestmark = pytest.mark.slow
PATTERNS = ("app", "app_*")
WHOLE = (15, 18) if not os.environ.get("TRUEGREEN_EVERY_POSTGRES") else tuple(VERSIONS)
"""Versions that see every case: the oldest whose log can be read, and the newest. The others see every fifth."""
TIERS = {"A": WalReader, "B": LogicalReader, "C": RowScan}


def pairs(versions):
    return [
        pytest.param(major, case, id=f"{major}-{case.name}")
        for major in versions
        for case in (CASES if major in WHOLE else CASES[::5])
    ]


def opened(name, major, level):
    server = Server(Path(name), major, wal_level=level)
    with server.connect("postgres") as connection:
        connection.execute("CREATE DATABASE app")
        connection.execute("CREATE DATABASE app_second")
    with server.connect() as connection:
        connection.execute(SCHEMA)
    with server.connect("app_second") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
    return server


@pytest.fixture(scope="module")
def server(request):
    server = opened(f"tiers-{request.param}", request.param, "logical")
    yield server
    server.close()


@pytest.fixture(scope="module")
def default(request):
    """A server with the settings that PostgreSQL has by default."""
    server = opened(f"default-{request.param}", request.param, "replica")
    yield server
    server.close()


@pytest.fixture(scope="module")
def log(default):
    reader = WalReader(default.handle())
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def readers(server):
    tiers = {letter: tier for letter, tier in TIERS.items() if letter != "A" or server.major >= 15}
    readers = {letter: tier(server.handle(), PATTERNS) for letter, tier in tiers.items()}
    yield readers
    for reader in readers.values():
        reader.close()


def fresh(server, connection):
    connection.execute("DROP TABLE IF EXISTS made")
    connection.execute("DROP DATABASE IF EXISTS app_new")
    connection.execute(FRESH)
    with server.connect("app_second") as other:
        other.execute("TRUNCATE t")
    return connection


def told(changes):
    def name(change):
        database = "" if change.database in ("app", "") else f"{change.database}:"
        return database + change.object.removeprefix("public.")

    found = sorted((name(change), change.kind, change.count) for change in changes)
    return ", ".join(f"{count} {kind} {name}" for name, kind, count in found)


def do(case, database, server):
    if isinstance(case.action, str):
        database.execute(case.action)
    else:
        case.action(database, server.connect)


@pytest.mark.parametrize(("server", "case"), pairs(VERSIONS), indirect=["server"])
def test_each_tier_counts_what_was_committed(server, readers, case):
    with server.connect() as connection:
        database = fresh(server, connection)
        starts = {letter: reader.position() for letter, reader in readers.items()}
        do(case, database, server)
        found = {
            letter: told(reader.between(starts[letter], reader.position()).committed)
            for letter, reader in readers.items()
        }
    assert found == {letter: case.said(letter) for letter in readers}


@pytest.mark.parametrize(("default", "case"), pairs([m for m in VERSIONS if m >= 15]), indirect=["default"])
def test_log_with_default_settings_counts_what_was_committed(default, log, case):
    with default.connect() as connection:
        database = fresh(default, connection)
        start = log.position()
        do(case, database, default)
        assert told(log.between(start, log.position()).committed) == without_truncates(case.a)


def test_documentation_has_every_difference_between_the_tiers():
    text = (Path(__file__).resolve().parents[3] / "docs" / "postgres-tiers.md").read_text(encoding="utf-8")
    assert "\n".join(differences()) in text
    assert all(case.why for case in CASES if len({without_truncates(case.a), case.said("B"), case.said("C")}) > 1)
