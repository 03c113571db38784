"""What counts as a committed change, on a real PostgreSQL: the table of truth."""

import json
import socket

import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.model.persistence import PersistenceEvidence, Window
from truegreen.stages.common.recorder import Recorder
from truegreen.stages.common.wal import WalReader
from truegreen.stages.common.watch import of_service
from truegreen_pytest.recorder import Line


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wal")
    services = manager(folder / "project", folder, postgres=embedded())
    (handle,) = services.up(("postgres",))
    with psycopg.connect(handle.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE ops (id int PRIMARY KEY, v text)")
        connection.execute("CREATE TABLE audit (id int)")
        connection.execute("CREATE UNLOGGED TABLE fast (id int)")
    yield handle
    services.down()


@pytest.fixture(scope="module")
def reader(server):
    reader = WalReader(server)
    yield reader
    reader.close()


@pytest.fixture
def database(server):
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("TRUNCATE ops, audit, fast")
        connection.execute("INSERT INTO ops VALUES (1, 'first')")
        yield connection


def changes(listed):
    return {(change.object.removeprefix("public."), change.kind): change.count for change in listed}


def rolled_back(connection):
    connection.execute("BEGIN; INSERT INTO ops VALUES (2, 'x'); ROLLBACK")


def savepoint(connection, end):
    inserts = [f"INSERT INTO ops VALUES ({number}, 'x')" for number in (2, 3)]
    connection.execute("; ".join(("BEGIN", inserts[0], "SAVEPOINT s", inserts[1], f"{end} s", "COMMIT")))


def copied(connection):
    with connection.cursor().copy("COPY ops FROM STDIN") as copy:
        for number in range(3):
            copy.write_row((100 + number, "copied"))


def temporary(connection):
    connection.execute("CREATE TEMP TABLE t (id int); INSERT INTO t VALUES (1); DROP TABLE t")


def asynchronous(connection):
    connection.execute("SET synchronous_commit = off")
    connection.execute("INSERT INTO ops VALUES (2, 'x')")
    connection.execute("SET synchronous_commit = on")


def statement(sql):
    return lambda connection: connection.execute(sql)


@pytest.mark.parametrize(
    ("action", "committed", "lost"),
    [
        (statement("INSERT INTO ops VALUES (2, 'x')"), {("ops", "insert"): 1}, {}),
        (statement("UPDATE ops SET v = 'y'"), {("ops", "update"): 1}, {}),
        (statement("DELETE FROM ops"), {("ops", "delete"): 1}, {}),
        (statement("INSERT INTO audit SELECT generate_series(1, 500)"), {("audit", "insert"): 500}, {}),
        (statement("INSERT INTO ops VALUES (1, 'x') ON CONFLICT DO NOTHING"), {}, {}),
        (statement("SELECT * FROM ops FOR UPDATE"), {}, {}),
        (statement("SELECT 1"), {}, {}),
        (statement("INSERT INTO fast VALUES (1)"), {}, {}),
        (statement("CREATE TABLE made (id int PRIMARY KEY); DROP TABLE made"), {}, {}),
        (temporary, {}, {}),
        (copied, {("ops", "insert"): 3}, {}),
        (asynchronous, {("ops", "insert"): 1}, {}),
        (rolled_back, {}, {("ops", "insert"): 1}),
        (lambda c: savepoint(c, "ROLLBACK TO"), {("ops", "insert"): 1}, {("ops", "insert"): 1}),
        (lambda c: savepoint(c, "RELEASE"), {("ops", "insert"): 2}, {}),
    ],
    ids=[
        "insert", "update", "delete", "many", "upsert-nothing", "select-for-update", "select", "unlogged", "migration",
        "temporary", "copy", "asynchronous-commit", "rolled-back", "savepoint-rolled-back", "savepoint-released",
    ],
)  # fmt: skip
def test_window_counts_committed_rows_only(reader, database, action, committed, lost):
    start = reader.position()
    action(database)
    window = reader.between(start, reader.position())
    assert changes(window.committed) == committed
    assert changes(window.rolled_back) == lost


def test_transaction_left_open_is_not_committed(reader, server, database):
    start = reader.position()
    with psycopg.connect(server.url) as other:
        other.execute("INSERT INTO ops VALUES (2, 'x')")
        window = reader.between(start, reader.position())
        other.rollback()
    assert changes(window.committed) == {}
    assert changes(window.rolled_back) == {("ops", "insert"): 1}


def test_table_made_inside_the_window_is_named(reader, database):
    database.execute("DROP TABLE IF EXISTS fresh")
    start = reader.position()
    database.execute("CREATE TABLE fresh (id int)")
    database.execute("INSERT INTO fresh VALUES (1)")
    assert changes(reader.between(start, reader.position()).committed) == {("fresh", "insert"): 1}


SINCE = {
    "nothing": "SELECT 1",
    "insert": "INSERT INTO ops VALUES (2, 'x')",
    "rolled back": "BEGIN; INSERT INTO ops VALUES (2, 'x'); ROLLBACK",
    "not flushed": "SET synchronous_commit = off; INSERT INTO ops VALUES (2, 'x')",
    "many": "INSERT INTO ops SELECT n, 'x' FROM generate_series(2, 500) n",
}


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("case", SINCE)
def test_one_round_trip_says_what_two_say(reader, database, case, ahead):
    start = reader.position()
    database.execute(SINCE[case])
    if ahead:
        reader.ahead(start)
    end, tell = reader.since(start)
    window = tell()
    assert window == reader.between(start, end)
    assert bool(window.committed) == (case not in ("nothing", "rolled back"))
    assert reader.since(end)[1]() == Window()


@pytest.mark.parametrize("case", ["insert", "not flushed"])
def test_position_that_is_asked_for_ahead_lies_where_one_lies_that_is_not(reader, database, case):
    start = reader.position()
    database.execute(SINCE[case])
    reader.ahead(None)
    first = reader.position()
    assert changes(reader.between(start, first).committed) == {("ops", "insert"): 1}
    assert reader.between(first, reader.position()) == Window()


def test_log_that_cannot_be_read_any_more_is_no_silence(server):
    lost = WalReader(server)
    start = lost.position()
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (lost._connection.info.backend_pid,))
    with pytest.raises(psycopg.Error, match=r"terminating connection|closed"):
        lost.since(start)
    with pytest.raises(psycopg.Error):
        lost.position()
    with pytest.raises(psycopg.Error):
        lost.ahead(None)


