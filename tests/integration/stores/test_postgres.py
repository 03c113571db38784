"""The history on a real PostgreSQL server: shared by repositories, by roles with fewer rights, and without secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.support.kept_reports import report
from tests.support.managers import embedded, manager
from tests.support.past_results import FAIL, result, run
from tests.support.stores import Place

from truegreen import registry
from truegreen.errors import ExtraMissing, StoreDamaged, StoreError, WrongValue
from truegreen.model.incident import Incident
from truegreen.runtime.net import free_port
from truegreen.stores import postgres
from truegreen.stores.address import Address
from truegreen.stores.postgres import PostgresStore, schema_name
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Admin = Callable[[str], list[tuple[str]]]

PASSWORD = "p@ss/wörd%20'"


@pytest.fixture
def place(server: str, request: pytest.FixtureRequest) -> Place:
    return Place("postgres", server, f"o/{request.node.name}")


@pytest.fixture
def store(place: Place) -> PostgresStore:
    return open_at(place.location, place.repository)


@pytest.fixture(scope="module")
def admin(server: str) -> Admin:
    """Return what runs a statement as the server's owner; roles that begin with `guest` need their password."""

    def execute(statement: str) -> list[tuple[str]]:
        with psycopg.connect(server, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    file = Path(execute("SHOW hba_file")[0][0])
    rules = "host all /^guest 127.0.0.1/32 scram-sha-256\n" + file.read_text(encoding="utf-8")
    file.write_text(rules, encoding="utf-8")
    execute("SELECT pg_reload_conf()")
    return execute


@pytest.fixture(scope="module")
def guest(admin: Admin, server: str) -> str:
    """Return the address of a role that may make schemas, without its password."""
    quoted = PASSWORD.replace("'", "''")
    admin(f"CREATE ROLE guest LOGIN PASSWORD '{quoted}'")
    admin("GRANT CREATE ON DATABASE app TO guest")
    return address_of(server, "guest")


def address_of(server: str, user: str, database: str = "app") -> str:
    """Return an address on the same server."""
    return f"postgresql://{user}@127.0.0.1:{urlsplit(server).port}/{database}"


def open_at(url: str, repository: str = "o/r", password: str = "") -> PostgresStore:
    """Return a store."""
    return PostgresStore(Address(url=url, password=password, repository=repository))


def program(place: Place, text: str) -> subprocess.Popen[str]:
    """Start a process that has a store and does something to it."""
    begin = "import sys, time\nfrom tests.support.past_results import run, result, FAIL\n"
    begin += "from tests.support.stores import Place\nfrom truegreen.stores import postgres\n"
    begin += "store = Place(*sys.argv[1:4]).open()\n"
    argv = [sys.executable, "-c", begin + text, *place.argv]
    return subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": "scripts:."}, stdout=subprocess.PIPE, text=True)


_HALF_WRITTEN = """
def runs():
    yield from (run(n, result(f"t{n}", FAIL)) for n in range(50))
    print("half", flush=True)
    time.sleep(600)
store.merge(runs())
"""


def test_registry_postgres_is_this_store() -> None:
    assert registry.load("store", "postgres") is PostgresStore


def test_reading_makes_nothing_on_the_server(store: PostgresStore, place: Place) -> None:
    assert store.history().runs == ()
    assert store.check() == []
    store.compact()
    assert place.execute(f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema_name(place.repository)}'") == []


def test_repositories_of_one_database_see_nothing_of_each_other(server: str) -> None:
    names = ["o/one", "o/two", "o/" + "x" * 90, "o/" + "x" * 91, 'o/"; DROP SCHEMA public; --', "o/100%?s", "ö/é\0"]
    for number, name in enumerate(names):
        open_at(server, name).append(run(1, result(f"t{number}", FAIL)))
        open_at(server, name).remember(Incident(key="k", red_runs=number))
    for number, name in enumerate(names):
        store = open_at(server, name)
        assert [one.results["unit"][0].test for one in store.runs()] == [f"t{number}"]
        assert store.incidents() == [Incident(key="k", red_runs=number)]
        assert [one.test for one in store.summaries()] == [f"t{number}"]
    assert open_at(server, "o/one").prune(0) == 1
    assert [len(open_at(server, name).digests()) for name in names] == [0, *[1] * (len(names) - 1)]
    assert open_at(server, "O/Two").digests() == open_at(server, "o/two").digests()  # forges ignore case


def test_history_goes_to_sqlite_and_back_unchanged(store: PostgresStore, server: str, tmp_path: Path) -> None:
    store.merge((run(n, result("a"), result("b", FAIL, fingerprint="x")) for n in range(5)), [Incident(key="k")])
    store.copy(tmp_path / "copy.sqlite")
    copied, again = SqliteStore(tmp_path / "copy.sqlite"), open_at(server, "o/again")
    assert (list(copied.runs()), copied.incidents()) == (list(store.runs()), [Incident(key="k")])
    again.merge(copied.runs(), copied.incidents())
    assert (list(again.runs()), again.history()) == (list(store.runs()), store.history())
    assert again.merge(copied.runs(), copied.incidents()) == 0


def test_wrong_password_is_told_without_any_password(guest: str, caplog: pytest.LogCaptureFixture) -> None:
    right = open_at(guest, "o/guest", PASSWORD)
    right.append(report())
    assert len(right.history().runs) == 1
    for wrong in ("wr0ng-secret", "%41b'c secret"):
        for url, password in ((guest, wrong), (guest.replace("guest@", "guest:wr0ng-secret@"), "")):
            with pytest.raises(StoreError, match="cannot be reached") as caught:
                open_at(url, "o/guest", password).append(report())
            told = "\n".join(caught.value.lines()) + repr(caught.value) + caplog.text
            assert "password authentication failed" in told
            assert "secret" not in told
            assert (caught.value.exit_code, caught.value.__cause__) == (4, None)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:s3cret@host:port:port/d", "postgresql://u:s3cret@h/d?nonsense=s3cret", "postgresql://[s3cret"],
)
def test_address_that_cannot_be_read_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises((WrongValue, StoreError)) as caught:
        open_at(url).history()
    assert "s3cret" not in "\n".join(caught.value.lines())


