"""Which tier a server and its user get, what it leaves behind, and what makes it blind instead of empty."""

import time

import psycopg
import pytest
from tests.support.postgres_choice import best, committed, logical, made, plain
from tests.support.postgres_servers import Server

from truegreen.errors import ServiceNotReady
from truegreen.stages.common import postgres_tiers
from truegreen.stages.common.logical import LogicalReader
from truegreen.stages.common.rowscan import RowScan
from truegreen.stages.common.wal import WalReader
from truegreen.stages.observers.postgres import PostgresObserver

__all__ = ["best", "logical", "plain"]  # fixtures
pytestmark = pytest.mark.slow


def test_superuser_of_a_new_version_gets_tier_a(plain, best):
    assert best(plain.handle()).tier.startswith("A: row changes of committed transactions")


def test_superuser_without_the_extension_gets_tier_b_and_the_reason(logical, best):
    tier = best(logical.handle()).tier
    assert tier.startswith("B: ")
    assert "(not A: PostgreSQL 14 has no pg_walinspect, which came with 15)" in tier


def test_log_that_lacks_rows_is_refused_and_the_next_tier_sees_them(tmp_path, best):
    server = Server(tmp_path, 18, wal_level="minimal", max_wal_senders="0")
    try:
        with server.connect("postgres") as connection:
            connection.execute("CREATE DATABASE app")
        observer = best(server.handle())
        assert observer.tier.startswith("C: ")
        assert "not A: with wal_level=minimal the log lacks rows" in observer.tier
        with server.connect() as connection:

            def fill():
                with connection.transaction():
                    connection.execute("CREATE TABLE made (id int)")
                    connection.execute("INSERT INTO made SELECT generate_series(1, 10)")

            assert committed(observer, fill) == {("public.made", "insert"): 10}
        observer.close()
    finally:
        server.close()


@pytest.mark.parametrize("reader", [WalReader, LogicalReader, RowScan])
def test_tables_of_a_database_without_an_encoding_are_known_by_their_names(reader, tmp_path):
    server = Server(tmp_path, 18, wal_level="logical")
    try:
        with server.connect("postgres") as connection:
            connection.execute("CREATE DATABASE app ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
        name = rb"gr\xf6\xdfe" if reader is WalReader else b"sizes"  # the others refuse what is no text
        with server.connect() as connection:
            connection.execute(b'CREATE TABLE "%b" (id int)' % name.decode("unicode_escape").encode("latin-1"))
            observer = reader(server.handle(), ("app",))
            rows = b'INSERT INTO "%b" VALUES (1)' % name.decode("unicode_escape").encode("latin-1")
            found = committed(observer, lambda: connection.execute(rows))
        assert found == {(f"public.{name.decode()}", "insert"): 1}
        observer.close()
    finally:
        server.close()


@pytest.fixture
def untouched(plain):
    """The server without what tier A leaves where it is ours."""
    with plain.connect("postgres") as connection:
        connection.execute("DROP DATABASE IF EXISTS truegreen_recorder WITH (FORCE)")
    return plain


def test_owner_who_is_no_superuser_gets_tier_c_and_both_reasons(untouched, best):
    observer = best(untouched.handle(user="owner", provider="attach"))
    assert observer.tier.startswith("C: ")
    assert "not A: permission denied to create extension" in observer.tier
    assert "not B: wal_level is replica" in observer.tier
    with untouched.connect(user="owner") as connection:
        found = committed(observer, lambda: connection.execute("INSERT INTO audit VALUES (1)"))
    assert found == {("public.audit", "insert"): 1}


def test_refused_tiers_leave_nothing_on_a_server_of_somebody_else(untouched, best):
    best(untouched.handle(user="owner", provider="attach"))
    with untouched.connect("postgres") as connection:
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()}
    assert names == {"postgres", "app", "template0", "template1"}


def test_tables_that_may_not_be_read_are_named(plain, best):
    observer = best(plain.handle(user="stranger", provider="attach"))
    assert "not seen, for want of rights: app.public.secret" in observer.tier


def test_user_who_may_not_connect_is_told_so(plain):
    with plain.connect("postgres") as connection:
        connection.execute("REVOKE CONNECT ON DATABASE app FROM public")
        try:
            with pytest.raises(ServiceNotReady) as caught:
                PostgresObserver(plain.handle(user="nobody"), ("app",))
        finally:
            connection.execute("GRANT CONNECT ON DATABASE app TO public")
    assert caught.value.what == "PostgreSQL cannot be reached"
    assert "permission denied for database" in caught.value.why


