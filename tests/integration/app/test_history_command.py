"""`truegreen history` as its users type it: real evidence folders, real git remotes, real processes."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import app_evidence
from tests.support.app_desk import LAUNCHER, Desk
from tests.support.past_results import FAIL, PASS, result, run

from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def store(desk: Desk) -> SqliteStore:
    """Return the history of the desk's project."""
    return SqliteStore(desk.root / ".truegreen" / "history.sqlite")


def judged(desk: Desk, commit: str, *, failed: tuple[str, ...] = ()) -> None:
    """Leave evidence of a unit stage, and judge it."""
    files = app_evidence.pytest_files("test_a", "test_b", failed=failed)
    app_evidence.leave(desk.root / ".truegreen", "unit", files, commit=commit, tree="t", environment="e")
    assert desk.run("gate", "unit", "-q").code in (0, 1, 3)


@pytest.fixture
def commit(desk: Desk) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=desk.root, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_gate_keeps_every_test_and_query_tells_of_it(desk: Desk, commit: str) -> None:
    judged(desk, commit, failed=("test_b",))

    (kept,) = store(desk).runs()
    assert [(test.test, test.attempts) for test in kept.results["unit"]] == [
        ("tests/test_a.py::test_a", (PASS,)),
        ("tests/test_a.py::test_b", (FAIL,)),
    ]
    assert (kept.run.tests, kept.run.failed, kept.run.tree, kept.run.environment) == (2, 1, "t", "e")
    (told,) = desk.run("history", "query", "--failing", "--json").json
    assert (told["test"], told["runs"], told["failures"]) == ("tests/test_a.py::test_b", 1, 1)
    shown = desk.run("history", "query", "--stage", "unit", "test_a.py")
    assert [line.split()[-1][-1] for line in shown.out.splitlines()] == ["b", "a"]
    assert desk.run("history", "query", "nothing").err == "no such tests in the history\n"
    assert desk.run("history", "query", "--since", "2099-01-01", "--json").json == []
    assert desk.run("history", "query", "--since", "soon").code == 2


def test_list_is_what_history_does_alone(desk: Desk) -> None:
    store(desk).append(run(1, result(), status="fail"))
    assert desk.run("history").out == desk.run("history", "list").out
    assert "fail" in desk.run("history").out
    assert desk.run("history", "--json", "--limit", "1").json["runs"][0]["run"] == "1.1"


def test_import_builds_the_history_anew_from_evidence(desk: Desk, commit: str, tmp_path: Path) -> None:
    judged(desk, commit, failed=("test_b",))
    place = desk.root / ".truegreen"
    before = list(store(desk).runs())
    shutil.copytree(place, tmp_path / "runs" / "1")
    (place / "history.sqlite").write_bytes(b"damage" * 1000)

    taken = desk.run("history", "import", str(tmp_path / "runs"))

    assert (taken.code, taken.out.split(": ")[1]) == (0, "1 runs, 2 results, 1 new\n")
    assert "history.sqlite.broken" in taken.err
    assert list(store(desk).runs()) == before
    again = desk.run("history", "import", str(tmp_path / "runs" / "1"), "--json").json
    assert (again[0]["runs"], again[0]["new"], again[0]["tests"]) == (1, 0, 2)


def test_import_refuses_what_it_cannot_keep_whole(desk: Desk, commit: str, tmp_path: Path) -> None:
    judged(desk, commit)
    kept = len(store(desk).digests())
    whole = shutil.copytree(desk.root / ".truegreen", tmp_path / "whole")

    def refused(place: Path, code: int, text: str) -> None:
        ended = desk.run("history", "import", str(place))
        assert (ended.code, text in ended.err) == (code, True), ended.err

    changed = shutil.copytree(whole, tmp_path / "changed")
    (changed / "unit" / "junit.xml").write_bytes(b"<testsuites/>")
    refused(changed, 3, "changed after its stage ended")
    foreign = shutil.copytree(whole, tmp_path / "foreign")
    app_evidence.leave(foreign, "unit", app_evidence.pytest_files("test_a"), commit="f" * 40)
    refused(foreign, 3, "another run than the report")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", 3, "holds no report of a run")
    refused(tmp_path / "absent", 3, "there is no absent")
    (tmp_path / "lines.jsonl").write_text('\n{"run": 5}\n')
    refused(tmp_path / "lines.jsonl", 3, "lines.jsonl:2")
    (tmp_path / "none.jsonl").write_text('{"run": {"commit": "", "created": "", "status": ""}}\n')
    refused(tmp_path / "none.jsonl", 3, "no run of a history")
    assert len(store(desk).digests()) == kept


