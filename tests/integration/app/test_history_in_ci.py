"""The history in runs of a CI: read from a branch by the report, kept there by a job of its own, over a real server."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import app_evidence
from tests.support.app_desk import LAUNCHER, Desk, Ended
from tests.support.git_server import GitServer
from tests.support.github_api import GithubApi
from tests.support.past_results import FAIL, PASS, result, run

from truegreen.app import carrying
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READS, WRITES = "ghs_only_reads", "ghs_reads_and_writes"
BRANCH = "truegreen-history"
ON = f'[tool.truegreen.history]\nbranch = "{BRANCH}"\n'
SET = "gates.coverage.enabled=false\ngates.time-budget.enabled=false"
REPOSITORY = {"default_branch": "main", "full_name": "o/r"}


@pytest.fixture
def server(desk: Desk, tmp_path: Path) -> Iterator[GitServer]:
    """The private repository that the desk's project is a checkout of."""
    with GithubApi() as api, GitServer(tmp_path / "served", writers=(WRITES,), readers=(READS,)) as found:
        found.make("o/r")
        desk.git("remote", "add", "origin", f"{found.url}/o/r")
        desk.configure(ON)
        desk.commit()
        desk.env(GITHUB_SERVER_URL=found.url, GITHUB_ACTIONS="true", GITHUB_API_URL=api.url)
        desk.env(GITHUB_STEP_SUMMARY=str(desk.root.parent / "page.md"), TG_SET=SET)
        yield found


def kept(server: GitServer, tmp_path: Path) -> SqliteStore:
    """Return the history as it lies on the branch."""
    shown = subprocess.run(
        ["git", "cat-file", "blob", f"{BRANCH}:history.sqlite"],
        cwd=server.root / "o/r.git",
        capture_output=True,
        check=True,
    )
    path = tmp_path / "on-branch.sqlite"
    path.write_bytes(shown.stdout)
    return SqliteStore(path)


def event(desk: Desk, number: int, *, attempt: int = 1, name: str = "push", **more: Any) -> None:
    """Make this a run of the CI."""
    payload = {"after": desk.git("rev-parse", "HEAD"), "ref": "refs/heads/main", "repository": REPOSITORY}
    ref = more.pop("ref", "refs/heads/main")
    desk.event(name, payload | more, GITHUB_REF=ref, GITHUB_RUN_ID=str(number), GITHUB_RUN_ATTEMPT=str(attempt))


def from_pull_request(desk: Desk, number: int, repository: str, **more: Any) -> None:
    """Make this a run for a pull request from a repository."""
    head = {"ref": "topic", "sha": desk.git("rev-parse", "HEAD"), "repo": {"full_name": repository}}
    base = {"ref": "main", "sha": "b" * 40, "repo": REPOSITORY}
    pull = {"number": 7, "labels": [], "head": head, "base": base}
    event(desk, number, name="pull_request", ref="refs/pull/7/merge", pull_request=pull, **more)


def judge(desk: Desk, *names: str, failed: tuple[str, ...] = (), token: str = READS) -> dict[str, Any]:
    """Run the report job on a unit stage with these tests, and return its verdict."""
    run_id = f"{os.environ['GITHUB_RUN_ID']}.{os.environ['GITHUB_RUN_ATTEMPT']}"
    artifacts = desk.root.parent / "artifacts"
    more = {"tree": desk.git("rev-parse", "HEAD^{tree}"), "environment": "e", "run_id": run_id}
    files = app_evidence.pytest_files(*(names or ("test_a", "test_b")), failed=failed)
    app_evidence.leave(artifacts, "unit", files, commit=desk.git("rev-parse", "HEAD"), name="truegreen-unit", **more)
    desk.env(TG_EVIDENCE=str(artifacts), TG_STAGES_JSON='["unit"]', GITHUB_TOKEN=token)
    assert desk.run("ci", "report").code == 0
    report: dict[str, Any] = json.loads((desk.root / ".truegreen" / "report" / "verdict.json").read_text())
    return report


def keep(desk: Desk, token: str = WRITES) -> Ended:
    """Run the job that keeps the history."""
    desk.env(TG_EVIDENCE=str(desk.root / ".truegreen"), GITHUB_TOKEN=token)
    return desk.run("ci", "history")


def page(desk: Desk) -> str:
    """Return what the run wrote on its summary page so far."""
    return (desk.root.parent / "page.md").read_text()


def facts(report: dict[str, Any]) -> dict[str, str]:
    """Return what the gates measured."""
    verdicts = [verdict for stage in report["stages"] for verdict in stage["verdicts"]]
    return {fact["label"]: fact["value"] for verdict in verdicts for fact in verdict["facts"]}