def test_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        open_at(f"postgresql://u:s3cret@127.0.0.1:{free_port()}/d").history()
    told = "\n".join(caught.value.lines())
    assert ("s3cret" in told, "postgresql://127.0.0.1:" in told, "refused" in told) == (False, True, True)


def test_other_machines_are_spoken_to_encrypted_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mode(url: str) -> object:
        return open_at(url)._parameters(psycopg).get("sslmode")

    assert mode("postgresql://u@db.example.org/d") == "require"
    assert mode("postgresql://u@[::1]:5432,db.example.org:5432/d") == "require"
    assert mode("postgresql://u@db.example.org/d?sslmode=verify-full") == "verify-full"
    assert [mode(f"postgresql://u@{host}/d") for host in ("localhost:5432", "127.0.0.1", "[::1]:1", "")] == [None] * 4
    monkeypatch.setenv("PGSSLMODE", "verify-full")  # which the library reads itself
    assert mode("postgresql://u@db.example.org/d") is None


def test_library_that_is_missing_names_the_extra(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match="psycopg") as caught:
        store.history()
    assert ("truegreen[postgres]" in caught.value.fix, caught.value.exit_code) == (True, 4)


def test_writer_killed_between_its_statements_leaves_nothing_and_blocks_nobody(
    store: PostgresStore, place: Place
) -> None:
    store.append(run(900, result("before")))
    with program(place, _HALF_WRITTEN) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        writer.kill()
    store.append(run(901, result("after")))
    assert [one.run.run for one in store.runs()] == ["900.1", "901.1"]
    assert place.execute("SELECT name FROM tests ORDER BY name") == [("after",), ("before",)]
    assert store.check() == []


