"""What a test asks about its services, over a real line, of real servers: read only, typed, limited."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import signal
import socket
import threading
import uuid
from decimal import Decimal

import msgspec
import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.stages.common.probe import Probe as Answers
from truegreen.stages.common.questions import connected
from truegreen.stages.common.recorder import Recorder
from truegreen_pytest.probe import Probe, ProbeError, ask
from truegreen_pytest.recorder import Line
from truegreen_pytest.waiting import Unavailable

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    made = manager(folder / "project", folder, postgres=embedded(), redis=embedded(database="3"), nats=embedded())
    yield made.up(("postgres", "redis", "nats"))
    made.down()


@pytest.fixture
def line(services, tmp_path):
    with Recorder((), tmp_path, probe=Answers(services, keep=("lookup*", "KEPT*"))).listening() as address:
        yield Line(str(address))


@pytest.fixture
def probe(line):
    return Probe(line)


@pytest.fixture
def database(services):
    with psycopg.connect(services[0].url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS other CASCADE")
        yield connection


@pytest.fixture
def ops(database):
    database.execute("CREATE TABLE ops (id serial, account text, amount numeric)")
    database.execute("INSERT INTO ops (account, amount) VALUES ('a', 1.50), ('b', 2), (NULL, 3)")
    return database


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def test_rows_come_as_dictionaries_in_their_order(probe, ops):
    found = probe.rows("SELECT id, account FROM ops WHERE id < $1 ORDER BY id", [3])
    assert found == [{"id": 1, "account": "a"}, {"id": 2, "account": "b"}]
    assert probe.rows("SELECT id FROM ops WHERE false") == []
    assert probe.one("SELECT id FROM ops WHERE account = $1", ("b",)) == {"id": 2}
    assert probe.value("SELECT sum(amount) FROM ops") == Decimal("6.50")


VALUES = {
    "NULL::int": None,
    "true": True,
    "9007199254740993::bigint": 9007199254740993,
    "1.5::float8": 1.5,
    "'-Infinity'::float8": float("-inf"),
    "1.10::numeric": Decimal("1.10"),
    "'ünï'": "ünï",
    "'\\x00ff'::bytea": b"\x00\xff",
    "'2030-01-31'::date": dt.date(2030, 1, 31),
    "'12:30:00.5'::time": dt.time(12, 30, 0, 500000),
    "'2030-01-31 12:00+00'::timestamptz": dt.datetime(2030, 1, 31, 12, tzinfo=dt.UTC),
    "'2030-01-31 12:00'::timestamp": dt.datetime(2030, 1, 31, 12),  # noqa: DTZ001 - that is what it is
    "'1 day 2 seconds'::interval": dt.timedelta(days=1, seconds=2),
    "'8a6e0804-2bd0-4672-b79d-d97027f9071a'::uuid": uuid.UUID("8a6e0804-2bd0-4672-b79d-d97027f9071a"),
    '\'{"t": "uuid", "v": [1, null]}\'::jsonb': {"t": "uuid", "v": [1, None]},
    "'[{\"a\": 1.5}]'::json": [{"a": 1.5}],
    "ARRAY[1, NULL, 3]": [1, None, 3],
    "ARRAY['8a6e0804-2bd0-4672-b79d-d97027f9071a'::uuid]": [uuid.UUID("8a6e0804-2bd0-4672-b79d-d97027f9071a")],
    "'10.0.0.1'::inet": "10.0.0.1",
    "int4range(1, 5)": "[1, 5)",
}


@pytest.mark.parametrize("expression", VALUES)
def test_values_keep_their_types(probe, database, expression):
    found = probe.value(f"SELECT {expression}")
    assert (found, type(found)) == (VALUES[expression], type(VALUES[expression]))


class Colour(enum.Enum):
    RED = "red"


ARGUMENTS = {
    "int": 7,
    "text": "it's; DROP TABLE ops --",
    "bool": True,
    "numeric": Decimal("1.10"),
    "uuid": uuid.uuid4(),
    "timestamptz": dt.datetime(2030, 1, 31, 12, tzinfo=dt.UTC),
    "bytea": b"\x00\xff'",
    "jsonb": {"a": ["'", 1]},
    "interval": dt.timedelta(days=-1, seconds=5),
    "float8": 0.1,
    "text[]": ["a", 'b"'],
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_arguments_reach_the_server_as_they_are(probe, database, kind):
    assert probe.value(f"SELECT $1::{kind} AS v", [ARGUMENTS[kind]]) == ARGUMENTS[kind]


def test_argument_that_is_none_or_a_member_of_an_enumeration(probe, database):
    assert probe.value("SELECT $1::text IS NULL", [None]) is True
    assert probe.value("SELECT $1::text", [Colour.RED]) == "red"


def test_count_compares_columns(probe, ops):
    ops.execute('CREATE SCHEMA other; CREATE TABLE other."Odd ""name" ("or 1=1" int)')
    assert probe.count("ops") == 3
    assert probe.count("public.ops", account="a", amount=Decimal("1.5")) == 1
    assert probe.count("ops", account=None) == 1
    assert probe.count("ops", account=["a", "b", "z"]) == 2
    assert probe.count('other.Odd "name', **{"or 1=1": 1}) == 0
    with pytest.raises(ProbeError, match="does not exist"):
        probe.count("ops", **{'id" = 1 OR "id': 1})


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ops VALUES (9)",
        "WITH made AS (INSERT INTO ops VALUES (9) RETURNING id) SELECT id FROM made",
        "TRUNCATE ops",
        "SELECT 1; INSERT INTO ops VALUES (9)",
        "COMMIT; INSERT INTO ops VALUES (9)",
        "DO $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO ops VALUES (9); END $$",
        "DO $$ BEGIN COMMIT; INSERT INTO ops VALUES (9); END $$",
        "SELECT nextval('ops_id_seq')",
        "CREATE TABLE more (id int)",
        "COPY ops FROM PROGRAM 'echo 9'",
        "EXPLAIN ANALYZE INSERT INTO ops VALUES (9)",
        "SELECT lo_create(0)",
    ],
)
def test_statement_that_writes_is_refused_by_the_server(probe, ops, statement):
    with pytest.raises(ProbeError):
        probe.rows(statement)
    assert ops.execute("SELECT count(*), max(id) FROM ops").fetchone() == (3, 3)


@pytest.mark.parametrize("first", ["COMMIT", "ROLLBACK", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"])
def test_statement_that_opens_the_way_opens_it_for_nobody_else(probe, ops, first):
    with contextlib.suppress(ProbeError):
        probe.rows(first)
    with pytest.raises(ProbeError, match="read-only transaction"):
        probe.rows("INSERT INTO ops VALUES (9)")


def test_rows_that_are_not_committed_are_not_seen(probe, services, ops):
    with psycopg.connect(services[0].url) as other:
        other.execute("DELETE FROM ops")
        assert probe.count("ops") == 3


def test_answer_without_end_is_cut_and_one_that_takes_too_long_is_ended(probe, database, monkeypatch):
    with pytest.raises(ProbeError, match="more than 10,000 rows"):
        probe.rows("SELECT generate_series(1, 1000000000)")
    with pytest.raises(ProbeError, match="MiB"):
        probe.rows("SELECT repeat('x', 3000000) FROM generate_series(1, 4)")
    monkeypatch.setattr("truegreen.stages.common.questions._BEGIN", "BEGIN READ ONLY; SET LOCAL statement_timeout = 50")
    with pytest.raises(ProbeError, match="timeout"):
        probe.rows("SELECT pg_sleep(60)")


@pytest.mark.parametrize(
    ("statement", "arguments", "word"),
    [
        ("SELEC 1", (), "syntax error"),
        ("SELECT 1 AS a, 2 AS a", (), "give one another name"),
        ("SELECT $1::int", ["x"], "invalid input syntax"),
        ("SELECT 1 WHERE 1 = %s", [5], r"parameters are \$1, \$2"),
        ("SELECT $1::text", ["\0"], "NUL"),
        ("", (), "EMPTY_QUERY"),
    ],
)
def test_question_that_is_wrong_is_told_why(probe, database, statement, arguments, word):
    with pytest.raises(ProbeError, match=word):
        probe.rows(statement, arguments)
    assert probe.value("SELECT 1") == 1


def test_one_row_and_one_value_are_exactly_one(probe, ops):
    with pytest.raises(AssertionError, match="3 rows instead of one") as caught:
        probe.one("SELECT id FROM ops")
    assert "{'id': 2}" in str(caught.value)
    with pytest.raises(AssertionError, match="0 rows"):
        probe.value("SELECT id FROM ops WHERE false")
    with pytest.raises(AssertionError, match="2 columns"):
        probe.value("SELECT 1 AS a, 2 AS b")
    with pytest.raises(TypeError, match="a list or a tuple"):
        probe.rows("SELECT $1::text", "abc")


def test_database_that_was_asked_can_be_dropped(probe, database):
    database.execute("CREATE DATABASE aside")
    assert probe.at(database="aside").value("SELECT current_database()") == "aside"
    database.execute("DROP DATABASE aside")
    with pytest.raises(ProbeError, match="aside"):
        probe.at(database="aside").rows("SELECT 1")


def test_questions_from_several_threads_get_their_own_answers(probe, database):
    found = {}
    asks = [
        threading.Thread(target=lambda n=n: found.update({n: probe.value("SELECT $1::int", [n])})) for n in range(8)
    ]
    for one in asks:
        one.start()
    for one in asks:
        one.join()
    assert found == {n: n for n in range(8)}


# --- Redis -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wire(services):
    """A way to write to Redis, as the application does."""
    with connected(services[1]) as wire:
        wire.ask("FLUSHALL")
        yield wire


def test_redis_is_asked_in_the_database_of_the_service(probe, wire):
    wire.ask("SET", "key with space\r\n", "välue")
    wire.ask("HSET", "h", "a", "1", "b", "2")
    wire.ask("RPUSH", "l", "x", "y")
    assert probe.redis("GET", "key with space\r\n") == "välue"
    assert probe.redis("get", "nothing") is None
    assert probe.redis("HGETALL", "h") == ["a", "1", "b", "2"]
    assert probe.redis("LRANGE", "l", 0, -1) == ["x", "y"]
    assert probe.redis("LLEN", "l") == 2
    assert probe.redis("TYPE", "l") == "list"
    assert probe.redis("DBSIZE") == 3
    assert probe.redis("OBJECT", "ENCODING", "h")


def test_redis_value_that_is_no_text_comes_with_its_bytes_escaped(probe, wire):
    wire.send(b"*3\r\n$3\r\nSET\r\n$1\r\n\xff\r\n$1\r\nv\r\n")
    assert wire.reply() == "OK"
    assert probe.redis(b"KEYS", "*") == ["\\xff"]


@pytest.mark.parametrize(
    "words",
    [
        ("SET", "k", "v"),
        ("DEL", "k"),
        ("FLUSHALL",),
        ("EVAL", "return redis.call('SET', 'k', 'v')", "0"),
        ("SORT", "k", "STORE", "x"),
        ("GETSET", "k", "v"),
        ("GETEX", "k", "EX", "1"),
        ("PFCOUNT", "p"),
        ("CONFIG", "SET", "save", ""),
        ("MULTI",),
        ("SUBSCRIBE", "x"),
        ("SHUTDOWN",),
        ("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"),
        ("NOSUCH",),
        (),
    ],
)
def test_redis_command_that_does_more_than_read_is_refused(probe, wire, words):
    wire.ask("SET", "k", "1")
    wire.ask("PFADD", "p", "1", "2")
    before = wire.ask("INFO", "persistence")
    with pytest.raises(ProbeError):
        probe.redis(*words)
    dirty = [line for line in before.splitlines() if line.startswith("rdb_changes")]
    after = wire.ask("INFO", "persistence")
    assert [line for line in after.splitlines() if line.startswith("rdb_changes")] == dirty


def test_redis_that_refuses_is_told_why(probe, wire):
    wire.ask("RPUSH", "l", "x")
    with pytest.raises(ProbeError, match="WRONGTYPE"):
        probe.redis("GET", "l")


# --- who is asked ----------------------------------------------------------------------------------------------------


def test_service_that_the_stage_has_not_is_told_with_those_it_has(services, tmp_path):
    recorder = Recorder((), tmp_path, probe=Answers(services[1:]))
    refused = pytest.raises(ProbeError, match=r"no service postgres \(it has: redis, nats\)")
    with recorder.listening() as address, refused:
        Probe(Line(str(address))).rows("SELECT 1")


def test_service_is_named_where_there_are_several(services, tmp_path):
    twice = (*services, msgspec.structs.replace(services[0], name="archive", database="postgres"))
    with Recorder((), tmp_path, probe=Answers(twice)).listening() as address:
        probe = Probe(Line(str(address)))
        with pytest.raises(ProbeError, match="several: say which, service = one of postgres, archive"):
            probe.rows("SELECT 1")
        assert probe.at(service="archive").value("SELECT current_database()") == "postgres"


def test_probe_without_a_recorder_says_how_to_run_the_test():
    with pytest.raises(Unavailable, match="truegreen run persistence"):
        Probe(None).rows("SELECT 1")


def test_recorder_that_is_gone_is_told(tmp_path):
    with pytest.raises(ProbeError, match="could not be reached"):
        Probe(Line(str(tmp_path / "nobody"))).rows("SELECT 1")


class Late(Exception):
    """What a time limit raises from its signal's handler."""


