"""What a PostgreSQL is told to do, and what each tier of evidence says was committed: one table for all versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

SCHEMA = """
CREATE TABLE ops (id int PRIMARY KEY, v text);
CREATE TABLE audit (v int);
CREATE UNLOGGED TABLE fast (v int);
CREATE UNLOGGED TABLE rare AS SELECT 1 AS v;
CREATE TABLE big (id int PRIMARY KEY, n int, v text);
ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE SEQUENCE counter;
CREATE SCHEMA side;
CREATE TABLE side.ops (id int);
CREATE MATERIALIZED VIEW seen AS SELECT * FROM ops;
CREATE UNIQUE INDEX ON seen (id);
"""
FRESH = """
TRUNCATE ops, audit, fast, big, parted, side.ops;
INSERT INTO ops VALUES (1, 'first');
INSERT INTO audit VALUES (1), (2), (3);
INSERT INTO big VALUES (1, 1, repeat('x', 9000));
INSERT INTO parted VALUES (1);
REFRESH MATERIALIZED VIEW seen;
"""
SAME = "="
"""The tier says what tier A says."""


class Case(NamedTuple):
    """One thing that is done between two positions, on a database `app` that is as `SCHEMA` and `FRESH` leave it."""

    name: str
    action: Callable[[psycopg.Connection, Callable[..., psycopg.Connection]], Any] | str
    """Statements, or a function of a connection and of a way to open another one."""
    a: str
    """What tier A says, such as `2 insert ops`; changes are in the order of tables."""
    b: str = SAME
    c: str = SAME
    why: str = ""
    """Why the tiers differ, in words for the documentation."""

    def said(self, tier: str) -> str:
        """Return what a tier says."""
        text = {"A": self.a, "B": self.b, "C": self.c}[tier]
        return self.a if text == SAME else text


def _copied(connection: psycopg.Connection, _: object) -> None:
    with connection.cursor().copy("COPY ops FROM STDIN") as copy:
        for number in range(3):
            copy.write_row((100 + number, "copied"))


def _prepared(connection: psycopg.Connection, _: object) -> None:
    connection.execute("BEGIN; INSERT INTO audit VALUES (9); PREPARE TRANSACTION 'one'")
    connection.execute("COMMIT PREPARED 'one'")


def _prepared_and_rolled_back(connection: psycopg.Connection, _: object) -> None:
    connection.execute("BEGIN; INSERT INTO audit VALUES (9); PREPARE TRANSACTION 'two'")
    connection.execute("ROLLBACK PREPARED 'two'")


def _asynchronous(connection: psycopg.Connection, _: object) -> None:
    connection.execute("SET synchronous_commit = off")
    connection.execute("INSERT INTO audit VALUES (9)")
    connection.execute("SET synchronous_commit = on")


def _in_turn(*statements: str) -> Callable[..., None]:
    def run(connection: psycopg.Connection, _: object) -> None:
        for statement in statements:
            connection.execute(statement)

    return run


def _dropped_database(connection: psycopg.Connection, connect: Callable[..., psycopg.Connection]) -> None:
    connection.execute("CREATE DATABASE app_brief")
    with connect("app_brief") as other:
        other.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    connection.execute("DROP DATABASE app_brief")


def _new_database(connection: psycopg.Connection, connect: Callable[..., psycopg.Connection]) -> None:
    connection.execute("CREATE DATABASE app_new")
    with connect("app_new") as other:
        other.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")


def _second_database(_: psycopg.Connection, connect: Callable[..., psycopg.Connection]) -> None:
    with connect("app_second") as other:
        other.execute("INSERT INTO t VALUES (1), (2)")


def _many_subtransactions(connection: psycopg.Connection, _: object) -> None:
    parts = [f"SAVEPOINT s; INSERT INTO audit VALUES ({number}); RELEASE s" for number in range(100)]
    connection.execute("; ".join(["BEGIN", *parts, "COMMIT"]))


NOTHING = ""
CASES = (
    Case("insert", "INSERT INTO ops VALUES (2, 'x')", "1 insert ops"),
    Case("insert of many rows", "INSERT INTO audit SELECT generate_series(1, 500)", "500 insert audit"),
    Case("insert with several VALUES", "INSERT INTO audit VALUES (7), (8)", "2 insert audit"),
    Case("update", "UPDATE ops SET v = 'y'", "1 update ops"),
    Case("update of a table without a key", "UPDATE audit SET v = 0", "3 update audit"),
    Case("HOT update, twice", _in_turn("UPDATE ops SET v = 'y'", "UPDATE ops SET v = 'z'"), "2 update ops",
         c="1 update ops", why="of a row that changes twice, only the last version is there"),
    Case("update that changes nothing", "UPDATE ops SET v = v", "1 update ops"),
    Case("update of a value stored aside (TOAST) only", "UPDATE big SET v = repeat('y', 9000)", "1 update big"),
    Case("update beside a value stored aside", "UPDATE big SET n = 2", "1 update big"),
    Case("update of the key", "UPDATE ops SET id = 5", "1 update ops"),
    Case("delete", "DELETE FROM ops", "1 delete ops"),
    Case("delete of a table without a key", "DELETE FROM audit WHERE v < 3", "2 delete audit"),
    Case("insert and delete", _in_turn("INSERT INTO ops VALUES (2, 'x')", "DELETE FROM ops WHERE id = 2"),
         "1 delete ops, 1 insert ops", c=NOTHING, why="a row that came and went left nothing to see"),
    Case("delete and insert of another row", _in_turn("DELETE FROM ops", "INSERT INTO ops VALUES (2, 'x')"),
         "1 delete ops, 1 insert ops", c="1 update ops", why="one row less and one more is told as an update"),
    Case("COPY", _copied, "3 insert ops"),
    Case("TRUNCATE", "TRUNCATE ops", "1 truncate (truncated)", b="1 truncate ops", c="1 truncate ops",
         why="the log tells tier A only with `wal_level=logical`, and not of which table"),
    Case("TRUNCATE of an empty table", "TRUNCATE side.ops", "1 truncate (truncated)", b="1 truncate side.ops",
         c=NOTHING, why="nothing is gone that could be missed"),
    Case("TRUNCATE and insert", "TRUNCATE ops; INSERT INTO ops VALUES (3, 'x'), (4, 'y')",
         "1 truncate (truncated), 2 insert ops", b="2 insert ops, 1 truncate ops", c="2 insert ops, 1 truncate ops",
         why="as of a truncate alone"),
    Case("rolled back", "BEGIN; INSERT INTO ops VALUES (2, 'x'); ROLLBACK", NOTHING),
    Case("rolled back by an error", "DO $$ BEGIN INSERT INTO audit VALUES (1); RAISE division_by_zero; "
         "EXCEPTION WHEN division_by_zero THEN NULL; END $$", NOTHING),
    Case("savepoint rolled back", "BEGIN; INSERT INTO audit VALUES (8); SAVEPOINT s; INSERT INTO audit VALUES (9); "
         "ROLLBACK TO s; COMMIT", "1 insert audit"),
    Case("savepoint released", "BEGIN; INSERT INTO audit VALUES (8); SAVEPOINT s; INSERT INTO audit VALUES (9); "
         "RELEASE s; COMMIT", "2 insert audit"),
    Case("a hundred subtransactions", _many_subtransactions, "100 insert audit"),
    Case("PREPARE TRANSACTION, committed", _prepared, "1 insert audit"),
    Case("PREPARE TRANSACTION, rolled back", _prepared_and_rolled_back, NOTHING),
    Case("commit that is not flushed (synchronous_commit = off)", _asynchronous, "1 insert audit"),
    Case("ON CONFLICT DO NOTHING", "INSERT INTO ops VALUES (1, 'x') ON CONFLICT DO NOTHING", NOTHING),
    Case("ON CONFLICT DO UPDATE", "INSERT INTO ops VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = excluded.v",
         "1 update ops"),
    Case("ON CONFLICT DO UPDATE … WHERE false",
         "INSERT INTO ops VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'x' WHERE ops.id = 7", NOTHING),
    Case("SELECT … FOR UPDATE", "SELECT * FROM ops FOR UPDATE", NOTHING),
    Case("SELECT", "SELECT * FROM ops", NOTHING),
    Case("nextval", "SELECT nextval('counter')", NOTHING),
    Case("temporary table", "CREATE TEMP TABLE t AS SELECT 1 AS x; INSERT INTO t VALUES (2); DROP TABLE t", NOTHING),
    Case("UNLOGGED table", "INSERT INTO fast VALUES (1)", NOTHING),
    Case("partition, by its parent", "INSERT INTO parted VALUES (2), (3), (12)",
         "1 insert parted_high, 2 insert parted_low"),
    Case("row moved to another partition", "UPDATE parted SET id = 11", "1 insert parted_high, 1 delete parted_low",
         why=""),
    Case("another schema", "INSERT INTO side.ops VALUES (1)", "1 insert side.ops"),
    Case("another database that counts", _second_database, "2 insert app_second:t"),
    Case("CREATE TABLE AS", "CREATE TABLE made AS SELECT generate_series(1, 4) AS id", "4 insert made"),
    Case("SELECT INTO", "SELECT * INTO made FROM ops", "1 insert made"),
    Case("table made and filled", _in_turn("CREATE TABLE made (id int)", "INSERT INTO made VALUES (1)"),
         "1 insert made"),
    Case("table filled, then dropped", _in_turn("CREATE TABLE made (id int)", "INSERT INTO made VALUES (1)",
         "DROP TABLE made"), "1 insert (a table that is gone)", b="1 insert made", c=NOTHING,
         why="a table that is gone has no rows to look at, and no name in the log"),
    Case("table filled and dropped in one transaction",
         "CREATE TABLE made (id int); INSERT INTO made VALUES (1); DROP TABLE made", NOTHING, b="1 insert made",
         why="the decoder tells what a transaction did, also what nobody else could ever see"),
    Case("CREATE TABLE, index and view", "CREATE TABLE made (id int PRIMARY KEY, v text); CREATE INDEX ON made (v); "
         "CREATE VIEW w AS SELECT * FROM made; DROP VIEW w", NOTHING),
    Case("ALTER TABLE without a rewrite", "ALTER TABLE audit ADD COLUMN w int; ALTER TABLE audit DROP COLUMN w",
         NOTHING),
    Case("ALTER TABLE that writes all rows anew", "ALTER TABLE audit ALTER v TYPE bigint; "
         "ALTER TABLE audit ALTER v TYPE int", NOTHING),
    Case("ALTER TABLE … SET LOGGED", "ALTER TABLE rare SET LOGGED; ALTER TABLE rare SET UNLOGGED", NOTHING),
    Case("grant, comment, role", "COMMENT ON TABLE ops IS 'x'; GRANT SELECT ON ops TO public", NOTHING),
    Case("VACUUM", "VACUUM audit", NOTHING),
    Case("VACUUM FULL", "VACUUM FULL audit", NOTHING),
    Case("CLUSTER", "CLUSTER ops USING ops_pkey", NOTHING),
    Case("ANALYZE", "ANALYZE", NOTHING),
    Case("REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW seen", NOTHING),
    Case("REFRESH MATERIALIZED VIEW CONCURRENTLY", _in_turn("ALTER TABLE ops DISABLE TRIGGER ALL",
         "REFRESH MATERIALIZED VIEW CONCURRENTLY seen"), NOTHING),
    Case("CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW short AS SELECT 1; DROP MATERIALIZED VIEW short",
         NOTHING),
    Case("ALTER TABLE that writes values aside anew", _in_turn("ALTER TABLE big ALTER n TYPE bigint; "
         "ALTER TABLE big ALTER n TYPE int", "ALTER TABLE big ALTER n TYPE bigint", "ALTER TABLE big ALTER n TYPE int"),
         NOTHING),
    Case("update, and a rewrite after it", _in_turn("UPDATE audit SET v = 5 WHERE v = 1",
         "ALTER TABLE audit ALTER v TYPE bigint", "ALTER TABLE audit ALTER v TYPE int"),
         "1 update audit", c=NOTHING, why="a rewrite gives all rows one new transaction"),
    Case("column with a default, added without a rewrite",
         "ALTER TABLE audit ADD COLUMN w int DEFAULT 3; ALTER TABLE audit DROP COLUMN w", NOTHING),
    Case("CREATE INDEX CONCURRENTLY", _in_turn("CREATE INDEX CONCURRENTLY brief ON audit (v)", "DROP INDEX brief"),
         NOTHING),
    Case("REINDEX", "REINDEX TABLE ops", NOTHING),
    Case("VACUUM FREEZE", "VACUUM (FREEZE) audit", NOTHING),
    Case("foreign key that deletes", _in_turn("CREATE TABLE made (id int REFERENCES ops ON DELETE CASCADE)",
         "INSERT INTO made VALUES (1)", "DELETE FROM ops"), "1 delete made, 1 insert made, 1 delete ops",
         c="1 delete ops", why="a row that came and went left nothing to see"),
    Case("trigger that writes elsewhere", _in_turn("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
         "'BEGIN INSERT INTO audit VALUES (1); RETURN NULL; END'",
         "CREATE TRIGGER note AFTER INSERT ON side.ops FOR EACH ROW EXECUTE FUNCTION note()",
         "INSERT INTO side.ops VALUES (1)", "DROP FUNCTION note() CASCADE"), "1 insert audit, 1 insert side.ops"),
    Case("names in quotes", _in_turn('CREATE TABLE made ("Größe; DROP" int)', 'ALTER TABLE made RENAME TO "ma""de"',
         'INSERT INTO "ma""de" VALUES (1)', 'ALTER TABLE "ma""de" RENAME TO made'), "1 insert made",
         b='1 insert ma"de', why="a table is named as it was called then"),
    Case("MERGE, or its like", "INSERT INTO ops VALUES (1, 'a'), (2, 'b') ON CONFLICT (id) DO UPDATE SET v = "
         "excluded.v", "1 insert ops, 1 update ops"),
    Case("generated column", _in_turn("CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
         "INSERT INTO made (a) VALUES (1)", "UPDATE made SET a = 2"), "1 insert made, 1 update made",
         c="1 insert made", why="of a row that changes twice, only the last version is there"),
    Case("inheritance", _in_turn("CREATE TABLE made () INHERITS (audit)", "INSERT INTO made VALUES (1)"),
         "1 insert made"),
    Case("large object", "SELECT lo_from_bytea(0, 'x')", NOTHING),
    Case("pg_switch_wal in between", _in_turn("INSERT INTO audit VALUES (7)", "SELECT pg_switch_wal()",
         "INSERT INTO audit VALUES (8)", "SELECT pg_switch_wal()"), "2 insert audit"),
    Case("checkpoint in between", _in_turn("INSERT INTO audit VALUES (7)", "CHECKPOINT", "UPDATE ops SET v = 'z'"),
         "1 insert audit, 1 update ops"),
    Case("insert and delete in one transaction", "BEGIN; INSERT INTO ops VALUES (2, 'x'); "
         "DELETE FROM ops WHERE id = 2; COMMIT", "1 delete ops, 1 insert ops", c=NOTHING,
         why="a row that came and went left nothing to see"),
    Case("database made and filled", _new_database, "1 insert app_new:t", b=NOTHING,
         why="a database is watched from the next phase on"),
    Case("database filled and dropped", _dropped_database,
         "1 insert (a database that is gone):(a table that is gone)", b=NOTHING, c=NOTHING,
         why="what is gone cannot be asked"),
)  # fmt: skip


def without_truncates(text: str) -> str:
    """Return what tier A says with `wal_level=replica`, which leaves truncates out of the log."""
    return ", ".join(part for part in text.split(", ") if not part.endswith("truncate (truncated)"))


def differences() -> list[str]:
    """Return the table of the documentation: what the tiers do not tell alike, with `wal_level=replica` for tier A."""
    rows = ["| what is done | tier A | tier B | tier C | why |", "|---|---|---|---|---|"]
    for case in CASES:
        said = [without_truncates(case.a), case.said("B"), case.said("C")]
        if len(set(said)) > 1:
            rows.append(f"| {' | '.join([case.name, *(text or '—' for text in said), case.why])} |")
    return rows
