"""Databases of workers: copies that are told apart by name, and variables that lead to them."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from types import SimpleNamespace

import msgspec
import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.managers import embedded, manager

from truegreen.errors import ServiceNotReady, WrongValue
from truegreen.model.persistence import Change, Window
from truegreen.model.service import ServiceHandle
from truegreen.stages.common import watch, workers
from truegreen.stages.common.workers import OwnDatabase, Workers
from truegreen.stages.observers.postgres import PostgresObserver


def handle(**changes):
    values = {
        "name": "postgres",
        "kind": "postgres",
        "provider": "embedded",
        "host": "127.0.0.1",
        "port": 5432,
        "url": "postgresql://app:pa%20ss@127.0.0.1:5432/app?sslmode=disable",
        "user": "app",
        "password": "pa ss",
        "database": "app",
        "exports": {"DB": "app", "DB_USER": "app"},
        "fields": {"DB": "database", "DB_USER": "user"},
    }
    return ServiceHandle(**{**values, **changes})


def of_worker(server, worker):
    own = msgspec.structs.replace(server, database=f"tg_{worker}_{server.database}")
    return PostgresObserver.databases(own)


class Log:
    """What a server's log holds, given; the observer itself is tested against the real one."""

    tier, version = "A: the log", "18"

    def __init__(self, window):
        self.window = window

    def between(self, start, end):
        return self.window


NAMES = st.from_regex(r"[a-z_0-9]{1,20}", fullmatch=True)


@example("tg", 1, 10, "{}")
@example("tg", 1, 1, "{}")
@given(NAMES, st.integers(0, 63), st.integers(0, 63), st.sampled_from(["{}", "test_{}", "test_{}_gw1", "{}_tmp_1"]))
def test_rows_of_one_worker_never_count_for_another(base, one, other, shape):
    server = handle(database=base)
    database = shape.format(f"tg_gw{other}_{base}")
    change = Change(store="postgres", database=database, object="public.ops", kind="insert", count=1)
    patterns = of_worker(server, f"gw{one}")
    window = Window((change,), (change,), (change,))
    seen = OwnDatabase(lambda: Log(window), patterns, server).between(1, 2)
    assert (seen == window) is (one == other)
    assert any(fnmatchcase(database, pattern) for pattern in patterns) is (one == other)


def test_changes_that_do_not_say_where_they_were_are_nobodys():
    nowhere = Change(store="postgres", object="(truncated)", kind="truncate", count=1)
    gone = Change(store="postgres", database="(a database that is gone)", object="x", kind="insert", count=1)
    common = Change(store="postgres", database="app", object="public.ops", kind="insert", count=1)
    window = Window((nowhere, gone, common), (nowhere, gone))
    seen = OwnDatabase(lambda: Log(window), of_worker(handle(), "gw0"), handle()).between(1, 2)
    assert seen == Window((common,), ())


def test_variables_lead_to_the_workers_database_and_no_other_is_touched(monkeypatch):
    environment = {
        "POSTGRES_DSN": handle().url,
        "ASYNC_DSN": handle().url.replace("postgresql://", "postgresql+asyncpg://"),
        "DB": "app",
        "DB_USER": "app",
        "APP": "app",
        "OTHER": "postgresql://elsewhere/app",
        "EMPTY": "",
    }
    services = (handle(), handle(name="redis", kind="redis", url="redis://127.0.0.1:1/0"))
    made = Workers(handle(), services, environment)
    monkeypatch.setattr(made, "_copied", lambda source, target: None)
    url = "postgresql://app:pa%20ss@127.0.0.1:5432/tg_gw0_app?sslmode=disable"
    assert made.give("gw0") == {
        "TRUEGREEN_SERVICES": json.dumps({"postgres": url, "redis": "redis://127.0.0.1:1/0"}),
        "POSTGRES_DSN": url,
        "ASYNC_DSN": url.replace("postgresql://", "postgresql+asyncpg://"),
        "DB": "tg_gw0_app",
    }
    assert made.database("gw0") == "tg_gw0_app"
    with pytest.raises(ValueError, match="has a database already"):
        made.give("gw0")
    for hostile in ("", "gw", "gw0/../x", "gw0\n", "GW1"):
        with pytest.raises(ValueError, match="is no name of a worker"):
            made.give(hostile)
    with pytest.raises(ValueError, match="was given no database"):
        made.database("gw1")


def test_server_that_does_not_answer_is_told_with_a_remedy():
    with pytest.raises(ServiceNotReady) as caught:
        Workers(handle(port=1), (), {}).prepare()
    assert "workers = 0" in caught.value.fix


def options(**values):
    return SimpleNamespace(**{"workers": 4, "databases": [], **values})


POSTGRES, REDIS = handle(), handle(name="cache", kind="redis")


@pytest.mark.parametrize(
    ("services", "values", "number", "why"),
    [
        ((POSTGRES,), {}, 4, ""),
        ((POSTGRES,), {"workers": "3"}, 3, ""),
        ((POSTGRES,), {"workers": 0}, 0, ""),
        ((POSTGRES,), {"workers": 1, "databases": ["app"]}, 1, ""),
        ((POSTGRES,), {"workers": -3}, 0, ""),
        ((POSTGRES,), {"workers": 5000}, 64, ""),
        ((POSTGRES,), {"databases": ["app"]}, 1, "`databases`"),
        ((handle(provider="attach"),), {}, 1, "did not start (postgres)"),
        ((handle(database="x" * 60),), {}, 1, "too long a name"),
        ((POSTGRES, handle(name="second")), {}, 1, "exactly one database"),
    ],
)
def test_number_of_processes_is_one_where_tests_could_not_be_told_apart(services, values, number, why):
    stores = watch.watched(services, databases=values.get("databases", []))
    found, notes = workers.number(options(**values), stores, services)
    assert found == number
    assert bool(notes) is bool(why)
    assert all(why in note for note in notes)


def test_number_of_processes_is_one_beside_a_store_that_time_alone_tells_apart():
    stores = (*watch.watched((POSTGRES,)), watch.Watched(name="cache", kind="redis", open=lambda: None))
    found, (note,) = workers.number(options(), stores, (POSTGRES, REDIS))
    assert found == 1
    assert "changes in cache are told apart by time alone" in note


def test_number_of_processes_follows_the_machine_or_is_refused():
    assert 1 <= workers.wanted("auto") <= 64
    with pytest.raises(WrongValue, match="no number of workers"):
        workers.wanted("many")


@pytest.mark.slow
def test_copies_hold_what_the_database_held_after_its_preparation(tmp_path):
    services = manager(tmp_path / "project", tmp_path, postgres=embedded(database='od"d'))
    (server,) = services.up(("postgres",))
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE ops (id int); INSERT INTO ops VALUES (1)")
            connection.execute("""ALTER DATABASE "od""d" SET search_path = other, public""")
        made = Workers(server, (server,), {"DSN": server.url})
        made.prepare()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("INSERT INTO ops VALUES (2)")
            for worker in ("gw0", "gw1"):
                with psycopg.connect(made.give(worker)["DSN"]) as own:
                    assert own.execute("SELECT current_database()").fetchone() == (f'tg_{worker}_od"d',)
                    assert own.execute("SELECT id FROM ops").fetchall() == [(1,)]
                    assert own.execute("SHOW search_path").fetchone() == ("other, public",)
        Workers(server, (server,), {}).prepare()  # what an earlier run left is made anew
    finally:
        services.down()
