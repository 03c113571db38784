"""What counts as a committed row, on a real MariaDB: the table of truth."""

import hashlib
import os
import signal
import struct
import time

import pytest
from tests.harness import servers
from tests.support.binlog_rows import COUNTS, NOTHING, ROW, TYPES, connect, counted, handle_of, seen

from truegreen.errors import ServiceNotReady
from truegreen.runtime.wire import mysql
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.mysql import MySql
from truegreen.stages.observers._binlog import Binlog
from truegreen.stages.observers.mysql import MariaDbObserver


@pytest.fixture(scope="module")
def server():
    with servers.running("mariadb") as made:
        client = connect(made)
        client.query("CREATE DATABASE other")
        client.query("CREATE TABLE app.ops (id int PRIMARY KEY, v text)")
        client.query("CREATE TABLE app.plain (id int) ENGINE=MyISAM")
        client.query("CREATE TABLE app.parted (id int) PARTITION BY HASH (id) PARTITIONS 3")
        client.query("CREATE TABLE other.ops (id int)")
        client.query(f"CREATE TABLE app.types ({', '.join(TYPES)})")
        client.close()
        yield made


@pytest.fixture(scope="module")
def observer(server):
    made = MariaDbObserver(handle_of(server))
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = connect(server)
    for statement in (
        "USE app",
        "DELETE FROM ops",
        "DELETE FROM plain",
        "DELETE FROM types",
        "INSERT INTO ops VALUES (1, 'first'), (2, 'second')",
    ):
        made.query(statement)
    yield made
    made.close()


@pytest.mark.parametrize("name", COUNTS)
def test_committed_row_counts(observer, client, name):
    statements, expected = COUNTS[name]
    expected = expected or {ROW: 1, ("app", "ops", "update"): 1}
    window = seen(observer, client, *statements)
    assert counted(window.committed) == expected
    assert window.rolled_back == ()


@pytest.mark.parametrize("name", NOTHING)
def test_what_commits_no_row_does_not_count(observer, client, name):
    assert seen(observer, client, *NOTHING[name], name=name).committed == ()


def test_rows_of_every_type_are_counted_one_by_one(observer, client):
    values = f"({', '.join(TYPES.values())})"
    nulls = f"({', '.join('NULL' for _ in TYPES)})"
    window = seen(observer, client, f"INSERT INTO types VALUES {values}, {nulls}, {values}")
    assert counted(window.committed) == {("app", "types", "insert"): 3}
    window = seen(observer, client, "UPDATE types SET a = 7, t = NULL, q = 'changed'")
    assert counted(window.committed) == {("app", "types", "update"): 3}


@pytest.mark.parametrize("column", TYPES)
def test_rows_of_one_type_are_counted_one_by_one(observer, client, column):
    client.query(f"CREATE OR REPLACE TABLE single (number int, {column})")
    rows = ", ".join(f"({number}, {TYPES[column]})" for number in range(9))
    assert counted(seen(observer, client, f"INSERT INTO single VALUES {rows}").committed) == {
        ("app", "single", "insert"): 9
    }


def test_minimal_images_of_rows_are_counted_too(observer, client):
    window = seen(observer, client, "SET SESSION binlog_row_image = 'MINIMAL'", "UPDATE ops SET v = 'm'")
    assert counted(window.committed) == {("app", "ops", "update"): 2}


def test_prepared_transaction_counts_when_it_is_decided(observer, client):
    prepared = ["XA START 'x'", "INSERT INTO ops VALUES (3, 'x')", "XA END 'x'", "XA PREPARE 'x'"]
    window = seen(observer, client, *prepared)
    assert (window.committed, counted(window.rolled_back)) == ((), {ROW: 1})
    assert counted(seen(observer, client, "XA COMMIT 'x'").committed) == {ROW: 1}
    seen(observer, client, *(word.replace("3", "4").replace("'x'", "'y'") for word in prepared))
    window = seen(observer, client, "XA ROLLBACK 'y'")
    assert (window.committed, counted(window.rolled_back)) == ((), {ROW: 1})
    one_phase = [*(word.replace("3", "5") for word in prepared[:3]), "XA COMMIT 'x' ONE PHASE"]
    assert seen(observer, client, *one_phase).committed[0].count == 1


def test_row_committed_by_another_connection_counts_where_it_falls(observer, client, server):
    other = connect(server)
    other.query("BEGIN")
    other.query("INSERT INTO app.ops VALUES (7, 'x')")
    assert seen(observer, client, "SELECT 1").committed == ()
    assert counted(seen(observer, other, "COMMIT").committed) == {ROW: 1}
    other.close()
    first, _, third = observer.position(), observer.position(), observer.position()
    with pytest.raises(ValueError, match="not consecutive"):
        observer.between(first, third)


