"""What counts as a committed row, on a real MariaDB: the table of truth."""

import contextlib
import hashlib
import os
import signal
import struct
import time

import pytest
from tests.harness import servers

from truegreen.errors import ServiceNotReady
from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire import mysql
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.mysql import MySql
from truegreen.stages.observers._binlog import Binlog
from truegreen.stages.observers.mysql import MariaDbObserver

TYPES = {
    "a tinyint": "1",
    "b smallint": "-2",
    "c mediumint": "3",
    "d int": "4",
    "e bigint": "5",
    "f float": "1.5",
    "g double": "2.5",
    "h decimal(20,5)": "123.45",
    "i date": "'2026-11-21'",
    "j time(3)": "'10:11:12.5'",
    "k datetime": "'2026-11-21 10:11:12'",
    "l datetime(6)": "'2026-11-21 10:11:12.123456'",
    "m timestamp(2)": "'2026-11-21 10:11:12.5'",
    "n year": "2026",
    "o char(3)": "'ab'",
    "p char(200) character set utf8mb4": "'ä'",
    "q varchar(20)": "'x'",
    "r varchar(500)": "'y'",
    "s text": "repeat('z', 300)",
    "t longblob": "repeat('z', 70000)",
    "u bit(12)": "b'101'",
    "v enum('a', 'b')": "'b'",
    "w set('a', 'b', 'c')": "'a,c'",
    "x json": "'{}'",
    "y geometry": "point(1, 2)",
    "z binary(4)": "'q'",
    "aa uuid": "uuid()",
    "bb inet6": "'::1'",
    "cc varchar(300) compressed": "repeat('y', 299)",
    "dd text compressed": "repeat('y', 299)",
}


def connect(server):
    return MySql(server.host, server.port, user=server.user, password=server.password)


def handle_of(server, **more):
    access = {"user": server.user, "password": server.password, "database": server.database}
    values = {"name": "db", "kind": "mariadb", "provider": "attach", "host": server.host, "port": server.port}
    return ServiceHandle(url="", **{**values, **access, **more})


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


def counted(changes):
    return {(change.database, change.object, change.kind): change.count for change in changes}


def seen(observer, client, *statements, name=""):
    """Run statements, of which a duplicate is refused, and return what the observer says of them."""
    start = observer.position()
    for statement in statements:
        with contextlib.suppress(Refused) if name == "duplicate" else contextlib.nullcontext():
            client.query(statement)
    return observer.between(start, observer.position())


ROW = ("app", "ops", "insert")
COUNTS = {
    "inserted": (["INSERT INTO ops VALUES (3, 'x')"], {ROW: 1}),
    "several": (["INSERT INTO ops VALUES (3, NULL), (4, 'x'), (5, repeat('x', 60000))"], {ROW: 3}),
    "updated": (["UPDATE ops SET v = concat(v, '!')"], {("app", "ops", "update"): 2}),
    "deleted": (["DELETE FROM ops WHERE id = 1"], {("app", "ops", "delete"): 1}),
    "deleted again": (
        ["INSERT INTO ops VALUES (3, 'x')", "DELETE FROM ops WHERE id = 3"],
        {ROW: 1, ("app", "ops", "delete"): 1},
    ),
    "replaced": (["REPLACE INTO ops VALUES (1, 'new')"], {("app", "ops", "update"): 1}),
    "transaction": (
        ["BEGIN", "INSERT INTO ops VALUES (3, 'x')", "UPDATE ops SET v = 'y' WHERE id = 3", "COMMIT"],
        None,
    ),
    "savepoint": (
        [
            "BEGIN",
            "INSERT INTO ops VALUES (3, 'x')",
            "SAVEPOINT s",
            "INSERT INTO ops VALUES (4, 'x')",
            "ROLLBACK TO s",
            "COMMIT",
        ],
        {ROW: 1},
    ),
    "without transactions": (["INSERT INTO plain VALUES (1)"], {("app", "plain", "insert"): 1}),
    "partitioned": (["INSERT INTO parted VALUES (1), (2)"], {("app", "parted", "insert"): 2}),
    "another database": (["INSERT INTO other.ops VALUES (1)"], {("other", "ops", "insert"): 1}),
    "emptied": (["TRUNCATE ops"], {("app", "ops", "truncate"): 1}),
    "emptied elsewhere": (["truncate table `other`.`ops`"], {("other", "ops", "truncate"): 1}),
    "another log": (["FLUSH BINARY LOGS", "INSERT INTO ops VALUES (3, 'x')"], {ROW: 1}),
    "before another log": (["INSERT INTO ops VALUES (3, 'x')", "FLUSH BINARY LOGS"], {ROW: 1}),
    "many": (["INSERT INTO parted SELECT seq FROM seq_1_to_5000"], {("app", "parted", "insert"): 5000}),
    "copied": (["INSERT INTO ops SELECT id + 10, v FROM ops"], {ROW: 2}),
    "created from": (["CREATE OR REPLACE TABLE made AS SELECT * FROM ops"], {("app", "made", "insert"): 2}),
}
NOTHING = {
    "read": ["SELECT * FROM ops", "SELECT * FROM ops FOR UPDATE"],
    "rolled back": ["BEGIN", "INSERT INTO ops VALUES (3, 'x')", "ROLLBACK"],
    "still open": ["BEGIN", "INSERT INTO ops VALUES (3, 'x')"],
    "duplicate": ["INSERT INTO ops VALUES (1, 'x')"],
    "duplicate ignored": ["INSERT IGNORE INTO ops VALUES (1, 'x')"],
    "nothing changed": ["UPDATE ops SET v = v"],
    "nothing found": ["DELETE FROM ops WHERE id = 99"],
    "temporary": ["CREATE TEMPORARY TABLE brief (id int)", "INSERT INTO brief VALUES (1)"],
    "schema": ["CREATE TABLE fresh (id int)", "DROP TABLE fresh"],
    "rights": ["CREATE OR REPLACE USER u IDENTIFIED BY 'x'", "DROP USER u"],
}


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
