"""The history in a real file: kept, replaced, shared, and never emptied."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.support.kept_reports import report
from tests.support.past_results import result, run

from truegreen import registry
from truegreen.errors import StoreDamaged, StoreError
from truegreen.model.history import History
from truegreen.model.incident import Incident
from truegreen.stores import sqlite_file
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "history.sqlite"


@pytest.fixture
def store(path: Path) -> SqliteStore:
    return SqliteStore(path)


def test_registry_sqlite_is_this_store() -> None:
    assert registry.load("store", "sqlite") is SqliteStore


def test_history_without_file_is_empty_and_creates_none(store: SqliteStore, path: Path) -> None:
    assert store.history() == History()
    assert store.incident("o/r:main") is None
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file_is_refused_and_left_as_it_is(store: SqliteStore, path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    for use in (lambda: store.append(report()), store.history, lambda: store.remember(Incident(key="k"))):
        with pytest.raises(StoreError, match="damaged") as caught:
            use()
        assert "mv " in caught.value.fix
        assert str(path) in caught.value.where
    with pytest.raises(StoreDamaged):
        store.check()
    assert path.read_bytes() == content or not content


def test_damaged_page_is_never_another_error_and_never_an_empty_history(store: SqliteStore, path: Path) -> None:
    for number in range(200):
        store.append(report(run_id=str(number)))
    good = path.read_bytes()
    dice = random.Random(7)
    refused = 0
    for _ in range(60):
        at = dice.randrange(100, len(good) - 64)
        path.write_bytes(good[:at] + dice.randbytes(64) + good[at + 64 :])
        try:
            assert len(store.history(1000).runs) > 0
        except StoreError:
            refused += 1
    assert refused > 0


def test_truncated_file_is_refused(store: SqliteStore, path: Path) -> None:
    for number in range(200):
        store.append(report(run_id=str(number)))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StoreError):
        store.history(1000)


def test_foreign_database_is_refused_and_left_as_it_is(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    with pytest.raises(StoreError, match="something else"):
        store.append(report())
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("users",)]


def test_file_that_is_held_is_reported_after_waiting(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(report())
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="in use"):
        store.append(report(run_id="2"))
    assert len(store.history().runs) == 1  # readers go on
    holder.close()


def test_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "history.sqlite").append(report())


def test_writer_killed_in_a_transaction_leaves_the_file_usable(store: SqliteStore, path: Path) -> None:
    store.append(report())
    program = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')\n"
        "c.execute('DELETE FROM runs'); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == -9
    assert len(store.history().runs) == 1
    store.append(report(run_id="2"))
    assert len(store.history().runs) == 2


def test_damaged_table_definition_is_refused(store: SqliteStore, path: Path) -> None:
    store.append(run(1, result("a")))
    store.compact()
    path.write_bytes(path.read_bytes().replace(b"ref TEXT", b"ref TEX\xa2"))
    with pytest.raises(StoreDamaged):  # SQLite's own message about it is no UTF-8
        store.history()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM runs",
        "DELETE FROM runs WHERE run_key = '2.1'",
        "DELETE FROM tally",
        "UPDATE runs SET run_key = '9.9' WHERE run_key = '1.1'",
    ],
)
def test_runs_that_are_gone_are_missed(store: SqliteStore, path: Path, statement: str) -> None:
    for number in range(3):
        store.append(run(number, result("a")))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    assert any("not those that belong there" in wrong for wrong in store.check())
    changes = (lambda: store.append(run(7)), lambda: store.merge([run(7)]), lambda: store.prune(1), store.history)
    for use in changes:
        with pytest.raises(StoreDamaged, match="damaged"):
            use()


def test_runs_are_counted_after_every_change(store: SqliteStore) -> None:
    store.merge([run(number, result("a")) for number in range(9)])
    store.append(run(3, result("b"), status="fail"))
    assert store.prune(4) == 5
    assert (store.check(), len(store.history().runs)) == ([], 4)


def test_two_that_create_the_file_at_once_lose_nothing(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[3:]\n"
        "from truegreen.stores.sqlite_file import SqliteStore; from truegreen.model.results import RunResults\n"
        "from truegreen.model.history import PastRun\n"
        "run = PastRun(commit='c', created='2026-11-21T07:00:00Z', status='pass', run=sys.argv[2])\n"
        "SqliteStore(Path(sys.argv[1])).append(RunResults(run=run))\n"
    )
    argv = [sys.executable, "-c", program, str(path)]
    running = [subprocess.Popen([*argv, f"{number}.1", *sys.path]) for number in range(6)]
    assert [one.wait(120) for one in running] == [0] * 6
    assert len(SqliteStore(path).digests()) == 6
    assert not [one for one in path.parent.iterdir() if one.name.startswith(".")]
