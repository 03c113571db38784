"""What counts as a committed row, on a real MySQL: the table of truth of MariaDB, without what MariaDB alone has.

The server is 5.6, the only one that a registry offers. Its rows are the second version of the event, its log-in is
`mysql_native_password`, and it knows neither `uuid` nor compressed columns.
"""

import os
import signal

import pytest
from tests.harness import servers
from tests.support.binlog_rows import COUNTS, NOTHING, ROW, TYPES, connect, counted, handle_of, seen

from truegreen.errors import ServiceNotReady
from truegreen.stages.observers.mysql import MySqlObserver

_MARIADB_ALONE = ("uuid", "inet6", "json", "compressed")
KNOWN = {column: value for column, value in TYPES.items() if not any(word in column for word in _MARIADB_ALONE)}
SPECIAL = {"many", "created from", "rights"}
MANY = "INSERT INTO parted SELECT 1 FROM numbers a, numbers b, numbers c, numbers d"


@pytest.fixture(scope="module")
def server():
    with servers.running("mysql") as made:
        client = connect(made)
        client.query("CREATE DATABASE other")
        client.query("CREATE TABLE app.ops (id int PRIMARY KEY, v text)")
        client.query("CREATE TABLE app.plain (id int) ENGINE=MyISAM")
        client.query("CREATE TABLE app.parted (id int) PARTITION BY HASH (id) PARTITIONS 3")
        client.query("CREATE TABLE app.numbers (n int)")
        client.query("INSERT INTO app.numbers VALUES (1), (2), (3), (4), (5), (6), (7), (8)")
        client.query("CREATE TABLE other.ops (id int)")
        client.query(f"CREATE TABLE app.types ({', '.join(KNOWN)})")
        client.close()
        yield made


@pytest.fixture(scope="module")
def observer(server):
    made = MySqlObserver(handle_of(server))
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = connect(server)
    for statement in ("USE app", "DELETE FROM ops", "DELETE FROM plain", "DELETE FROM types"):
        made.query(statement)
    made.query("INSERT INTO ops VALUES (1, 'first'), (2, 'second')")
    yield made
    made.close()


def test_server_says_which_it_is(observer):
    assert observer.version.startswith("5.6.24")


@pytest.mark.parametrize("name", sorted(COUNTS.keys() - SPECIAL))
def test_committed_row_counts(observer, client, name):
    statements, expected = COUNTS[name]
    window = seen(observer, client, *statements)
    assert counted(window.committed) == (expected or {ROW: 1, ("app", "ops", "update"): 1})
    assert window.rolled_back == ()


def test_rows_of_many_events_count(observer, client):
    assert counted(seen(observer, client, MANY).committed) == {("app", "parted", "insert"): 4096}
    made = ("DROP TABLE IF EXISTS made", "CREATE TABLE made AS SELECT * FROM ops")
    assert counted(seen(observer, client, *made).committed) == {("app", "made", "insert"): 2}


@pytest.mark.parametrize("name", sorted(NOTHING.keys() - SPECIAL))
def test_what_commits_no_row_does_not_count(observer, client, name):
    assert seen(observer, client, *NOTHING[name], name=name).committed == ()


def test_rights_are_no_rows(observer, client):
    assert seen(observer, client, "CREATE USER u IDENTIFIED BY 'x'", "DROP USER u").committed == ()


def test_rows_of_every_type_are_counted_one_by_one(observer, client):
    values = f"({', '.join(KNOWN.values())})"
    nulls = f"({', '.join('NULL' for _ in KNOWN)})"
    window = seen(observer, client, f"INSERT INTO types VALUES {values}, {nulls}, {values}")
    assert counted(window.committed) == {("app", "types", "insert"): 3}
    window = seen(observer, client, "UPDATE types SET a = 7, t = NULL, q = 'changed'")
    assert counted(window.committed) == {("app", "types", "update"): 3}


@pytest.mark.parametrize("column", KNOWN)
def test_rows_of_one_type_are_counted_one_by_one(observer, client, column):
    client.query("DROP TABLE IF EXISTS single")
    client.query(f"CREATE TABLE single (number int, {column})")
    rows = ", ".join(f"({number}, {KNOWN[column]})" for number in range(9))
    window = seen(observer, client, f"INSERT INTO single VALUES {rows}")
    assert counted(window.committed) == {("app", "single", "insert"): 9}


@pytest.mark.parametrize("image", ["MINIMAL", "NOBLOB"])
def test_smaller_images_of_rows_are_counted_too(observer, client, image):
    window = seen(observer, client, f"SET SESSION binlog_row_image = '{image}'", "UPDATE ops SET v = 'm'")
    assert counted(window.committed) == {("app", "ops", "update"): 2}


def test_prepared_transaction_counts_when_it_is_committed(observer, client):
    prepared = ["XA START 'x'", "INSERT INTO ops VALUES (3, 'x')", "XA END 'x'", "XA PREPARE 'x'"]
    assert seen(observer, client, *prepared).committed == ()
    assert counted(seen(observer, client, "XA COMMIT 'x'").committed) == {ROW: 1}
    assert seen(observer, client, *(word.replace("3", "4") for word in prepared), "XA ROLLBACK 'x'").committed == ()


def test_log_in_statement_format_is_not_observed(client, server):
    client.query("SET GLOBAL binlog_format = 'STATEMENT'")
    try:
        with pytest.raises(ServiceNotReady) as caught:
            MySqlObserver(handle_of(server))
        assert "STATEMENT" in caught.value.why
    finally:
        client.query("SET GLOBAL binlog_format = 'ROW'")


def test_user_who_may_not_read_the_log_is_told(client, server):
    client.query("GRANT SELECT ON app.* TO small@'%' IDENTIFIED BY 'small'")
    client.query("GRANT SELECT ON app.* TO small@localhost IDENTIFIED BY 'small'")
    with pytest.raises(ServiceNotReady) as caught:
        MySqlObserver(handle_of(server, user="small", password="small"))
    assert "REPLICATION CLIENT" in caught.value.fix


def test_server_that_ends_in_the_middle_is_no_silence():
    with servers.running("mysql") as made:
        observer = MySqlObserver(handle_of(made))
        observer.position()
        os.kill(made.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            observer.position()
        observer.close()