def test_server_process_killed_in_the_middle_of_a_write_leaves_nothing_and_is_told(
    store: PostgresStore, place: Place
) -> None:
    store.append(run(900, result("before")))

    def runs() -> Iterator[object]:
        yield run(1, result("half", FAIL))
        with psycopg.connect(place.location) as other:
            (pid,) = other.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone() or ()
        other.close()
        os.kill(pid, signal.SIGKILL)  # the server throws everybody out, and recovers from its log
        yield run(2, result("rest", FAIL))

    with pytest.raises(StoreError, match=r"cannot be (reached|used)") as caught:
        store.merge(runs())
    assert (caught.value.exit_code, caught.value.what.startswith("the history")) == (4, True)
    deadline = time.monotonic() + 60
    while True:
        try:
            store.append(run(901, result("after")))
            break
        except StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert [one.run.run for one in store.runs()] == ["900.1", "901.1"]
    assert store.check() == []


def test_server_that_stops_in_the_middle_of_a_write_is_told(tmp_path: Path) -> None:
    services = manager(tmp_path / "project", tmp_path, postgres=embedded())
    (handle,) = services.up(("postgres",))
    store = open_at(handle.url)
    store.append(run(1, result("a")))

    def runs() -> Iterator[object]:
        yield run(2, result("b"))
        services.down()
        yield run(3, result("c"))

    with pytest.raises(StoreError) as caught:
        store.merge(runs())
    assert caught.value.exit_code == 4
    with pytest.raises(StoreError, match="cannot be reached"):
        store.history()


def test_writer_that_is_held_up_is_told_after_waiting_and_readers_go_on(
    store: PostgresStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(run(900, result("before")))
    monkeypatch.setattr(postgres, "BUSY_S", 1)
    with program(place, _HALF_WRITTEN) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(StoreError, match="in use"):
            store.append(run(901))
        assert [one.run.run for one in store.runs()] == ["900.1"]
        other = open_at(place.location, place.repository + "-other")
        other.append(run(1))  # another repository waits for nobody
        writer.kill()


def test_writer_that_freezes_is_ended_by_the_server(store: PostgresStore, place: Place) -> None:
    with program(place, "postgres.FROZEN_S = 1\n" + _HALF_WRITTEN) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGSTOP)
        store.append(run(901))  # waits for a second, not for ever
        assert [one.run.run for one in store.runs()] == ["901.1"]
        writer.kill()


