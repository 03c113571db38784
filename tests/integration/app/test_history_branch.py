"""The branch that holds the history: who may write it, writers at once, and what is on it that should not be."""

from __future__ import annotations

import base64
import os
import signal
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from tests.support import history_desk
from tests.support.app_desk import LAUNCHER
from tests.support.history_desk import BRANCH, ON, WRITES, basic, event, judge, keep, kept, other, refs
from tests.support.past_results import result, run

from truegreen.app import carrying
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk
    from tests.support.git_server import GitServer


@pytest.fixture
def server(desk: Desk, tmp_path: Path) -> Iterator[GitServer]:
    """The private repository that the desk's project is a checkout of."""
    with history_desk.serving(desk, tmp_path / "served") as found:
        yield found


def test_attributes_of_the_project_do_not_change_the_history(desk: Desk, server: GitServer) -> None:
    desk.write(".gitattributes", "* text eol=crlf\n*.sqlite text eol=crlf ident\n")
    for number in (1, 2, 3):
        event(desk, number)
        report = judge(desk)
        assert keep(desk).code == 0
    assert report["history"].startswith("compared with 2 earlier runs")


@pytest.mark.parametrize("depth", [[], ["--depth=2"]])
def test_clone_is_left_as_deep_as_it_was(desk: Desk, tmp_path: Path, depth: list[str]) -> None:
    desk.configure(ON)
    for _ in range(3):
        desk.commit()
    bare, clone = tmp_path / "origin.git", tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--bare", str(desk.root), str(bare)], check=True)
    subprocess.run(["git", "clone", "-q", *depth, bare.as_uri(), str(clone)], check=True)

    def asked(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=clone, capture_output=True, text=True, check=True).stdout

    before = asked("rev-list", "HEAD") + asked("rev-parse", "--is-shallow-repository")
    SqliteStore(clone / ".truegreen" / "history.sqlite").append(run(1, result()))
    for words in ("push", "pull", "push"):
        assert desk.run("history", words, "-C", str(clone)).code == 0
    assert asked("rev-list", "HEAD") + asked("rev-parse", "--is-shallow-repository") == before
    assert asked("status", "--porcelain", "--untracked-files=no") == ""


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ('remote = "--upload-pack=touch pwned;"', 2, "history.remote"),
        ('remote = "vendored"', 4, "there is no remote vendored"),
        ('remote = "ext::touch pwned"', 2, "history.remote"),
    ],
)
def test_remote_that_a_change_made_up_is_not_asked(
    desk: Desk, server: GitServer, settings: str, code: int, words: str
) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(desk.root / "vendored")], check=True)
    desk.configure(f"{ON}{settings}\n")
    ended = desk.run("history", "pull")
    assert (ended.code, words in ended.err) == (code, True), ended.err
    assert not (desk.root / "pwned").exists()


@pytest.mark.parametrize(
    "branch", ["x:refs/heads/main", "-f", "../main", "a..b", "a//b", "a/", "a.lock", "a b", "@{u}"]
)
def test_branch_that_git_could_misread_is_refused(desk: Desk, server: GitServer, branch: str) -> None:
    desk.configure(f'[tool.truegreen.history]\nbranch = "{branch}"\n')
    for argv in (("history", "push"), ("ci", "plan")):
        ended = desk.run(*argv)
        assert (ended.code, "history.branch" in ended.err) == (2, True), ended.err
    assert "history.branch" in desk.run("doctor").out


def test_branch_with_anything_beside_the_history_is_left_alone(desk: Desk, server: GitServer) -> None:
    SqliteStore(desk.root / "history.sqlite").append(run(1, result()))
    desk.git("add", "--all")
    desk.commit()
    header = f"http.{server.url}/.extraheader=Authorization: basic {basic(WRITES)}"
    desk.git("-c", header, "push", "-q", "origin", "HEAD:main")
    before = refs(server)
    event(desk, 1)
    desk.configure('[tool.truegreen.history]\nbranch = "main"\n')
    judge(desk)
    ended = keep(desk)
    assert (ended.code, "holds no history" in ended.err) == (4, True)
    assert refs(server) == before