def test_server_without_any_tier_says_why_of_each(plain):
    with pytest.raises(ServiceNotReady) as caught:
        postgres_tiers.best(plain.handle(user="stranger"), ("nothing_*",))
    assert caught.value.what == "nothing can tell what is committed in PostgreSQL"
    assert [part.partition(":")[0] for part in caught.value.why.split("; ")] == ["not A", "not B", "not C"]
    assert "none of the databases that count may be read" in caught.value.why
    assert "wal_level=logical" in caught.value.fix


def identities(server, database="app"):
    with server.connect(database) as connection:
        query = "SELECT relname, relreplident FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384 ORDER BY 1"
        return connection.execute(query).fetchall()


def slots(server):
    with server.connect("postgres") as connection:
        return connection.execute("SELECT slot_name, temporary FROM pg_replication_slots").fetchall()


def test_reader_who_may_not_use_the_extension_is_told_so(plain, best):
    best(plain.handle())
    tier = best(plain.handle(user="owner")).tier
    assert "not A: the user may not read the log, being neither superuser nor of pg_read_server_files" in tier


def test_tier_b_leaves_a_server_of_somebody_else_as_it_was(logical):
    LogicalReader(logical.handle(provider="attach"), ("app",)).close()
    with logical.connect() as connection:
        connection.execute("CREATE TABLE silent (v int); ALTER TABLE silent REPLICA IDENTITY NOTHING")
        before = identities(logical)
        reader = LogicalReader(logical.handle(provider="attach"), ("app",))
        connection.execute("UPDATE silent SET v = 1")
        connection.execute("CREATE TABLE later (v int); INSERT INTO later VALUES (1); UPDATE later SET v = 2")
        assert [temporary for _, temporary in slots(logical)] == [True]
        reader.close()
        connection.execute("UPDATE later SET v = 3; DELETE FROM later; DROP TABLE later")
        assert identities(logical) == before
        for query in ("SELECT 1 FROM pg_publication", "SELECT 1 FROM pg_event_trigger",
                      "SELECT 1 FROM pg_namespace WHERE nspname = 'truegreen_recorder'"):  # fmt: skip
            assert connection.execute(query).fetchone() is None
        connection.execute("DROP TABLE silent")
    assert slots(logical) == []


def test_tier_b_lets_its_databases_be_copied_and_dropped(logical, best):
    observer = best(logical.handle())
    with logical.connect("postgres") as connection:
        connection.execute("CREATE DATABASE app_copy TEMPLATE app")
        observer.position()
        with logical.connect("app_copy") as other:
            found = committed(observer, lambda: other.execute("INSERT INTO audit VALUES (1), (2)"))
        assert found == {("public.audit", "insert"): 2}
        connection.execute("DROP DATABASE app_copy")
    with logical.connect() as connection:
        found = committed(observer, lambda: connection.execute("INSERT INTO audit VALUES (1)"))
    assert found == {("public.audit", "insert"): 1}


def test_tier_b_keeps_tables_without_a_key_writable(logical, best):
    best(logical.handle())
    with logical.connect(user="owner") as connection:
        connection.execute("CREATE TABLE bare (id int PRIMARY KEY)")
        connection.execute("ALTER TABLE bare DROP CONSTRAINT bare_pkey")
        connection.execute("INSERT INTO bare VALUES (1); UPDATE bare SET id = 2; DELETE FROM bare; DROP TABLE bare")


@pytest.mark.parametrize("there", [True, False], ids=["before", "made-later"])
def test_virtual_columns_without_a_key_stay_writable_and_are_no_matter_of_tier_b(there):
    """Version 18 is the first that has them."""
    server = made("virtual", 18, wal_level="logical")
    table = "CREATE TABLE virt (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)"
    try:
        with server.connect() as connection:
            connection.execute(table if there else "SELECT 1")
            if there:
                with pytest.raises(ServiceNotReady) as caught:
                    LogicalReader(server.handle(), ("app",))
                assert "a table without a key has a virtual generated column, in database app" in caught.value.why
            else:
                reader = LogicalReader(server.handle(), ("app",))
                start = reader.position()
                connection.execute(table)
                with pytest.raises(ServiceNotReady, match="no longer published"):
                    reader.between(start, reader.position())
                reader.close()
            connection.execute("INSERT INTO virt VALUES (1); UPDATE virt SET a = 2; DELETE FROM virt")
    finally:
        server.close()