def test_second_run_is_compared_with_the_first(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    event(desk, 1)
    first = judge(desk, "test_a", "test_b")
    assert first["history"] == f"no earlier run on branch {BRANCH} at origin yet"
    ended = keep(desk)
    assert ended.code == 0, ended.err
    assert "kept run 1.1: 1 run, " in ended.err
    assert "truegreen history: kept run 1.1" in page(desk)
    event(desk, 2)
    second = judge(desk, "test_a")
    assert second["history"] == f"compared with 1 earlier run on branch {BRANCH} at origin"
    assert "History: compared with 1 earlier run" in page(desk)
    assert facts(second)["fewer than on the default branch"] == "1"
    assert keep(desk).code == 0
    assert [(one.run.run, one.run.base, one.run.tests) for one in kept(server, tmp_path).runs()] == [
        ("1.1", True, 2),
        ("2.1", True, 1),
    ]
    assert not (desk.root / ".truegreen" / "history.sqlite").exists()


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


def test_red_run_is_kept_and_a_job_that_runs_again_keeps_it_once(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    event(desk, 1)
    assert judge(desk, failed=("test_b",))["status"] == "fail"
    assert keep(desk).code == 0
    event(desk, 1, attempt=2)  # only the keeping job is started again: its report is of the first attempt
    assert "was kept before: run 1.1: 1 run" in keep(desk).err
    (one,) = kept(server, tmp_path).runs()
    assert (one.run.run, one.run.status, one.run.failed) == ("1.1", "fail", 1)


def test_stage_that_was_not_run_again_does_not_count_twice(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    event(desk, 1)
    judge(desk)
    keep(desk)
    artifacts = desk.root.parent / "artifacts"
    # Another job failed, and was started again; the evidence of unit stays what it was.
    before = (artifacts / "truegreen-unit" / "stage.json").read_text()
    event(desk, 1, attempt=2)
    judge(desk)
    (artifacts / "truegreen-unit" / "stage.json").write_text(before)
    desk.env(TG_EVIDENCE=str(artifacts))
    assert desk.run("ci", "report").code == 0
    keep(desk)
    assert [(one.run.run, one.run.tests) for one in kept(server, tmp_path).runs()] == [("1.1", 2), ("1.2", 0)]


def refs(server: GitServer) -> str:
    """Return the branches of the repository."""
    return subprocess.run(
        ["git", "for-each-ref"], cwd=server.root / "o/r.git", capture_output=True, text=True, check=True
    ).stdout


def test_pull_request_from_a_fork_is_judged_with_the_history_and_not_kept(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    judge(desk, "test_a", "test_b")
    keep(desk)
    before = refs(server)
    desk.configure(ON + "pull-requests = true\n")  # whoever opens a pull request may write what he wants
    desk.commit()
    from_pull_request(desk, 2, "mallory/r")
    report = judge(desk, "test_a")
    assert report["history"].startswith("compared with 1 earlier run")
    assert report["history"].endswith("this run will not be kept: the pull request comes from a fork")
    assert facts(report)["fewer than on the default branch"] == "1"
    assert "will not be kept: the pull request comes from a fork" in page(desk)
    ended = keep(desk)
    assert (ended.code, ended.err) == (0, "not kept: the pull request comes from a fork\n")
    assert refs(server) == before


def test_pull_request_of_the_repository_is_kept_where_that_is_wanted(
    desk: Desk, server: GitServer, tmp_path: Path
) -> None:
    from_pull_request(desk, 1, "o/r")
    assert "history.pull-requests is not set" in judge(desk)["history"]
    assert "not kept" in keep(desk).err
    desk.configure(ON + "pull-requests = true\n")
    desk.commit()
    from_pull_request(desk, 2, "o/r")
    assert "kept" not in judge(desk)["history"]
    assert keep(desk).code == 0
    (one,) = kept(server, tmp_path).runs()
    assert (one.run.run, one.run.branch, one.run.base) == ("2.1", "pull/7", False)


@pytest.mark.parametrize(
    ("name", "ref", "base"),
    [
        ("schedule", "refs/heads/main", "of the default branch"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-abc", ""),
        ("workflow_dispatch", "refs/heads/topic", ""),
        ("release", "refs/tags/v1", ""),
    ],
)
def test_run_of_the_repositorys_own_branches_is_kept(
    desk: Desk, server: GitServer, tmp_path: Path, name: str, ref: str, base: str
) -> None:
    event(desk, 1, name=name, ref=ref)
    if name == "schedule":  # GitHub sends nothing but the line of the schedule
        desk.event(name, {"schedule": "0 3 * * *"})
    judge(desk)
    assert keep(desk).code == 0
    (one,) = kept(server, tmp_path).runs()
    assert (one.run.base, one.event) == (bool(base), name)


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("pull_request_target", {}, "may judge code that nobody reviewed"),
        ("workflow_run", {}, "may judge code that nobody reviewed"),
        ("pull_request", {}, "does not say where"),
        ("push", {"GITHUB_ACTOR": "dependabot[bot]"}, "Dependabot"),
    ],
)
def test_run_that_nobody_vouches_for_is_not_kept(
    desk: Desk, server: GitServer, name: str, more: dict[str, str], why: str
) -> None:
    event(desk, 1)
    judge(desk)
    desk.event(name, {}, **more)
    ended = keep(desk)
    assert (ended.code, why in ended.err) == (0, True)
    assert refs(server) == ""


def test_file_of_the_checkout_is_not_taken_for_the_history(desk: Desk, server: GitServer) -> None:
    forged = SqliteStore(desk.root / ".truegreen" / "history.sqlite")
    forged.append(run(1, result("tests/test_a.py::test_b", FAIL, PASS)))
    event(desk, 2)
    assert judge(desk)["history"].startswith("no earlier run")


def test_history_that_came_with_the_code_is_not_believed(desk: Desk, server: GitServer) -> None:
    desk.configure('[tool.truegreen.history]\npath = "past.sqlite"\n')
    SqliteStore(desk.root / "past.sqlite").append(run(1, result("tests/test_a.py::test_b", FAIL, PASS)))
    desk.git("add", "--force", "past.sqlite")
    desk.commit()
    event(desk, 2)
    report = judge(desk)
    assert "the history is a file of the code that is judged" in report["history"]
    assert "::warning title=truegreen history::" in desk.run("ci", "report").err
    assert len(SqliteStore(desk.root / "past.sqlite").digests()) == 1
    desk.git("rm", "-q", "--cached", "past.sqlite")  # a machine of one's own keeps it outside of git
    assert judge(desk)["history"] == ""
    assert len(SqliteStore(desk.root / "past.sqlite").digests()) == 2


def test_damaged_history_of_a_machine_of_ones_own_is_told_on_the_page(desk: Desk, server: GitServer) -> None:
    desk.configure("")
    desk.write(".truegreen/history.sqlite", "damage" * 1000)
    event(desk, 1)
    assert judge(desk)["history"].startswith("nothing was compared with earlier runs: the history is damaged")
    assert judge(desk)["history"] == ""


def test_branch_that_cannot_be_read_is_told_and_leaves_the_verdict(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    status = judge(desk)["status"]
    keep(desk)
    server.broken = 99
    event(desk, 2)
    report = judge(desk)
    assert report["status"] == status == "pass"
    assert report["history"].startswith("nothing was compared with earlier runs: the branch truegreen-history")
    assert "nothing was compared with earlier runs" in page(desk)
    server.broken = 1  # a server that stumbles once is asked again
    assert judge(desk)["history"].startswith("compared with 1")


def test_keeping_that_fails_is_red_for_itself_and_told_on_the_page(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    judge(desk)
    ended = keep(desk, token=READS)
    assert ended.code == 4
    assert "contents: write" in ended.err
    assert "::error title=truegreen history::not kept: the branch truegreen-history cannot be written" in ended.err
    assert "truegreen history: not kept" in page(desk)


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
    desk.git("-c", f"http.{server.url}/.extraheader=Authorization: basic {_basic('')}", "push", "-q", "origin",
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


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()


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
    header = f"http.{server.url}/.extraheader=Authorization: basic {_basic(WRITES)}"
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


def other(server: GitServer, tmp_path: Path, number: int) -> None:
    """Write somebody else's run to the branch, beside what lies there."""
    bare = server.root / "o/r.git"

    def ask(*words: str, given: str = "") -> str:
        who = ["-c", "user.name=o", "-c", "user.email=o@example.invalid"]
        return subprocess.run(
            ["git", *who, *words], cwd=bare, input=given, capture_output=True, text=True, check=True
        ).stdout.strip()

    store = kept(server, tmp_path) if refs(server) else SqliteStore(tmp_path / "on-branch.sqlite")
    store.append(run(number, result("other")))
    blob = ask("hash-object", "-w", str(tmp_path / "on-branch.sqlite"))
    tree = ask("mktree", given=f"100644 blob {blob}\thistory.sqlite\n")
    ask("update-ref", f"refs/heads/{BRANCH}", ask("commit-tree", tree, "-m", "other"))


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


def test_report_that_left_nothing_or_is_of_another_run_is_refused(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    judge(desk)
    event(desk, 2)
    ended = keep(desk)
    assert (ended.code, "of another run" in ended.err) == (3, True)
    left = desk.root / ".truegreen" / "report" / "run.jsonl"
    left.write_text("{")
    assert (keep(desk).code, "no run of a history" in keep(desk).err) == (3, True)
    left.unlink()
    assert (keep(desk).code, "left nothing to keep" in keep(desk).err) == (3, True)
    desk.monkeypatch.delenv("GITHUB_RUN_ID")
    assert (keep(desk).code, "no run of a CI" in keep(desk).err) == (2, True)


def test_folder_keeps_the_runs_of_a_machine_of_ones_own(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    desk.configure(f'[tool.truegreen.history]\nfolder = "{tmp_path / "kept"}"\nkeep-runs = 1\n')
    desk.commit()
    for number in (1, 2):
        event(desk, number)
        judge(desk)
        assert keep(desk).code == 0
    assert list(SqliteStore(tmp_path / "kept" / "history.sqlite").digests()) == ["2.1"]


def test_run_beside_the_report_is_what_import_reads(desk: Desk, server: GitServer) -> None:
    event(desk, 1)
    judge(desk)
    ended = desk.run("history", "import", ".truegreen/report/run.jsonl")
    assert (ended.code, "1 runs, 2 results, 1 new" in ended.out) == (0, True)