def test_export_then_import_gives_the_same_history(desk: Desk, tmp_path: Path) -> None:
    for number in range(3):
        store(desk).append(run(number, result("a"), result("b", FAIL, PASS, fingerprint="x")))
    before = list(store(desk).runs())
    assert "3 runs" in desk.run("history", "export", str(tmp_path / "runs.jsonl")).err
    shutil.copy(desk.root / ".truegreen" / "history.sqlite", tmp_path / "other.sqlite")
    for source in ("runs.jsonl", "other.sqlite"):
        (desk.root / ".truegreen" / "history.sqlite").unlink()
        assert desk.run("history", "import", str(tmp_path / source)).code == 0
        assert list(store(desk).runs()) == before


def test_export_to_standard_output_is_a_line_of_json_a_run(desk: Desk) -> None:
    store(desk).append(run(1, result("a[##[error]]")))
    done = subprocess.run([*LAUNCHER, "history", "export"], cwd=desk.root, capture_output=True, check=True)
    assert json.loads(done.stdout)["results"]["unit"][0]["test"] == "a[##[error]]"
    assert b"##[" not in done.stdout


def test_export_parquet_without_its_library_names_the_extra(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ended = desk.run("history", "export", "--format", "parquet", "runs.parquet")
    assert (ended.code, "truegreen[parquet]" in ended.err) == (4, True)
    assert desk.run("history", "export", "--format", "parquet").code == 2


def test_export_parquet_holds_a_row_for_each_test(desk: Desk) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    store(desk).append(run(1, result("a"), result("b", FAIL, PASS)))
    assert desk.run("history", "export", "--format", "parquet", "runs.parquet").code == 0
    rows = parquet.read_table(desk.root / "runs.parquet").to_pylist()
    assert [(row["test"], row["attempts"], row["base"]) for row in rows] == [
        ("a", "pass", True),
        ("b", "fail pass", True),
    ]


def test_check_tells_damage_and_exits_with_4(desk: Desk) -> None:
    store(desk).append(run(1, result("a")))
    assert desk.run("history", "check").code == 0
    with sqlite3.connect(desk.root / ".truegreen" / "history.sqlite") as connection:
        connection.execute("UPDATE tests SET name = 'b'")
    ended = desk.run("history", "check", "--json")
    assert (ended.code, len(ended.json), "history import" in ended.err) == (4, 1, True)


def test_compact_forgets_what_the_configuration_says(desk: Desk) -> None:
    for number in range(5):
        store(desk).append(run(number, result("a"), created=f"2020-01-01T00:00:0{number}Z"))
    assert "forgot 3 runs" in desk.run("history", "compact", "--set", "history.keep-runs=2").err
    assert [one.run.run for one in store(desk).runs()] == ["3.1", "4.1"]
    assert "forgot 2 runs" in desk.run("history", "compact", "--set", "history.keep-days=1").err


def test_gate_forgets_old_runs_by_itself_and_keeps_them_where_it_was_told(desk: Desk, commit: str) -> None:
    desk.configure('[tool.truegreen.history]\nkeep-runs = 1\npath = "kept/h.sqlite"\n')
    for failed in ((), ("test_b",)):
        judged(desk, commit, failed=failed)
    assert len(SqliteStore(desk.root / "kept" / "h.sqlite").digests()) == 1
    assert not (desk.root / ".truegreen" / "history.sqlite").exists()


def test_path_that_is_a_link_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.configure('[tool.truegreen.history]\npath = "link/h.sqlite"\n')
    (desk.root / "link").symlink_to(tmp_path)
    assert "symbolic link" in desk.run("history").err


def remote(desk: Desk, tmp_path: Path) -> Path:
    """Give the desk's project a bare repository as its origin."""
    bare = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    subprocess.run(["git", "remote", "add", "origin", str(bare)], cwd=desk.root, check=True)
    desk.configure('[tool.truegreen.history]\nbranch = "truegreen-history"\n')
    return bare


def test_push_then_pull_carries_the_history_over_a_branch(desk: Desk, tmp_path: Path) -> None:
    bare = remote(desk, tmp_path)
    store(desk).append(run(1, result("a")))
    assert desk.run("history", "pull").code == 0  # nothing there yet
    assert desk.run("history", "push").code == 0
    store(desk).append(run(2, result("a", FAIL)))
    assert desk.run("history", "push").code == 0
    count = subprocess.run(
        ["git", "rev-list", "--count", "--all"], cwd=bare, capture_output=True, text=True, check=True
    )
    assert count.stdout.strip() == "1"  # the repository does not grow with every write
    before = list(store(desk).runs())
    (desk.root / ".truegreen" / "history.sqlite").unlink()
    ended = desk.run("history", "pull")
    assert "2 runs taken in" in ended.err
    assert list(store(desk).runs()) == before
    status = subprocess.run(["git", "status", "--porcelain"], cwd=desk.root, capture_output=True, text=True, check=True)
    assert "history" not in status.stdout.replace(".truegreen", "")


def test_writers_that_race_for_a_branch_lose_nothing(desk: Desk, tmp_path: Path) -> None:
    bare = remote(desk, tmp_path)
    clones = []
    for number in range(3):
        clone = tmp_path / f"clone{number}"
        subprocess.run(["git", "clone", "-q", str(bare), str(clone)], check=True, capture_output=True)
        shutil.copy(desk.root / "pyproject.toml", clone)
        for one in range(4):
            SqliteStore(clone / ".truegreen" / "history.sqlite").append(run(number * 10 + one, result("a", FAIL)))
        clones.append(clone)
    argv = [*LAUNCHER, "history", "push"]
    writers = [subprocess.Popen(argv, cwd=clone, stderr=subprocess.PIPE, env=os.environ) for clone in clones]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0], [w.stderr.read() for w in writers if w.stderr]
    assert desk.run("history", "pull").code == 0
    assert sorted(one.run.run for one in store(desk).runs()) == sorted(
        f"{n * 10 + m}.1" for n in range(3) for m in range(4)
    )
    assert store(desk).check() == []


