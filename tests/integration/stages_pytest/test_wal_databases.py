"""Tables and databases that come and go while they are observed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

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
    statements = ("CREATE TABLE brief (id int)", "INSERT INTO brief VALUES (1), (2)", "DROP TABLE brief")
    found = committed(reader, lambda: [database.execute(statement) for statement in statements])
    assert [(change.object, change.kind, change.count) for change in found] == [(GONE, "insert", 2)]


@pytest.mark.parametrize("ending", ["TRUNCATE ops", "DROP TABLE ops", "ALTER TABLE ops ALTER id TYPE bigint"])
def test_table_that_is_emptied_or_dropped_where_the_test_ends_keeps_its_name(server, database, ending):
    database.execute("DROP TABLE IF EXISTS ops; CREATE TABLE ops (id int)")
    observer = WalReader(server)
    start = observer.position()
    found = []
    for statements in (
        ("INSERT INTO ops VALUES (1)", ending),
        ("DROP TABLE IF EXISTS ops", "CREATE TABLE ops (id int)"),
        ("INSERT INTO ops VALUES (1)", ending),
    ):
        for statement in statements:
            database.execute(statement)
        start, tell = observer.since(start)
        found.append([(one.object, one.count) for one in tell().committed if one.kind == "insert"])
    observer.close()
    assert found == [[("public.ops", 1)], [], [("public.ops", 1)]]


@pytest.mark.parametrize("statements", ["", "DROP TABLE ops; CREATE TABLE ops (id int);", "TRUNCATE ops;"])
def test_what_was_read_is_told_by_name_when_the_table_is_gone(reader, database, statements):
    database.execute("DROP TABLE IF EXISTS ops; CREATE TABLE ops (id int)")
    start = reader.position()
    database.execute(f"{statements} INSERT INTO ops VALUES (1)")
    start, tell = reader.since(start)
    database.execute("DROP TABLE ops")
    found = [(one.object, one.count) for one in tell().committed if one.kind == "insert"]
    assert found == [("public.ops", 1)]


def test_table_that_gets_another_name_while_a_transaction_is_open_is_named_anew(reader, database, server):
    database.execute("DROP TABLE IF EXISTS old, new; CREATE TABLE old (id int)")
    start = reader.position()
    with psycopg.connect(server.url) as other:
        other.execute("INSERT INTO old VALUES (1); ALTER TABLE old RENAME TO new")
        start, tell = reader.since(start)
        tell()
        other.commit()
    start, tell = reader.since(start)
    assert [one.object for one in tell().written_before] == ["public.new"]


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


KILLED = """
import os, signal, sys
import msgspec
from truegreen.model.service import ServiceHandle
from truegreen.stages.common.wal import WalReader
reader = WalReader(msgspec.json.decode(sys.argv[1], type=ServiceHandle))
os.kill(os.getpid(), signal.SIGKILL)
"""


def recorder_is_there(database):
    found = database.execute("SELECT 1 FROM pg_database WHERE datname = 'truegreen_recorder'").fetchone()
    return found is not None


@pytest.fixture
def attached(server, database):
    database.execute("DROP DATABASE IF EXISTS truegreen_recorder WITH (FORCE)")
    return msgspec.structs.replace(server, provider="attach")


def test_database_that_a_killed_recorder_left_is_dropped_by_the_next_one(attached, database):
    command = [sys.executable, "-c", KILLED, msgspec.json.encode(attached).decode()]
    assert subprocess.run(command, check=False).returncode == -9
    assert recorder_is_there(database)
    WalReader(attached).close()
    assert not recorder_is_there(database)


def test_recorder_that_ends_leaves_the_database_to_another_one_that_still_reads(attached, database):
    first, second = WalReader(attached), WalReader(attached)
    first.close()
    (change,) = committed(second, lambda: database.execute("INSERT INTO parted VALUES (1)"))
    assert change.parent == "public.parted"
    assert recorder_is_there(database)
    second.close()
    assert not recorder_is_there(database)


def test_recorders_that_come_and_go_at_once_neither_fail_nor_leave_anything(attached, database):
    def come_and_go(_):
        for _ in range(10):
            reader = WalReader(attached)
            reader.position()
            reader.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    assert not recorder_is_there(database)


def test_recorder_whose_user_may_not_drop_the_database_leaves_it_without_failing(attached, database):
    database.execute("CREATE ROLE reads LOGIN IN ROLE pg_read_server_files, pg_monitor")
    owner = WalReader(attached)
    database.execute("GRANT EXECUTE ON FUNCTION pg_current_wal_flush_lsn() TO reads")
    try:
        with psycopg.connect(attached.url, dbname="truegreen_recorder", autocommit=True) as own:
            own.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO reads")
        guest = WalReader(msgspec.structs.replace(attached, user="reads"))
        owner.close()
        guest.close()
        assert recorder_is_there(database)
        WalReader(attached).close()
        assert not recorder_is_there(database)
    finally:
        database.execute("DROP DATABASE IF EXISTS truegreen_recorder WITH (FORCE)")
        database.execute("REVOKE EXECUTE ON FUNCTION pg_current_wal_flush_lsn() FROM reads")
        database.execute("DROP ROLE reads")
