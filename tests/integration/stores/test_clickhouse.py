"""The history in ClickHouse: its real engine, behind an HTTP interface of our own that ends and lies where asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support.loopback import serving
from tests.support.past_results import FAIL, result, run
from tests.support.stores import PASSWORD, Place

from truegreen import registry
from truegreen.errors import StoreDamaged, StoreError, WrongValue
from truegreen.model.incident import Incident
from truegreen.runtime.net import free_port
from truegreen.stores.address import Address
from truegreen.stores.clickhouse import ClickhouseStore
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def place(place_of: Callable[[str], Place]) -> Place:
    return place_of("clickhouse")


@pytest.fixture
def store(place: Place) -> ClickhouseStore:
    return open_at(place.location)


def open_at(url: str, repository: str = "o/r", password: str = "") -> ClickhouseStore:
    """Return a store."""
    return ClickhouseStore(Address(url=url, password=password, repository=repository))


def test_registry_clickhouse_is_this_store() -> None:
    assert registry.load("store", "clickhouse") is ClickhouseStore


def test_reading_makes_nothing_on_the_server(store: ClickhouseStore, place: Place) -> None:
    assert (store.history().runs, store.check(), store.prune(1), store.digests()) == ((), [], 0, {})
    store.compact()
    assert place.execute("SELECT name FROM system.tables WHERE database = currentDatabase()") == []


def test_repositories_of_one_database_see_nothing_of_each_other(place: Place) -> None:
    names = ["o/one", "o/two", "o/'; DROP TABLE runs; --", "o/\\", "o/\t\n", "o/{repository:String}", "ö/é\0", "["]
    for number, name in enumerate(names):
        open_at(place.location, name).append(run(1, result(f"t{number}", FAIL)))
        open_at(place.location, name).remember(Incident(key="k", red_runs=number))
    for number, name in enumerate(names):
        store = open_at(place.location, name)
        assert [one.results["unit"][0].test for one in store.runs()] == [f"t{number}"]
        assert store.incidents() == [Incident(key="k", red_runs=number)]
    assert open_at(place.location, "o/one").prune(0) == 1
    open_at(place.location, "o/one").compact()
    assert [len(open_at(place.location, name).digests()) for name in names] == [0, *[1] * (len(names) - 1)]


@pytest.mark.parametrize("name", ["'", "\\", "\\'", "\t", "a,b", "']", "{keys:Array(String)}", "é\n"])
def test_run_of_a_hostile_name_is_replaced_and_forgotten(store: ClickhouseStore, name: str) -> None:
    parts = {"x": b"1"}
    for number in range(2):
        store.append(msgspec.structs.replace(run(number, result(name), run=name, created=name), parts=parts))
    store.append(run(2))
    assert sorted(one.run.run for one in store.runs()) == sorted([name, "2.1"])
    assert store.check() == []
    assert (store.prune(1), store.prune(0), store.digests()) == (1, 1, {})


def test_history_goes_to_sqlite_and_back_unchanged(store: ClickhouseStore, place: Place, tmp_path: Path) -> None:
    store.merge((run(n, result("a"), result("b", FAIL, fingerprint="x")) for n in range(120)), [Incident(key="k")])
    store.copy(tmp_path / "copy.sqlite")
    copied, again = SqliteStore(tmp_path / "copy.sqlite"), open_at(place.location, "o/again")
    assert (list(copied.runs()), copied.incidents()) == (list(store.runs()), [Incident(key="k")])
    again.merge(copied.runs(), copied.incidents())
    asked = {"unit": ["a", "b"]}
    assert again.history(50, asked) == copied.history(50, asked) == store.history(50, asked)
    assert again.summaries() == copied.summaries()
    assert again.merge(copied.runs(), copied.incidents()) == 0


def test_names_of_tests_are_kept_once_however_many_runs_have_them(store: ClickhouseStore, place: Place) -> None:
    store.merge(run(n, *(result(f"t{m}") for m in range(50))) for n in range(20))
    store.append(run(21, *(result(f"t{m}", FAIL) for m in range(50))))
    assert place.execute("SELECT count() FROM test_sets FINAL") == [(1,)]
    ((tests, failed),) = place.execute("SELECT count(), countIf(odd.attempts != []) FROM runs FINAL")
    assert (tests, failed) == (21, 1)


@pytest.mark.parametrize(
    ("statement", "gone"),
    [
        ("ALTER TABLE runs DELETE WHERE run_key = '2.1' SETTINGS mutations_sync = 2", "1 of the runs"),
        ("TRUNCATE TABLE runs", "3 of the runs"),
    ],
)
def test_runs_that_are_gone_are_missed_until_they_are_written_again(
    store: ClickhouseStore, place: Place, statement: str, gone: str
) -> None:
    written = [run(n, result("a")) for n in (1, 2, 3)]
    store.merge(written)
    place.execute(statement)
    with pytest.raises(StoreDamaged) as caught:
        store.history()
    assert gone in caught.value.why
    store.merge(written)
    assert (len(store.history().runs), store.check()) == (3, [])


def test_compact_keeps_the_parts_that_gates_compare_with(store: ClickhouseStore, place: Place) -> None:
    for number in range(14):
        store.append(msgspec.structs.replace(run(number), parts={"coverage": b"{}"}))
    place.execute("INSERT INTO parts VALUES ('o/r', 'soon', 'coverage', 1, '')")  # its run is about to be written
    before = list(store.runs())
    store.compact()
    assert list(store.runs()) == before
    assert place.execute("SELECT count() FROM parts") == [(11,)]


def test_compact_takes_out_names_that_no_run_mentions_but_none_that_were_just_written(
    store: ClickhouseStore, place: Place
) -> None:
    for number in range(4):  # names made anew for every run
        store.append(run(number, result(f"t[{number}]")))
    store.prune(2)
    store.compact()
    assert place.execute("SELECT count() FROM test_sets") == [(4,)]
    place.execute("CREATE TABLE old AS test_sets")
    place.execute("INSERT INTO old SELECT repository, digest, names, written - 100000 FROM test_sets")
    place.execute("EXCHANGE TABLES old AND test_sets")
    store.append(run(4, result("t[0]")))  # the names of a run that was forgotten
    store.compact()
    assert (place.execute("SELECT count() FROM test_sets"), store.check()) == ([(3,)], [])


def test_wrong_password_is_told_without_any_password(place: Place) -> None:
    right = place.location.split(":")[2]
    for url, password in (
        (place.location.replace(right.split("@")[0], "wr0ng-secret"), ""),
        (place.location, "wr0ng-secret"),
    ):
        with pytest.raises(StoreError, match="may not be used") as caught:
            open_at(url, password=password).history()
        told = "\n".join(caught.value.lines()) + repr(caught.value)
        assert ("AUTHENTICATION_FAILED" in told, "secret" in told, PASSWORD in told) == (True, False, False)
        assert caught.value.exit_code == 4


def test_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        open_at(f"clickhouse://u:s3cret@127.0.0.1:{free_port()}/d").history()
    assert ("s3cret" in "\n".join(caught.value.lines()), caught.value.exit_code) == (False, 4)


def test_database_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_at(place.location.rpartition("/")[0] + "/none").append(run(1))
    assert "UNKNOWN_DATABASE" in caught.value.why


def test_other_machines_are_spoken_to_encrypted() -> None:
    def url(address: str) -> str:
        return open_at(address)._url

    assert url("clickhouse://u:p@db.example.org/d") == "https://db.example.org:8443/"
    assert url("clickhouse://db.example.org:9/d") == "https://db.example.org:9/"
    assert url("clickhouse://u@localhost/d") == "http://localhost:8123/"
    assert url("clickhouse://u@[::1]:81") == "http://[::1]:81/"


@pytest.mark.parametrize("url", ["clickhouse:///d", "clickhouse://u:s3cret@h:port/d", "clickhouse://u:s3cret@h:99999"])
def test_address_that_cannot_be_read_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(WrongValue) as caught:
        open_at(url).history()
    assert "s3cret" not in "\n".join(caught.value.lines())


def test_tables_of_something_else_are_left_as_they_are(store: ClickhouseStore, place: Place) -> None:
    place.execute("CREATE TABLE runs (name String) ENGINE = MergeTree ORDER BY name")
    with pytest.raises(StoreError, match="something else"):
        store.append(run(1))
    assert store.history().runs == ()
    assert place.execute("SELECT name FROM system.tables WHERE database = currentDatabase()") == [("runs",)]


def test_merge_that_is_killed_keeps_whole_runs_and_is_completed_by_the_next(
    store: ClickhouseStore, place: Place
) -> None:
    program = (
        "import os, sys\nfrom tests.support.past_results import run, result, FAIL\n"
        "from tests.support.stores import Place\n"
        "def runs():\n    for n in range(130):\n        if n == 120: os.kill(os.getpid(), 9)\n"
        "        yield run(n, result('a'), result('b', FAIL))\n"
        "Place(*sys.argv[1:4]).open().merge(runs())\n"
    )
    env = {**os.environ, "PYTHONPATH": "scripts:."}
    done = subprocess.run([sys.executable, "-c", program, *place.argv], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(store.digests()) == 100
    assert store.check() == []
    whole = [run(n, result("a"), result("b", FAIL)) for n in range(130)]
    assert store.merge(whole) == 30
    assert (len(store.digests()), store.check()) == (130, [])


class _Says(BaseHTTPRequestHandler):
    status, body = 200, b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def saying(status: int, body: bytes) -> Iterator[ClickhouseStore]:
    """Run a server that always answers the same, and give a store there."""
    handler = type("Says", (_Says,), {"status": status, "body": body})
    with serving(handler) as address:
        yield open_at(f"clickhouse://u:s3cret@{address}/d")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"Ok.\n", "none of ClickHouse"),
        (200, b'{"data":[[1]],"rows":1', "none of ClickHouse"),
        (200, b'{"data":[[1]]}\nCode: 241. DB::Exception: Memory limit', "none of ClickHouse"),
        (200, b"", "none of ClickHouse"),
        (302, b"", "redirect"),
        (404, b"\xff<html>", "404|html"),
    ],
)
def test_answer_of_something_else_is_never_an_empty_history(status: int, body: bytes, said: str) -> None:
    with saying(status, body) as store, pytest.raises(StoreError) as caught:
        store.history()
    assert any(word in caught.value.why for word in said.split("|"))
    assert (caught.value.exit_code, "s3cret" in "\n".join(caught.value.lines())) == (4, False)


def test_exception_after_a_good_status_is_no_success() -> None:
    with saying(200, b"Code: 241. DB::Exception: Memory limit exceeded") as store, pytest.raises(StoreError) as caught:
        store._insert("runs", [(1,)])
    assert "Memory limit" in caught.value.why


def test_answer_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"data": [["x" * 5000]], "rows": 1}).encode()
    with saying(200, body) as store:
        limits = msgspec.structs.replace(store._sender._limits, answer_bytes=1000)
        monkeypatch.setattr("truegreen.stores.clickhouse._LIMITS", limits)
        with pytest.raises(StoreError, match="too large"):
            open_at(store._address.url).history()


def test_statement_in_the_documentation_looks_at_all_repositories(place: Place) -> None:
    for name in ("o/one", "o/two"):
        store = open_at(place.location, name)
        store.merge(run(n, result("a"), result("b", FAIL), created=f"2026-11-{n:02}T00:00:00Z") for n in range(1, 5))
        store.append(run(1, result("a"), result("b", FAIL), created="2026-11-01T00:00:00Z"))  # once more
    text = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
    statement = text.partition("```sql\n")[2].partition("```")[0]
    assert sorted(place.execute(statement.strip())) == [("o/one", "b", 4), ("o/two", "b", 4)]
