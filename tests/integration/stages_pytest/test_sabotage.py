"""A real PostgreSQL that forgets, or cannot commit: accepted like any other write, and nothing of it is left."""

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.support.managers import embedded, manager

from truegreen.errors import ServiceNotReady
from truegreen.stages.common.sabotage import JOURNAL, Fault, Sabotage

SCHEMA = """
    CREATE TABLE ops (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, twice text GENERATED ALWAYS AS (v || v)
        STORED);
    CREATE TABLE notes (op int REFERENCES ops ON DELETE CASCADE, "the text" text);
    CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
    CREATE TABLE plain (id int);
    CREATE TABLE alembic_version (version_num text);
    CREATE SCHEMA "Other one"; CREATE TABLE "Other one"."The table" (id int);
    CREATE UNLOGGED TABLE fast (id int);
    CREATE ROLE guest LOGIN PASSWORD 'guest'; GRANT ALL ON plain TO guest;
    INSERT INTO ops (v) VALUES ('first'), ('second'); INSERT INTO notes VALUES (1, 'a'), (2, 'b');
    INSERT INTO parts VALUES (1, '2020-05-05'); INSERT INTO plain VALUES (1), (1), (2);
    INSERT INTO "Other one"."The table" VALUES (1); INSERT INTO fast VALUES (1);
"""
TABLES = ("ops", "notes", "parts", "plain", '"Other one"."The table"', "fast")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sabotage")
    services = manager(folder / "project", folder, postgres=embedded())
    (handle,) = services.up(("postgres",))
    with psycopg.connect(handle.url, autocommit=True) as connection:
        connection.execute(SCHEMA)
    yield handle
    services.down()


@pytest.fixture(scope="module")
def planted(server):
    sabotage = Sabotage(server)
    yield sabotage
    sabotage.close()


@pytest.fixture
def sabotage(planted):
    yield planted
    planted.turn(None)


@pytest.fixture
def database(server):
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def state(url):
    """Return every row of every table, as another connection sees them."""
    with psycopg.connect(url) as other:
        return {
            name: sorted(row[0] for row in other.execute(f"SELECT r::text FROM {name} r").fetchall())
            for name in (*TABLES, "alembic_version", JOURNAL)
        }


def copied(connection):
    with connection.cursor().copy("COPY plain FROM STDIN") as copy:
        for number in range(300):
            copy.write_row((number,))


def binary(connection):
    with connection.pipeline():
        for number in range(3):
            connection.execute("INSERT INTO plain VALUES (%s)", (number,))