def test_compressed_events_are_no_silence(observer, client, server):
    made = MariaDbObserver(handle_of(server))
    client.query("SET GLOBAL log_bin_compress = ON")
    try:
        client.query("UPDATE ops SET v = repeat('x', 5000)")
        with pytest.raises(ValueError, match="compressed events"):
            made.position()
    finally:
        client.query("SET GLOBAL log_bin_compress = OFF")
        made.close()
        while True:  # the shared observer goes on behind them
            try:
                observer.position()
                break
            except ValueError:
                continue


def test_connection_that_somebody_kills_is_no_silence(client, server):
    dumps = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'"
    others = client.query(dumps)
    made = MariaDbObserver(handle_of(server))
    while not (mine := [row for row in client.query(dumps) if row not in others]):
        time.sleep(0.01)
    ((number,),) = mine
    client.query(f"KILL {number}")
    client.query("INSERT INTO ops VALUES (3, 'x')")
    with pytest.raises((OSError, Refused)):
        made.position()
    made.close()


def test_wrong_password_and_a_user_who_may_not_read_the_log_are_told(client, server):
    with pytest.raises(ServiceNotReady, match="cannot be read") as caught:
        MariaDbObserver(handle_of(server, password="wrong"))
    assert "Access denied" in caught.value.why
    client.query("CREATE OR REPLACE USER small IDENTIFIED BY 'small'")
    with pytest.raises(ServiceNotReady) as caught:
        MariaDbObserver(handle_of(server, user="small", password="small"))
    assert "BINLOG MONITOR" in caught.value.fix


def test_log_in_statement_format_is_not_observed(client, server):
    client.query("SET GLOBAL binlog_format = 'STATEMENT'")
    try:
        with pytest.raises(ServiceNotReady) as caught:
            MariaDbObserver(handle_of(server))
        assert "STATEMENT" in caught.value.why
    finally:
        client.query("SET GLOBAL binlog_format = 'ROW'")


def test_server_that_ends_in_the_middle_is_no_silence():
    with servers.running("mariadb") as made:
        observer = MariaDbObserver(handle_of(made))
        observer.position()
        os.kill(made.pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r"closed|reset|pipe"):
            observer.position()
        observer.close()
        with pytest.raises(ServiceNotReady):
            MariaDbObserver(handle_of(made))


def test_values_of_any_length_and_null_are_read(client, server):
    client.query("SET GLOBAL max_allowed_packet = 67108864")
    large = connect(server)
    for size in (0, 250, 251, 300, 70_000, 17_000_000):
        assert large.query(f"SELECT repeat('x', {size}), NULL, 7") == [["x" * size, "", "7"]]
    large.close()


def test_row_beyond_one_packet_is_counted(client, server):
    client.query("SET GLOBAL max_allowed_packet = 67108864")
    made, large = MariaDbObserver(handle_of(server)), connect(server)
    large.query("CREATE OR REPLACE TABLE app.large (t longblob)")
    window = seen(made, large, "INSERT INTO app.large VALUES (repeat('x', 17000000)), ('y')")
    assert counted(window.committed) == {("app", "large", "insert"): 2}
    made.close()
    large.close()


def test_user_without_password_logs_in_and_one_of_another_method_is_told(client, server):
    client.query("CREATE OR REPLACE USER open IDENTIFIED BY ''")
    MySql(server.host, server.port, user="open", password="").close()
    client.query("SET GLOBAL secure_auth = OFF")
    client.query("CREATE OR REPLACE USER ancient IDENTIFIED VIA mysql_old_password USING '6f8c114b58f2ce9e'")
    with pytest.raises(Refused, match=r"log-in method .*, which is not known here"):
        MySql(server.host, server.port, user="ancient", password="x")
    with pytest.raises(Refused, match="Access denied"):
        MySql(server.host, server.port, user="nobody", password="x")


def test_proof_of_a_password_is_what_mysql_checks():
    # The server knows sha256(sha256(password)), and takes what it was sent for sha256(password) behind a mask.
    salt, known = b"s" * 20, hashlib.sha256(hashlib.sha256(b"secret").digest()).digest()
    proof = mysql._scramble("caching_sha2_password", "secret", salt)
    mask = hashlib.sha256(known + salt).digest()
    told = bytes(a ^ b for a, b in zip(proof, mask, strict=True))
    assert hashlib.sha256(told).digest() == known


def event(kind, body, end=0):
    return struct.pack("<IBIIIH", 0, kind, 1, 19 + len(body), end, 0) + body


def test_compressed_transaction_of_mysql_is_refused():
    with pytest.raises(ValueError, match="compressed transactions"):
        Binlog("f", 4, checksums=False).feed(event(40, b""))


def test_rows_of_a_table_that_was_never_named_are_left_out():
    binlog = Binlog("f", 4, checksums=False)
    binlog.feed(event(23, bytes(20)))
    binlog.feed(event(16, bytes(8), end=99))
    assert (binlog.taken(), binlog.position) == (({}, {}), 99)