def test_log_that_is_lost_after_it_was_asked_is_no_silence(server):
    lost = WalReader(server)
    start = lost.position()
    lost._connection.pgconn.send_query(b"SELECT pg_sleep(600)")  # the server was asked, and does not answer
    lost._log._ahead = True
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (lost._connection.info.backend_pid,))
    with pytest.raises(psycopg.Error, match=r"terminating connection|closed"):
        lost.since(start)


def test_place_that_the_log_never_reached_is_no_silence(reader):
    with pytest.raises(ConnectionError, match="not flushed"):
        reader.between("0/1000000", "FFFFFFFF/0")
    with pytest.raises(ConnectionError, match="began anew"):
        reader.between("FFFFFFFF/0", reader.position())
    with pytest.raises(ConnectionError, match="began anew"):
        reader.since("FFFFFFFF/0")


def tell(stream, sock, **event):
    sock.sendall(json.dumps(event).encode() + b"\n")
    assert json.loads(stream.readline())["ok"] is True


def record(server, folder, *, finish=True, garbage=b""):
    """Play one test of two phases to a recorder, as the plugin does."""
    store = of_service(server)
    recorder = Recorder((store,), folder)
    with recorder.listening() as address, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(address))
        stream = sock.makefile("rb")
        tell(stream, sock, event="start")
        with psycopg.connect(server.url, autocommit=True) as database:
            database.execute("INSERT INTO audit VALUES (1)")
            tell(stream, sock, event="mark", test="t", phase="setup", demands=[])
            database.execute("INSERT INTO audit VALUES (2)")
            demand = {"object": "audit", "kind": "insert", "at_least": 1, "reads": False, "patched": ["A.b"]}
            tell(stream, sock, event="mark", test="t", phase="call", demands=[demand])
            database.execute("INSERT INTO audit VALUES (3)")
        quiet = {"event": "mark", "test": "t", "phase": "teardown", "demands": [], "quiet": True}
        sock.sendall(json.dumps(quiet).encode() + b"\n")
        if garbage:
            sock.sendall(garbage + b"\n")
            stream.readline()
        if finish:
            tell(stream, sock, event="finish")
    return recorder, folder / store.file


def load(path):
    import msgspec

    return msgspec.json.decode(path.read_bytes(), type=PersistenceEvidence)


def test_recorder_tells_the_phases_apart(server, tmp_path):
    _, path = record(server, tmp_path)
    evidence = load(path)
    assert evidence.complete
    assert {phase.phase: changes(phase.committed) for phase in evidence.phases} == {
        "setup": {("audit", "insert"): 1},
        "call": {("audit", "insert"): 1},
        "teardown": {("audit", "insert"): 1},
    }
    assert evidence.demands[0].patched == ("A.b",)


def test_recorder_without_a_finish_is_incomplete(server, tmp_path):
    _, path = record(server, tmp_path, finish=False)
    assert not load(path).complete


def test_quiet_event_that_cannot_be_handled_has_no_answer_and_makes_the_evidence_incomplete(server, tmp_path):
    recorder = Recorder((of_service(server),), tmp_path)
    with recorder.listening() as address:
        line = Line(str(address))
        line.tell(event="start")
        line.note(event="mark", test="t")  # of no phase
        assert line.tell(event="sql", statement="SELECT 1", arguments=[])["error"]
        line.tell(event="finish")
    assert not load(tmp_path / "persistence-postgres.json").complete


def test_recorder_given_garbage_is_incomplete_and_says_why(server, tmp_path):
    recorder, path = record(server, tmp_path, garbage=b"{nonsense")
    assert not load(path).complete
    assert "could not be recorded" in recorder.notes[0]


def test_recorder_without_a_server_is_incomplete_and_says_why(server, tmp_path):
    import msgspec

    gone = msgspec.structs.replace(server, port=1)
    recorder = Recorder((of_service(gone),), tmp_path)
    with recorder.listening():
        pass
    assert not load(tmp_path / "persistence-postgres.json").complete
    assert "could not be recorded" in recorder.notes[0]


def test_table_that_had_another_name_for_a_while_has_its_own_again(reader, database):
    def seen(statement):
        start = reader.position()
        database.execute(statement)
        return changes(reader.between(start, reader.position()).committed)

    insert = "INSERT INTO {} VALUES (7)"
    assert seen(f"ALTER TABLE audit RENAME TO aside; {insert.format('aside')}") == {("aside", "insert"): 1}
    assert seen("ALTER TABLE aside RENAME TO audit") == {}
    assert seen(insert.format("audit")) == {("audit", "insert"): 1}