def test_tier_b_with_a_transaction_that_stays_open_gives_way_to_tier_c(logical, best):
    with logical.connect() as connection:
        connection.execute("BEGIN; INSERT INTO audit VALUES (77)")
        observer = best(logical.handle())
        connection.execute("ROLLBACK")
    assert observer.tier.startswith("C: ")
    assert "not B: a transaction that was open did not end within 3s, in database app" in observer.tier
    assert slots(logical) == []


def test_database_that_cannot_be_followed_once_it_is_made_is_blind_with_the_reason(logical, best):
    observer = best(logical.handle())
    with logical.connect() as holder, logical.connect("postgres") as connection:
        connection.execute("CREATE DATABASE app_stuck")
        holder.execute("BEGIN; INSERT INTO audit VALUES (78)")
        with pytest.raises(ServiceNotReady) as caught:
            observer.position()
        holder.execute("ROLLBACK")
        connection.execute("DROP DATABASE app_stuck")
    assert caught.value.what.startswith("the changes of database app_stuck cannot be followed: a transaction that was")


def test_second_recorder_of_one_server_does_not_disturb_the_first(logical, best):
    first, second = best(logical.handle()), best(logical.handle())
    assert (first.tier[0], second.tier[0]) == ("B", "C")
    assert "another recorder is at work on the server" in second.tier


def test_slot_that_a_killed_run_left_is_given_up(logical, best):
    with logical.connect() as connection:
        connection.execute("SELECT pg_create_logical_replication_slot('truegreen_1_1', 'pgoutput')")
    best(logical.handle())
    assert "truegreen_1_1" not in [name for name, _ in slots(logical)]


def test_tier_b_reads_no_window_twice(logical, best):
    observer = best(logical.handle())
    start = observer.position()
    with logical.connect() as connection:
        connection.execute("INSERT INTO audit VALUES (1)")
    end = observer.position()
    observer.between(start, end)
    with pytest.raises(ServiceNotReady, match="read already"):
        observer.between(start, end)


def test_tier_b_whose_slot_was_dropped_is_blind(logical, best):
    observer = best(logical.handle())
    start = observer.position()
    with logical.connect() as connection:
        connection.execute("INSERT INTO audit VALUES (1)")
        connection.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    with pytest.raises(psycopg.errors.UndefinedObject):
        observer.between(start, observer.position())


def test_tier_c_with_a_locked_table_is_blind(plain, best):
    observer = best(plain.handle(user="owner"))
    observer.position()
    with plain.connect(user="owner") as holder, plain.connect(user="owner") as connection:
        connection.execute("INSERT INTO audit VALUES (1)")
        holder.execute("BEGIN; LOCK TABLE ops")
        with pytest.raises(ServiceNotReady, match="locked by a transaction that is still open"):
            observer.position()
        holder.execute("ROLLBACK")


def test_user_who_may_connect_to_one_database_alone_gets_tier_c(plain, best):
    with plain.connect("postgres") as connection:
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM public")
        try:
            observer = best(plain.handle(user="owner"))
        finally:
            connection.execute("GRANT CONNECT ON DATABASE postgres TO public")
    assert observer.tier.startswith("C: ")
    assert "not A: connection failed" in observer.tier
    with plain.connect(user="owner") as connection:
        found = committed(observer, lambda: connection.execute("DELETE FROM audit; INSERT INTO audit VALUES (1)"))
    assert ("public.audit", "insert") in found or ("public.audit", "update") in found


def test_tier_c_that_cannot_look_even_once_says_why(plain):
    with plain.connect(user="owner") as holder:
        holder.execute("BEGIN; LOCK TABLE ops")
        with pytest.raises(ServiceNotReady) as caught:
            RowScan(plain.handle(user="owner"), ("app",))
    assert "a table is locked" in caught.value.why


def test_tier_b_does_not_wait_for_a_lock_at_its_end(logical):
    reader = LogicalReader(logical.handle(provider="attach"), ("app",))
    with logical.connect() as holder:
        holder.execute("BEGIN; LOCK TABLE audit")
        begun = time.monotonic()
        reader.close()
        assert time.monotonic() - begun < 20
        holder.execute("ROLLBACK")
        assert holder.execute("SELECT 1 FROM pg_publication").fetchone() is None
        holder.execute("INSERT INTO audit VALUES (1); UPDATE audit SET v = 2")
    LogicalReader(logical.handle(provider="attach"), ("app",)).close()
    assert ("audit", "d") in identities(logical)