def test_push_that_the_server_refuses_says_what_to_do(desk: Desk, tmp_path: Path) -> None:
    bare = remote(desk, tmp_path)
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
    hook.chmod(0o755)
    store(desk).append(run(1, result("a")))
    ended = desk.run("history", "push")
    assert (ended.code, "protected branch" in ended.err, "contents: write" in ended.err) == (4, True, True)
    shutil.rmtree(bare)
    assert desk.run("history", "pull").code == 4


def test_branch_of_something_else_is_refused_and_left_alone(desk: Desk, tmp_path: Path) -> None:
    bare = remote(desk, tmp_path)
    subprocess.run(["git", "push", "-q", "origin", "HEAD:truegreen-history"], cwd=desk.root, check=True)
    before = subprocess.run(["git", "rev-parse", "truegreen-history"], cwd=bare, capture_output=True, check=True).stdout
    store(desk).append(run(1, result("a")))
    ended = desk.run("history", "push")
    assert (ended.code, "holds no history" in ended.err) == (4, True)
    assert (
        subprocess.run(["git", "rev-parse", "truegreen-history"], cwd=bare, capture_output=True, check=True).stdout
        == before
    )


def test_push_then_pull_carries_the_history_over_a_folder(desk: Desk, tmp_path: Path) -> None:
    desk.configure(f'[tool.truegreen.history]\nfolder = "{tmp_path / "cache"}"\n')
    store(desk).append(run(1, result("a")))
    assert desk.run("history", "push").code == 0
    (desk.root / ".truegreen" / "history.sqlite").unlink()
    assert "1 runs taken in" in desk.run("history", "pull").err
    assert len(store(desk).digests()) == 1


def test_push_without_a_place_names_the_table(desk: Desk) -> None:
    ended = desk.run("history", "push")
    assert (ended.code, "[tool.truegreen.history]" in ended.err) == (2, True)