def test_reader_that_takes_its_time_is_not_ended(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.merge(run(n) for n in range(3))
    monkeypatch.setattr(postgres, "FROZEN_S", 1)
    reading = store.runs()
    assert next(reading).run.run == "0.1"
    time.sleep(2)
    store.append(run(9))  # nor does it hold up a writer
    assert [one.run.run for one in reading] == ["1.1", "2.1"]


def test_role_that_may_only_read_reads_and_is_told_when_it_writes(
    store: PostgresStore, place: Place, admin: Admin
) -> None:
    store.append(run(1, result("a", FAIL)))
    admin("CREATE ROLE reader LOGIN")
    admin(f"GRANT USAGE ON SCHEMA {place.schema} TO reader")
    admin(f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} TO reader")
    reader = open_at(address_of(place.location, "reader"), place.repository)
    assert reader.history() == store.history()
    assert (list(reader.runs()), reader.check()) == (list(store.runs()), [])
    for write in (lambda: reader.append(run(2)), lambda: reader.prune(0)):
        with pytest.raises(StoreError, match="may not be used") as caught:
            write()
        assert "permission denied" in caught.value.why
    with pytest.raises(StoreError, match="may not be used") as caught:
        open_at(address_of(place.location, "reader"), "o/new").append(run(1))
    assert "create schemas" in caught.value.fix
    assert len(store.digests()) == 1


def test_settings_of_a_role_change_no_answer(place: Place, store: PostgresStore, admin: Admin) -> None:
    admin("CREATE ROLE odd LOGIN SUPERUSER")
    for setting in (
        "default_transaction_isolation = 'serializable'",
        "extra_float_digits = -15",
        "bytea_output = 'escape'",
        "search_path = 'public'",
        "client_encoding = 'LATIN1'",
        "DateStyle = 'SQL, DMY'",
        "standard_conforming_strings = off",
        "default_transaction_read_only = on",
    ):
        admin(f"ALTER ROLE odd SET {setting}")
    odd = open_at(address_of(place.location, "odd"), place.repository)
    whole = run(1, result("tést", FAIL, duration_s=0.1234567), duration_s=1 / 3, line_ratio=2 / 3)
    odd.append(whole)
    assert list(odd.runs()) == list(store.runs())
    assert (store.check(), odd.check()) == ([], [])
    assert next(store.runs()).run.duration_s == 1 / 3


def test_database_that_keeps_texts_in_another_encoding_is_refused(server: str, admin: Admin) -> None:
    admin("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="another database") as caught:
        open_at(address_of(server, "truegreen", "latin")).append(run(1))
    assert ("LATIN1" in caught.value.why, "UTF8" in caught.value.fix) == (True, True)


def test_texts_are_ordered_by_code_point_whatever_the_database_is_set_to(
    store: PostgresStore, place: Place, tmp_path: Path
) -> None:
    keys = ["a", "B", "ö", "z", "Z", "å", "_", "-", ""]
    runs = [run(n, result(f"t{k}"), created=f"2026{k}", run=f"{k}{n}") for n, k in enumerate(keys)]
    file = SqliteStore(tmp_path / "h.sqlite")
    for each in (store, file):
        each.merge(runs, [Incident(key=key) for key in keys])
    assert (store.incidents(), list(store.runs())) == (file.incidents(), list(file.runs()))
    assert store.prune(4, "2026_") == file.prune(4, "2026_")
    assert (store.history(), store.summaries("2026a")) == (file.history(), file.summaries("2026a"))
    # The server at hand knows no other order, so the order that each column asks for is looked up as well.
    texts = "SELECT attname, attcollation::regcollation::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
    found = dict(place.execute(f"{texts} WHERE relnamespace = '{place.schema}'::regnamespace AND atttypid = 25"))
    assert (set(found.values()), len(found) > 10) == ({'"C"'}, True)


def test_schema_of_something_else_is_refused_and_left_as_it_is(store: PostgresStore, place: Place) -> None:
    place.execute(f"CREATE SCHEMA {place.schema}")
    place.execute("CREATE TABLE users (name text)")
    with pytest.raises(StoreError, match="something else"):
        store.append(run(1))
    place.execute("ALTER TABLE users RENAME TO store")
    for use in (store.history, lambda: store.append(run(1))):
        with pytest.raises(StoreError):
            use()
    assert place.execute("SELECT count(*) FROM store") == [(0,)]


def test_schema_made_by_the_servers_people_is_taken(place: Place, admin: Admin) -> None:
    admin("CREATE ROLE modest LOGIN")
    admin(f"CREATE SCHEMA {place.schema} AUTHORIZATION modest")
    store = open_at(address_of(place.location, "modest"), place.repository)
    store.append(run(1))
    store.compact()
    assert len(store.history().runs) == 1


@pytest.mark.parametrize(
    "change",
    ["DROP TABLE attempts", "ALTER TABLE runs DROP COLUMN tree", "DELETE FROM store", "INSERT INTO store VALUES (2)"],
)
def test_missing_table_is_damage_and_its_remedy_works(store: PostgresStore, place: Place, change: str) -> None:
    store.append(run(1, result("a", FAIL)))
    place.execute(change)
    with pytest.raises(StoreDamaged, match="damaged") as caught:
        store.history()
    place.execute(caught.value.fix.split("`")[1])
    store.append(run(2))
    assert [one.run.run for one in store.runs()] == ["2.1"]


def test_compact_gives_space_back(store: PostgresStore, place: Place) -> None:
    store.merge(run(n, *(result(f"t{m}", FAIL, fingerprint=f"{n}:{m}") for m in range(200))) for n in range(30))
    size = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relname IN ('attempts', 'fingerprints')"
    size += f" AND relnamespace = '{place.schema}'::regnamespace"
    ((before,),) = place.execute(size)
    store.prune(1)
    store.compact()
    ((after,),) = place.execute(size)
    assert after < before / 5
    assert store.check() == []