def test_tier_c_leaves_out_rows_that_policies_hide(plain, best):
    with plain.connect(user="owner") as connection:
        connection.execute("CREATE TABLE hidden (v int); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
        connection.execute("GRANT SELECT ON hidden TO stranger")
        try:
            assert "app.public.hidden" in best(plain.handle(user="stranger")).tier
        finally:
            connection.execute("DROP TABLE hidden")


AUDIT, OPS = ("public.audit", "insert"), ("public.ops", "insert")
TIERS = {"A": WalReader, "B": LogicalReader, "C": RowScan}


def counted(changes):
    return {(one.object, one.kind): one.count for one in changes}


def phases(observer, connection, *statements):
    """Return what each statement committed, and what it committed that was written before it."""
    found = []
    start = observer.position()
    for statement in statements:
        connection.execute(statement)
        end = observer.position()
        window = observer.between(start, end)
        found.append(tuple(counted(changes) for changes in (window.committed, window.written_before)))
        start = end
    return found


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("begun", "done", "told"),
    [
        ("BEGIN; INSERT INTO audit VALUES (1)", "COMMIT", ({}, {AUDIT: 1})),
        ("BEGIN; INSERT INTO audit VALUES (1); UPDATE audit SET v = 2 WHERE v = 1", "COMMIT", None),
        ("BEGIN; SAVEPOINT s; INSERT INTO audit VALUES (1)", "COMMIT", ({}, {AUDIT: 1})),
        ("BEGIN; INSERT INTO audit VALUES (1); PREPARE TRANSACTION 'p'", "COMMIT PREPARED 'p'", ({}, {AUDIT: 1})),
        ("BEGIN; SAVEPOINT s", "INSERT INTO audit VALUES (1); RELEASE s; COMMIT", ({AUDIT: 1}, {})),
        ("BEGIN; SELECT * FROM audit", "INSERT INTO audit VALUES (1), (2); COMMIT", ({AUDIT: 2}, {})),
        ("BEGIN; INSERT INTO audit VALUES (1)", "INSERT INTO ops VALUES (77, ''); COMMIT", ({OPS: 1}, {AUDIT: 1})),
        ("BEGIN; INSERT INTO audit VALUES (1)", "ROLLBACK", ({}, {})),
    ],
)
def test_each_tier_counts_rows_where_they_were_written_and_committed(tier, begun, done, told, logical, plain):
    server = logical if tier == "B" else plain
    with server.connect() as connection:
        connection.execute("DELETE FROM ops WHERE id = 77; DELETE FROM audit")
        observer = TIERS[tier](server.handle(), ("app",))
        found = phases(observer, connection, begun, done, "SELECT 1")
        observer.close()
    if tier == "C" and "ops" in done:  # nothing says which rows of the transaction are younger
        told = ({}, {AUDIT: 1, OPS: 1})
    if told is None:
        assert found[1][0] == {} != found[1][1]
    else:
        assert found == [({}, {}), told, ({}, {})]


@pytest.mark.parametrize("tier", ["A", "B"])
@pytest.mark.parametrize(
    ("own", "between", "end", "told"),
    [
        ("INSERT INTO audit VALUES (1)", "SELECT 1", "COMMIT", ({AUDIT: 1}, {})),
        ("SELECT 1", "INSERT INTO audit VALUES (1)", "COMMIT", ({}, {AUDIT: 1})),
        ("INSERT INTO audit VALUES (1)", "INSERT INTO ops VALUES (77, '')", "COMMIT", ({AUDIT: 1}, {OPS: 1})),
        (
            "SAVEPOINT s; INSERT INTO audit VALUES (1)",
            "INSERT INTO audit VALUES (1), (2)",
            "INSERT INTO ops VALUES (77, ''); RELEASE s; COMMIT",
            ({AUDIT: 1, OPS: 1}, {AUDIT: 2}),
        ),
        ("INSERT INTO audit VALUES (1)", "INSERT INTO ops VALUES (77, '')", "ROLLBACK", ({}, {})),
        ("INSERT INTO audit VALUES (1)", "COMMIT", "SELECT 1", ({}, {})),
    ],
)
def test_window_that_goes_on_has_what_its_earlier_parts_wrote(tier, own, between, end, told, logical, plain):
    server = logical if tier == "B" else plain
    with server.connect() as connection:
        connection.execute("DELETE FROM ops WHERE id = 77; DELETE FROM audit")
        observer = TIERS[tier](server.handle(), ("app",))
        phases(observer, connection, "BEGIN")
        places = [observer.position()]
        for statement in (own, between):
            connection.execute(statement)
            places.append(observer.position())
            observer.resume([])
            observer.between(*places[-2:])
        connection.execute(end)
        observer.resume([tuple(places[:2])])
        window = observer.between(places[2], observer.position())
        observer.close()
    assert (counted(window.committed), counted(window.written_before)) == told
