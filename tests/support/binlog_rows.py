"""What counts as a committed row of MariaDB and MySQL, and what does not: statements, and what is seen of them."""

import contextlib

from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.mysql import MySql

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
    values = {"name": "db", "kind": server.kind, "provider": "attach", "host": server.host, "port": server.port}
    return ServiceHandle(url="", **{**values, **access, **more})


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