@contextlib.contextmanager
def interrupted(after_s, error=Late):
    def late(*_):
        raise error

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, after_s)
    try:
        with pytest.raises(error):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_question_that_was_interrupted_leaves_its_answer_to_nobody_else(probe, line, ops):
    for text, error in (("first", Late), ("second", TimeoutError)):  # a broken line is a TimeoutError, too
        with interrupted(0.2, error):
            probe.value(f"SELECT '{text}' FROM pg_sleep(1)")
    assert probe.count("ops", account="nobody") == 0
    assert line.tell(event="mark", test="t", phase="setup", demands=[])["ok"] is True
    assert probe.value("SELECT 7") == 7
    assert line.problem == ""


def test_message_that_nobody_knows_is_answered_and_the_line_goes_on(line):
    for broken in ({"statement": "SELECT 1"}, {"statement": 1, "arguments": 3}):
        with pytest.raises(ProbeError):
            ask(line, "sql", **broken)
    with pytest.raises(ProbeError, match="no service"):
        ask(line, "clean", kind="oracle")
    assert Probe(line).value("SELECT 1") == 1


def test_server_that_is_not_there_is_told(services, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = [msgspec.structs.replace(one, port=port) for one in services]
    with Recorder((), tmp_path, probe=Answers(away)).listening() as address:
        line = Line(str(address))
        with pytest.raises(ProbeError, match="refused"):
            Probe(line).rows("SELECT 1")
        with pytest.raises(ProbeError, match="redis does not answer"):
            Probe(line).redis("GET", "k")
        with pytest.raises(ProbeError, match="nats does not answer"):
            ask(line, "clean", kind="nats")
