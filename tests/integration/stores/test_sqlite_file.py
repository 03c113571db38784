"""The history in a real file: kept, replaced, shared, and never emptied."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support import reports
from tests.support.evidence import run as evidence
from tests.support.past_results import FAIL, PASS, result, run

from truegreen import registry
from truegreen.analysis import kept_coverage, results
from truegreen.errors import StoreDamaged, StoreError
from truegreen.model.coverage import Coverage, FileCoverage, bits_of, lines_of
from truegreen.model.history import History
from truegreen.model.incident import Incident
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Status
from truegreen.stores import sqlite_file
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.results import RunResults


def report(*given: Any, **more: Any) -> RunResults:
    """Return what is kept of a report and of evidence of all stages."""
    return results.of(reports.report(*given, **more), evidence())


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


def test_append_then_history_gives_newest_first(store: SqliteStore) -> None:
    for hour in (8, 10, 9):
        store.append(report(created=f"2026-11-21T{hour:02}:00:00Z", run_id=str(hour)))

    assert [run.created[11:13] for run in store.history().runs] == ["10", "09", "08"]
    assert [run.created[11:13] for run in store.history(1).runs] == ["10"]
    newest = store.history().runs[0]
    assert (newest.status, newest.commit, newest.duration_s) == ("fail", "a" * 40, 5.3)
    assert (newest.line_ratio, newest.tests) == (0.9, 12)


def test_append_same_run_and_attempt_replaces(store: SqliteStore) -> None:
    store.append(report(Status.FAIL, created="2026-11-21T07:00:00Z"))
    store.append(report(Status.PASS, created="2026-11-21T07:05:00Z"))

    assert [(run.status, run.created) for run in store.history().runs] == [("pass", "2026-11-21T07:05:00Z")]


def test_append_without_run_id_is_told_apart_by_commit_and_time(store: SqliteStore) -> None:
    for created in ("2026-11-21T07:00:00Z", "2026-11-21T07:00:00Z", "2026-11-21T08:00:00Z"):
        store.append(report(run_id="", created=created))
    store.append(report(run_id="", created="2026-11-21T08:00:00Z", commit="b" * 40))

    assert len(store.history().runs) == 3


def test_remember_then_incident_gives_it_back(store: SqliteStore) -> None:
    incident = Incident(key="o/r:main", open=True, opened_at="2026", stages=("unit",), red_runs=2)
    store.remember(Incident(key="o/r:main"))
    store.remember(incident)
    store.remember(Incident(key="o/r:other"))

    assert store.incident("o/r:main") == incident
    assert store.incident("o/r:none") is None


def test_append_hostile_text_is_kept_as_text(store: SqliteStore) -> None:
    store.append(report(ref="refs/heads/'); DROP TABLE runs;--\ud800", commit="x\udcff"))
    assert len(store.history().runs) == 1


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file_is_refused_and_left_as_it_is(store: SqliteStore, path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    for use in (lambda: store.append(report()), store.history, lambda: store.remember(Incident(key="k"))):
        with pytest.raises(StoreError, match="damaged") as caught:
            use()
        assert "mv " in caught.value.fix
        assert str(path) in caught.value.where
    assert path.read_bytes() == content


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


def test_newer_version_is_refused(store: SqliteStore, path: Path) -> None:
    store.append(report())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer truegreen"):
        store.append(report())


def test_migration_adds_a_version_and_keeps_the_rows(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(report())
    more = (*sqlite_file.MIGRATIONS, ("CREATE TABLE extra (a TEXT)",))
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", more)
    assert len(store.history().runs) == 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(more),)
        assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)


def test_migration_that_fails_changes_nothing(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.append(report())
    more = (*sqlite_file.MIGRATIONS, ("CREATE TABLE extra (a TEXT)", "CREATE NONSENSE"))
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_file, "MIGRATIONS", more)
        with pytest.raises(StoreError):
            store.append(report(run_id="2"))
    assert len(store.history().runs) == 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)


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


def test_four_processes_writing_at_once_lose_nothing(store: SqliteStore, path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.support.past_results import run, result, FAIL\n"
        "from truegreen.stores.sqlite_file import SqliteStore\n"
        "store = SqliteStore(Path(sys.argv[1]))\n"
        "[store.append(run(int(sys.argv[2]) * 100 + n, result('a'), result('b', FAIL))) for n in range(25)]\n"
    )
    env = {**os.environ, "PYTHONPATH": "scripts:."}
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), str(n)], env=env) for n in range(1, 5)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    history = store.history(1000)
    assert len(history.runs) == 100
    assert all([failure.test for failure in run.failures] == ["b"] for run in history.runs)
    assert store.check() == []


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


def test_writer_killed_while_it_writes_loses_nothing_and_doubles_nothing(store: SqliteStore, path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.support.past_results import run, result, FAIL\n"
        "from truegreen.stores.sqlite_file import SqliteStore\n"
        "store = SqliteStore(Path(sys.argv[1]))\n"
        "for n in range(int(sys.argv[2]), 10000):\n"
        "    store.append(run(n, *(result(f't{m}', FAIL if m == n % 50 else 'pass') for m in range(50))))\n"
        "    print(n, flush=True)\n"
    )
    env = {**os.environ, "PYTHONPATH": "scripts:."}
    dice, said = random.Random(5), -1
    for _ in range(4):
        argv = [sys.executable, "-c", program, str(path), str(said + 1)]
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(dice.randrange(2, 6)):
                said = int(writer.stdout.readline())
            time.sleep(dice.random() * 0.05)
            writer.kill()
            said = max([said, *(int(line) for line in writer.stdout)])
        kept = [int(one.run.run.partition(".")[0]) for one in store.runs()]
        assert kept in (list(range(said + 1)), list(range(said + 2)))  # it may have kept one it did not come to tell
        assert store.check() == []


def test_version_1_becomes_version_2_and_keeps_what_is_there(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        for statement in sqlite_file.MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {sqlite_file.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        for number, ref in enumerate(("refs/heads/main", "refs/tags/v1")):
            values = (f"{number}.1", "c" * 40, f"2026-11-2{number}T00:00:00Z", "fail", 3.5, 9, 2, 1, 0.5)
            origin = ("o/r", ref, "push", "https://x", '{"lint":"pass","unit":"fail"}')
            columns = (
                "run_key, commit_sha, created, status, duration_s, tests, failed, flaky, line_ratio, "
                "repository, ref, event, run_url, stages"
            )
            marks = ", ".join("?" * 14)
            connection.execute(f"INSERT INTO runs ({columns}) VALUES ({marks})", (*values, *origin))
        connection.execute('INSERT INTO incidents VALUES (\'o/r:main\', \'{"key":"o/r:main","open":true}\')')

    newest, oldest = store.history().runs
    assert (oldest.run, oldest.commit, oldest.tests, oldest.failed, oldest.flaky) == ("0.1", "c" * 40, 9, 2, 1)
    assert (oldest.status, oldest.duration_s, oldest.line_ratio, oldest.branch) == ("fail", 3.5, 0.5, "main")
    assert [(stage.stage, stage.status) for stage in newest.stages] == [("lint", "pass"), ("unit", "fail")]
    assert newest.branch == ""
    assert [one.run_url for one in store.runs()] == ["https://x"] * 2
    assert store.incident("o/r:main") == Incident(key="o/r:main", open=True)
    assert store.check() == []


def test_changed_content_is_found_and_told(store: SqliteStore, path: Path) -> None:
    changes = {
        "UPDATE runs SET status = 'pass'": True,
        "DELETE FROM attempts": True,
        "UPDATE attempts SET attempts = 'P'": True,
        "UPDATE stages SET infrastructure = 'oom'": True,
        "UPDATE tests SET name = name || 'x'": True,
        "DELETE FROM stages": True,
        "UPDATE stages SET durations = zeroblob(9)": False,
        "DELETE FROM test_sets": False,
        "UPDATE tests SET step = step + 1": False,
        "UPDATE stages SET skipped = NULL": False,
    }
    for change, at_once in changes.items():
        path.unlink(missing_ok=True)
        path.with_name(path.name + "-wal").unlink(missing_ok=True)
        store.append(run(1, result("a"), result("b", FAIL), result("c", Outcome.SKIP), status="fail"))
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(change)
        assert store.check(), change
        if at_once:  # what gates read is checked whenever it is read
            with pytest.raises(StoreDamaged, match="damaged"):
                store.history()


def test_coverage_of_the_newest_runs_of_the_default_branch_is_given_back(store: SqliteStore) -> None:
    for number in range(1, 15):
        one = Coverage(files=(FileCoverage(path="a.py", covered=bits_of([1, number + 900]), missing=bits_of([2])),))
        more = msgspec.structs.replace(run(number, base=number < 14), parts={"coverage": kept_coverage.packed(one)})
        store.append(more)
    found = [past.coverage.files[0] for past in store.history(1).coverage]
    assert [lines_of(file.covered) for file in found] == [[1, number + 900] for number in range(13, 3, -1)]
    assert {(file.path, file.missing) for file in found} == {("a.py", bits_of([2]))}
    assert sum(bool(one.parts) for one in store.runs()) == 10


@pytest.mark.parametrize("data", [b"", b"{", b'{"a.py": ["zz", "0"]}', b"[]", b'{"a.py": 3}'])
def test_coverage_that_is_something_else_is_told_as_damage(store: SqliteStore, data: bytes) -> None:
    store.append(msgspec.structs.replace(run(1, base=True), parts={"coverage": data}))
    with pytest.raises(StoreDamaged, match="damaged"):
        store.history()


def test_copy_is_a_whole_store_while_another_writes(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    store.append(run(1, result("a"), result("b", PASS, PASS)))
    store.copy(tmp_path / "copy.sqlite")
    copied = SqliteStore(tmp_path / "copy.sqlite")
    assert list(copied.runs()) == list(store.runs())
    assert copied.check() == []


def test_damaged_table_definition_is_refused(store: SqliteStore, path: Path) -> None:
    store.append(run(1, result("a")))
    store.compact()
    path.write_bytes(path.read_bytes().replace(b"ref TEXT", b"ref TEX\xa2"))
    with pytest.raises(StoreDamaged):  # SQLite's own message about it is no UTF-8
        store.history()
