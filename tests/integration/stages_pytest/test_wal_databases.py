"""Tables and databases that come and go while they are observed."""

import msgspec
import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.stages.common.wal import GONE, GONE_DATABASE, WalReader


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wal")
    services = manager(folder / "project", folder, postgres=embedded())
    (handle,) = services.up(("postgres",))
    with psycopg.connect(handle.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE parted (id int) PARTITION BY RANGE (id)")
        low = "CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10)"
        connection.execute(f"{low} PARTITION BY LIST (id)")
        connection.execute("CREATE TABLE parted_low_one PARTITION OF parted_low FOR VALUES IN (1)")
    yield handle
    services.down()


@pytest.fixture
def reader(server):
    reader = WalReader(server)
    yield reader
    reader.close()


@pytest.fixture
def database(server):
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def committed(reader, action):
    start = reader.position()
    action()
    return reader.between(start, reader.position()).committed


def test_table_that_is_dropped_before_it_is_read_is_told_as_gone(reader, database):
    statements = "CREATE TABLE brief (id int); INSERT INTO brief VALUES (1), (2); DROP TABLE brief"
    found = committed(reader, lambda: database.execute(statements))
    assert [(change.object, change.kind, change.count) for change in found] == [(GONE, "insert", 2)]


def test_catalogues_and_indexes_are_not_told_as_gone(reader, database):
    statements = "CREATE TABLE kept (id int PRIMARY KEY, v text); CREATE INDEX ON kept (v); DROP TABLE kept"
    assert committed(reader, lambda: database.execute(statements)) == ()


def test_row_of_a_partition_names_the_table_it_is_a_part_of(reader, database):
    (change,) = committed(reader, lambda: database.execute("INSERT INTO parted VALUES (1)"))
    assert (change.object, change.parent) == ("public.parted_low_one", "public.parted")


def test_database_that_was_read_can_be_dropped_and_copied(server, reader, database):
    database.execute("CREATE DATABASE passing")
    with psycopg.connect(server.url, dbname="passing", autocommit=True) as other:
        other.execute("CREATE TABLE t (id int)")
        (change,) = committed(reader, lambda: other.execute("INSERT INTO t VALUES (1)"))
    assert (change.database, change.object) == ("passing", "public.t")
    database.execute("CREATE DATABASE copy TEMPLATE passing")
    database.execute("DROP DATABASE passing")
    database.execute("DROP DATABASE copy")


def test_database_that_is_dropped_before_it_is_read_is_no_problem(server, reader, database):
    database.execute("CREATE DATABASE brief")

    def work():
        with psycopg.connect(server.url, dbname="brief", autocommit=True) as other:
            other.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
        database.execute("DROP DATABASE brief")

    assert {change.database for change in committed(reader, work)} == {GONE_DATABASE}
    (change,) = committed(reader, lambda: database.execute("INSERT INTO parted VALUES (1)"))
    assert change.database == server.database


@pytest.mark.parametrize(("provider", "kept"), [("attach", False), ("embedded", True)])
def test_server_of_somebody_else_is_left_as_it_was(server, database, provider, kept):
    database.execute("DROP DATABASE IF EXISTS truegreen_recorder WITH (FORCE)")
    WalReader(msgspec.structs.replace(server, provider=provider)).close()
    found = database.execute("SELECT 1 FROM pg_database WHERE datname = 'truegreen_recorder'").fetchone()
    assert (found is not None) is kept


def test_recorder_database_that_was_there_before_stays(server, database):
    WalReader(server).close()
    WalReader(msgspec.structs.replace(server, provider="attach")).close()
    assert database.execute("SELECT 1 FROM pg_database WHERE datname = 'truegreen_recorder'").fetchone()