WRITES = {
    "insert": "INSERT INTO plain VALUES (5)",
    "update": "UPDATE ops SET v = 'other'",
    "update-of-equal-rows": "UPDATE plain SET id = 7 WHERE id = 1",
    "delete": "DELETE FROM plain WHERE id = 1",
    "delete-that-cascades": "DELETE FROM ops WHERE id = 1",
    "upsert": "INSERT INTO ops (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 'n') ON CONFLICT (id) DO UPDATE SET v = 'n'",
    "insert-then-update": "BEGIN; INSERT INTO plain VALUES (5); UPDATE plain SET id = 6 WHERE id = 5; COMMIT",
    "insert-then-delete": "BEGIN; INSERT INTO plain VALUES (5); DELETE FROM plain; COMMIT",
    "update-twice-then-delete": "BEGIN; UPDATE ops SET v='x'; UPDATE ops SET v='y'; DELETE FROM ops WHERE id=2; COMMIT",
    "key-moved-and-taken": "BEGIN; UPDATE ops SET v = 'gone' WHERE id = 1; DELETE FROM ops WHERE id = 1; "
    "INSERT INTO ops (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 'new'); COMMIT",
    "savepoint-rolled-back": "BEGIN; SAVEPOINT s; INSERT INTO plain VALUES (8); ROLLBACK TO s; "
    "INSERT INTO plain VALUES (9); COMMIT",
    "savepoint-released": "BEGIN; SAVEPOINT s; INSERT INTO plain VALUES (8); RELEASE s; COMMIT",
    "truncate": "TRUNCATE plain",
    "truncate-of-several": "TRUNCATE ops, notes",
    "truncate-between": "BEGIN; UPDATE plain SET id = 3 WHERE id = 1; INSERT INTO plain VALUES (4); TRUNCATE plain; "
    "INSERT INTO plain VALUES (5); UPDATE plain SET id = 6; COMMIT",
    "partition": "INSERT INTO parts VALUES (2, '2021-06-06')",
    "partition-changed": "UPDATE parts SET at = '2021-01-05'",
    "partitions-truncated": "TRUNCATE parts",
    "copy": copied,
    "pipeline": binary,
    "unlogged": "INSERT INTO fast VALUES (2)",
    "quoted-names": 'DELETE FROM "Other one"."The table"',
    "do-block": "DO 'BEGIN FOR i IN 1..3 LOOP INSERT INTO plain VALUES (i); END LOOP; END'",
    "replica-role": "SET session_replication_role = replica; DELETE FROM plain; RESET session_replication_role",
    "constraints-immediate": "BEGIN; SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO plain VALUES (5); COMMIT",
    "prepared": "INSERT INTO notes VALUES (1, 'c')",
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write_that_is_accepted_is_gone_after_the_commit(server, database, sabotage, write):
    before = state(server.url)
    sabotage.turn(Fault.FORGET)
    write(database) if callable(write) else database.execute(write)
    assert state(server.url) == before


def test_transaction_sees_what_it_wrote_until_it_commits(server, database, sabotage):
    sabotage.turn(Fault.FORGET)
    with database.transaction():
        (made,) = database.execute("INSERT INTO ops (v) VALUES ('third') RETURNING id").fetchone()
        assert database.execute("UPDATE ops SET v = 'again' WHERE id = %s", (made,)).rowcount == 1
        row = database.execute("SELECT v, twice FROM ops WHERE id = %s", (made,)).fetchone()
        assert row == ("again", "againagain")
    assert database.execute("SELECT v FROM ops WHERE id = %s", (made,)).fetchone() is None


def test_write_is_kept_before_and_after(server, database, sabotage):
    before = len(state(server.url)["plain"])
    database.execute("INSERT INTO plain VALUES (50)")
    sabotage.turn(Fault.FORGET)
    database.execute("DELETE FROM plain WHERE id = 50")
    sabotage.turn(None)
    assert len(state(server.url)["plain"]) == before + 1
    database.execute("DELETE FROM plain WHERE id = 50")
    assert len(state(server.url)["plain"]) == before


def test_transaction_with_an_old_snapshot_sees_the_switch(server, database, sabotage):
    before = state(server.url)
    database.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM plain")
    sabotage.turn(Fault.FORGET)
    database.execute("INSERT INTO plain VALUES (60); COMMIT")
    assert state(server.url) == before


@pytest.mark.parametrize("make", ["CREATE TABLE made (id int)", "CREATE TABLE made AS SELECT 1 AS id"])
def test_table_made_meanwhile_forgets_too(database, sabotage, make):
    sabotage.turn(Fault.FORGET)
    try:
        database.execute(make)
        database.execute("INSERT INTO made VALUES (2)")
        assert database.execute("SELECT count(*) FROM made").fetchone() == (0,)
    finally:
        database.execute("DROP TABLE made")


def test_partition_made_meanwhile_forgets_too(database, sabotage):
    sabotage.turn(Fault.FORGET)
    database.execute("CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')")
    database.execute("INSERT INTO parts VALUES (9, '2022-02-02')")
    assert database.execute("SELECT count(*) FROM parts WHERE id = 9").fetchone() == (0,)


def test_table_dropped_in_its_transaction_is_no_trouble(server, database, sabotage):
    sabotage.turn(Fault.FORGET)
    database.execute("BEGIN; CREATE TABLE short (id int); INSERT INTO short VALUES (1); DROP TABLE short; COMMIT")
    assert state(server.url)[JOURNAL] == []


@pytest.mark.parametrize("template", ["", " TEMPLATE app"])
def test_database_made_meanwhile_forgets_too(server, database, sabotage, template):
    database.execute(f"CREATE DATABASE another{template}")
    sabotage.turn(Fault.FORGET)
    try:
        with psycopg.connect(make_conninfo(server.url, dbname="another"), autocommit=True) as other:
            other.execute("CREATE TABLE mine (id int); INSERT INTO mine VALUES (1)")
            other.execute("INSERT INTO mine VALUES (1)")
            assert other.execute("SELECT count(*) FROM mine").fetchone() == (0,)
    finally:
        database.execute("DROP DATABASE another WITH (FORCE)")


def test_role_without_rights_is_served_as_before(server, sabotage):
    before = state(server.url)
    sabotage.turn(Fault.FORGET)
    words = {**conninfo_to_dict(server.url), "user": "guest", "password": "guest"}
    with psycopg.connect(**words, autocommit=True) as guest:
        assert guest.execute("INSERT INTO plain VALUES (70) RETURNING id").fetchone() == (70,)
    assert state(server.url) == before


def test_table_that_a_role_without_rights_makes_forgets_too(server, database, sabotage):
    database.execute("CREATE SCHEMA guest AUTHORIZATION guest")
    sabotage.turn(Fault.FORGET)
    words = {**conninfo_to_dict(server.url), "user": "guest", "password": "guest"}
    with psycopg.connect(**words, autocommit=True) as guest:
        guest.execute("CREATE TABLE guest.own (id int)")
        guest.execute("INSERT INTO guest.own VALUES (1)")
        assert guest.execute("SELECT count(*) FROM guest.own").fetchone() == (0,)


def test_version_of_the_schema_is_kept(database, sabotage):
    sabotage.turn(Fault.FORGET)
    database.execute("INSERT INTO alembic_version VALUES ('1')")
    assert database.execute("DELETE FROM alembic_version").rowcount == 1


@pytest.mark.parametrize("write", [w for w in WRITES.values() if isinstance(w, str)])
def test_commit_that_fails_keeps_nothing_and_says_so(server, database, sabotage, write):
    before = state(server.url)
    sabotage.turn(Fault.FAIL)
    with pytest.raises(psycopg.errors.DiskFull, match="fails on purpose"):
        database.execute(write)
    database.execute("ROLLBACK")
    assert state(server.url) == before


def test_transaction_that_only_reads_commits(database, sabotage):
    sabotage.turn(Fault.FAIL)
    assert database.execute("BEGIN; SELECT 1; COMMIT").statusmessage


def test_write_of_the_call_can_be_committed_by_the_teardown(server, database, sabotage):
    sabotage.turn(Fault.FAIL)
    database.execute("BEGIN; INSERT INTO fast VALUES (80)")
    sabotage.turn(None)
    database.execute("COMMIT")
    assert state(server.url)[JOURNAL] == []


def test_many_rows_are_forgotten_in_time(server, database, sabotage):
    before = state(server.url)
    sabotage.turn(Fault.FORGET)
    database.execute("INSERT INTO plain SELECT generate_series(1, 5000); UPDATE plain SET id = id + 1")
    assert state(server.url) == before


def test_role_that_may_not_plant_anything_is_told(server):
    guest = msgspec.structs.replace(server, user="guest", password="guest")
    with pytest.raises(ServiceNotReady, match="no fault could be planted") as caught:
        Sabotage(guest)
    assert "permission denied" in caught.value.why
