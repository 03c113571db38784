"""Stores are emptied before a test, wholly, and only where that is allowed."""

from __future__ import annotations

import contextlib

import msgspec
import psycopg
import pytest
from tests.support.managers import embedded, manager

from truegreen.model.service import ServiceHandle
from truegreen.runtime.wire.nats import Nats
from truegreen.stages.common import emptying
from truegreen.stages.common.probe import Probe as Answers
from truegreen.stages.common.questions import Unanswerable, connected
from truegreen.stages.common.recorder import Recorder
from truegreen_pytest.probe import Probe, ProbeError, ask
from truegreen_pytest.recorder import Line

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    folder = tmp_path_factory.mktemp("emptying")
    made = manager(
        folder / "project",
        folder,
        postgres=embedded(),
        redis=embedded(database="3", password="it's"),
        nats=embedded(),
    )
    yield made.up(("postgres", "redis", "nats"))
    made.down()


@pytest.fixture
def line(services, tmp_path):
    with Recorder((), tmp_path, probe=Answers(services, keep=("lookup*", "KEPT*"))).listening() as address:
        yield Line(str(address))


@pytest.fixture
def database(services):
    with psycopg.connect(services[0].url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS other CASCADE")
        yield connection


def counts(database, *tables):
    return [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def test_tables_are_emptied_and_numbers_begin_anew(line, database):
    database.execute(
        """
        CREATE SCHEMA other;
        CREATE TABLE ops (id serial PRIMARY KEY);
        CREATE TABLE other."Odd ""name" (op int REFERENCES ops);
        CREATE TABLE parted (id int) PARTITION BY RANGE (id);
        CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
        CREATE UNLOGGED TABLE quick (id int);
        CREATE TABLE alembic_version (v text);
        CREATE TABLE lookup_states (v text);
        CREATE VIEW seen AS SELECT * FROM ops;
        INSERT INTO ops DEFAULT VALUES;
        INSERT INTO other."Odd ""name" VALUES (1);
        INSERT INTO parted VALUES (1);
        INSERT INTO quick VALUES (1);
        INSERT INTO alembic_version VALUES ('1');
        INSERT INTO lookup_states VALUES ('open');
        """
    )
    emptied = ask(line, "clean", kind="postgres")
    assert sorted(emptied) == ['other.Odd "name', "public.ops", "public.parted", "public.quick"]
    tables = ("ops", 'other."Odd ""name"', "parted", "quick", "alembic_version", "lookup_states")
    assert counts(database, *tables) == [0, 0, 0, 0, 1, 1]
    assert database.execute("INSERT INTO ops DEFAULT VALUES RETURNING id").fetchone() == (1,)


def test_tables_that_hold_nothing_are_left_alone_unless_they_refer_to_others(line, database):
    database.execute(
        """
        CREATE TABLE empty (id serial);
        CREATE TABLE numbered (id serial);
        CREATE TABLE same (id int GENERATED ALWAYS AS IDENTITY);
        CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node);
        CREATE TABLE leaf (node int REFERENCES node);
        CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9) PARTITION BY LIST (id);
        CREATE TABLE part_one PARTITION OF part FOR VALUES IN (1);
        CREATE TABLE refers (id int REFERENCES parted);
        CREATE TABLE older (id int);
        CREATE TABLE newer () INHERITS (older);
        """
    )
    assert ask(line, "clean", kind="postgres") == []
    database.execute("SELECT nextval('numbered_id_seq'); INSERT INTO same DEFAULT VALUES; DELETE FROM same")
    assert ask(line, "clean", kind="postgres") == ["public.numbered", "public.same"]
    assert database.execute("INSERT INTO same DEFAULT VALUES RETURNING id").fetchone() == (1,)
    database.execute("INSERT INTO node VALUES (1); INSERT INTO parted VALUES (1); INSERT INTO newer VALUES (1)")
    emptied = ["public.leaf", "public.newer", "public.node", "public.parted", "public.refers", "public.same"]
    assert ask(line, "clean", kind="postgres") == emptied
    tables = [name for (name,) in database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert counts(database, *tables) == [0] * len(tables)
    assert ask(line, "clean", kind="postgres") == []


def test_database_without_tables_is_nothing_to_do(line, database):
    assert ask(line, "clean", kind="postgres") == []


def test_tables_of_an_extension_stay(line, database):
    database.execute("CREATE TABLE member (v text); INSERT INTO member VALUES ('x'); CREATE EXTENSION hstore")
    database.execute("ALTER EXTENSION hstore ADD TABLE member")
    assert ask(line, "clean", kind="postgres") == []
    assert counts(database, "member") == [1]
    database.execute("DROP EXTENSION hstore")


def test_kept_table_that_refers_to_an_emptied_one_is_told_and_nothing_is_lost(line, database):
    database.execute("CREATE TABLE kind (id int PRIMARY KEY); CREATE TABLE lookup (kind int REFERENCES kind)")
    database.execute("INSERT INTO kind VALUES (1); INSERT INTO lookup VALUES (1)")
    with pytest.raises(ProbeError, match="a kept table refers to one that is emptied"):
        ask(line, "clean", kind="postgres")
    assert counts(database, "kind", "lookup") == [1, 1]


def test_table_that_an_open_transaction_holds_is_told(line, services, database, monkeypatch):
    monkeypatch.setattr(emptying, "_LIMITS", "SET lock_timeout = '100ms'")
    database.execute("CREATE TABLE ops (id int)")
    with psycopg.connect(services[0].url) as other:
        other.execute("INSERT INTO ops VALUES (1)")
        with pytest.raises(ProbeError, match="a transaction of an earlier test"):
            ask(line, "clean", kind="postgres")
        other.rollback()


def test_redis_database_is_emptied_and_no_other(line, services):
    with connected(services[1]) as wire:
        wire.ask("SET", "k", "v")
        wire.ask("SELECT", "5")
        wire.ask("SET", "other", "v")
        assert ask(line, "clean", kind="redis") == ["3"]
        assert wire.ask("DBSIZE") == 1
        wire.ask("SELECT", "3")
        assert wire.ask("DBSIZE") == 0


def test_redis_that_does_not_know_the_password_is_told(services):
    with pytest.raises(Unanswerable, match=r"WRONGPASS|invalid"):
        emptying.redis(msgspec.structs.replace(services[1], password="wrong"))
    with pytest.raises(Unanswerable, match="NOAUTH"):
        emptying.redis(msgspec.structs.replace(services[1], password=""))


@pytest.fixture
def nats(services):
    with contextlib.closing(Nats(services[2].host, services[2].port)) as nats:
        for name in emptying._streams(nats):
            nats.request(f"$JS.API.STREAM.DELETE.{name}", {})
        yield nats


def stream(nats, name, messages=2):
    nats.request(f"$JS.API.STREAM.CREATE.{name}", {"name": name, "subjects": [f"{name}.>"]})
    for number in range(messages):
        nats.send(f"PUB {name}.x 1\r\n{number}\r\n".encode())


def held(nats, name):
    return nats.request(f"$JS.API.STREAM.INFO.{name}", {})["state"]["messages"]


def test_streams_are_purged_and_stay(line, nats):
    for name in ("ORDERS", "AUDIT", "KEPT_BY_NAME"):
        stream(nats, name)
    assert sorted(ask(line, "clean", kind="nats")) == ["AUDIT", "ORDERS"]
    assert [held(nats, name) for name in ("ORDERS", "AUDIT", "KEPT_BY_NAME")] == [0, 0, 2]


def test_streams_with_a_prefix_are_deleted(line, nats):
    for name in ("test_a", "test_b", "ORDERS"):
        stream(nats, name, messages=1)
    assert sorted(ask(line, "clean", kind="nats", prefix="test_")) == ["test_a", "test_b"]
    assert emptying._streams(nats) == ["ORDERS"]
    assert held(nats, "ORDERS") == 1


def test_streams_of_several_pages_are_all_found(nats):
    for number in range(1100):
        stream(nats, f"s{number}", messages=0)
    assert len(set(emptying._streams(nats))) == 1100


def test_server_whose_stream_refuses_is_told(services, nats, line):
    request = {"name": "SEALED", "subjects": ["SEALED.>"], "deny_purge": True}
    nats.request("$JS.API.STREAM.CREATE.SEALED", request)
    with pytest.raises(ProbeError, match="purge"):
        ask(line, "clean", kind="nats")


# --- what may be emptied ---------------------------------------------------------------------------------------------


def handle(provider, host, kind="postgres"):
    return ServiceHandle(name=kind, kind=kind, provider=provider, host=host, port=1, url=f"x://{host}")


@pytest.mark.parametrize(
    ("provider", "host", "attached", "may"),
    [
        ("embedded", "127.0.0.1", False, True),
        ("containers", "10.0.0.9", False, True),
        ("attach", "localhost", False, True),
        ("attach", "127.0.0.1", False, True),
        ("attach", "::1", False, True),
        ("attach", "[::1]", False, True),
        ("attach", "db.example.com", False, False),
        ("attach", "10.0.0.9", False, False),
        ("attach", "localhost.example.com", False, False),
        ("attach", "127.0.0.1.example.com", False, False),
        ("attach", "", False, False),
        ("attach", "db.example.com", True, True),
    ],
)
def test_server_is_emptied_only_where_it_is_ours_or_here_or_somebody_said_so(provider, host, attached, may):
    assert (emptying.allowed(handle(provider, host), attached=attached) == "") is may


@pytest.mark.parametrize("kind", ["postgres", "redis", "nats"])
def test_server_of_somebody_else_is_refused_before_anybody_connects(kind, tmp_path):
    far = handle("attach", "db.example.com", kind)
    recorder = Recorder((), tmp_path, probe=Answers((far,)))
    refused = pytest.raises(ProbeError, match=r"truegreen did not start it.*clean-attached")
    with recorder.listening() as address, refused:
        ask(Line(str(address)), "clean", kind=kind)


def test_store_is_not_emptied_while_a_test_runs(line, database):
    database.execute("CREATE TABLE ops (id int); INSERT INTO ops VALUES (1)")
    line.tell(event="start")
    line.tell(event="mark", test="t", phase="setup", demands=[], goes_on=True)
    ask(line, "clean", kind="postgres")
    database.execute("INSERT INTO ops VALUES (1)")
    line.tell(event="mark", test="t", phase="setup", demands=[])
    with pytest.raises(ProbeError, match="before a test, not while it runs"):
        ask(line, "clean", kind="postgres")
    assert Probe(line).count("ops") == 1
    line.tell(event="mark", test="t", phase="call", demands=[])
    ask(line, "clean", kind="postgres")
    assert Probe(line).count("ops") == 0