def test_branch_does_not_grow_beyond_what_is_to_be_kept(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    desk.configure(ON + "keep-runs = 2\n")
    desk.commit()
    for number in range(1, 5):
        event(desk, number)
        judge(desk, f"test_on_day[{number}]", failed=(f"test_on_day[{number}]",))  # a name that never comes again
        assert keep(desk).code == 0
    left = kept(server, tmp_path)
    assert sorted(left.digests()) == ["3.1", "4.1"]
    assert [one.results["unit"][0].test[-3:] for one in left.runs()] == ["[3]", "[4]"]
    assert left.check() == []
    with sqlite3.connect(tmp_path / "on-branch.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM tests").fetchone() == (2,)
    counted = subprocess.run(
        ["git", "rev-list", "--count", "--all"], cwd=server.root / "o/r.git", capture_output=True, check=True
    )
    assert counted.stdout.strip() == b"1"


def test_writers_at_once_lose_nothing_and_one_that_is_killed_leaves_the_branch_whole(
    desk: Desk, server: GitServer, tmp_path: Path
) -> None:
    argv = [*LAUNCHER, "ci", "history"]
    writers = []
    for number in range(1, 6):
        event(desk, number)
        judge(desk)
        left = tmp_path / f"left{number}"
        (left / "report").mkdir(parents=True)
        (left / "report" / "run.jsonl").write_bytes((desk.root / ".truegreen" / "report" / "run.jsonl").read_bytes())
        clone = tmp_path / f"clone{number}"
        subprocess.run(["git", "clone", "-q", str(desk.root), str(clone)], check=True)
        subprocess.run(["git", "remote", "set-url", "origin", f"{server.url}/o/r"], cwd=clone, check=True)
        env = {**os.environ, "GITHUB_TOKEN": WRITES, "TG_EVIDENCE": str(left)}
        writers.append(subprocess.Popen(argv, cwd=clone, env=env, stderr=subprocess.PIPE, start_new_session=True))
    time.sleep(0.4)
    os.killpg(writers[0].pid, signal.SIGKILL)
    assert [writer.wait(120) for writer in writers[1:]] == [0] * 4, [w.communicate()[1] for w in writers[1:]]
    writers[0].wait()
    found = kept(server, tmp_path)
    assert found.check() == []
    assert {one.run.run for one in found.runs()} >= {f"{number}.1" for number in range(2, 6)}


def test_writer_who_is_late_starts_over_and_loses_nothing(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    event(desk, 1)
    judge(desk)
    server.before_push = lambda: other(server, tmp_path, 900)
    ended = keep(desk)
    assert (ended.code, "at attempt 2" in ended.err) == (0, True), ended.err
    assert set(kept(server, tmp_path).digests()) == {"1.1", "900.1"}


def test_server_that_stumbles_at_the_push_is_asked_again(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    def stumble() -> None:
        server.broken = 1

    event(desk, 1)
    judge(desk)
    server.before_push = stumble
    ended = keep(desk)
    assert (ended.code, "at attempt 2" in ended.err) == (0, True), ended.err
    assert set(kept(server, tmp_path).digests()) == {"1.1"}


def test_writer_who_is_always_late_gives_up_and_says_why(
    desk: Desk, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_PAUSE_S", 0.0)
    numbers = iter(range(900, 950))

    def first() -> None:
        other(server, tmp_path, next(numbers))
        server.before_push = first

    event(desk, 1)
    judge(desk)
    server.before_push = first
    ended = keep(desk)
    assert ended.code == 4
    assert "another writer was first, at the last of 12 attempts" in ended.err
    assert len(kept(server, tmp_path).digests()) == 12


def test_damaged_history_is_neither_written_over_nor_believed(desk: Desk, server: GitServer) -> None:
    blob = desk.write("history.sqlite", "SQLite format 3\0" + "damage" * 1000)
    content = desk.git("hash-object", "-w", str(blob))
    blob.unlink()
    tree = subprocess.run(
        ["git", "mktree"], input=f"100644 blob {content}\thistory.sqlite\n", cwd=desk.root, capture_output=True,
        text=True, check=True,
    ).stdout.strip()  # fmt: skip
    commit = desk.git("commit-tree", tree, "-m", "x")
    server.writers = (WRITES, "")
    desk.git("-c", f"http.{server.url}/.extraheader=Authorization: basic {basic('')}", "push", "-q", "origin",
             f"{commit}:refs/heads/{BRANCH}")  # fmt: skip
    before = refs(server)
    event(desk, 1)
    report = judge(desk)
    assert "the history is damaged" in report["history"]
    ended = keep(desk)
    assert ended.code == 4
    assert f"where: branch {BRANCH} at origin" in ended.err
    assert "history import" in ended.err
    assert refs(server) == before


def test_token_is_shown_to_the_forges_server_only_and_stands_in_no_log(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    judge(desk)
    assert {shown for path, shown in server.requests if "receive-pack" in path} == set()
    ended = keep(desk)
    pushes = {shown for path, shown in server.requests if "receive-pack" in path}
    assert pushes == {"basic " + base64.b64encode(f"x-access-token:{WRITES}".encode()).decode()}
    assert not any(secret in ended.err + ended.out for shown in pushes for secret in (WRITES, shown.split()[1]))
    assert "extraheader" not in (desk.root / ".git" / "config").read_text()
    # Credentials that a checkout kept do not meet ours: a server refuses two of them.
    desk.git("config", f"http.{server.url}/.extraheader", "AUTHORIZATION: basic b2xk")
    event(desk, 2)
    judge(desk)
    assert keep(desk).code == 0
    elsewhere = desk.git("config", "remote.origin.url").replace("127.0.0.1", "localhost")
    desk.git("remote", "set-url", "origin", elsewhere)
    server.requests.clear()
    assert keep(desk).code == 4
    assert {shown for _, shown in server.requests} == {""}
