"""A project whose CI keeps its history on a branch of a real git server, and the jobs of its runs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support import app_evidence
from tests.support.git_server import GitServer
from tests.support.github_api import GithubApi
from tests.support.past_results import result, run

from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk, Ended

READS, WRITES = "ghs_only_reads", "ghs_reads_and_writes"
BRANCH = "truegreen-history"
ON = f'[tool.truegreen.history]\nbranch = "{BRANCH}"\n'
SET = "gates.coverage.enabled=false\ngates.time-budget.enabled=false"
REPOSITORY = {"default_branch": "main", "full_name": "o/r"}


@contextmanager
def serving(desk: Desk, folder: Path) -> Iterator[GitServer]:
    """Make the desk's project a checkout of a private repository, and serve that."""
    with GithubApi() as api, GitServer(folder, writers=(WRITES,), readers=(READS,)) as found:
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


def refs(server: GitServer) -> str:
    """Return the branches of the repository."""
    return subprocess.run(
        ["git", "for-each-ref"], cwd=server.root / "o/r.git", capture_output=True, text=True, check=True
    ).stdout


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


def basic(token: str) -> str:
    """Return how git shows a token."""
    return base64.b64encode(f"x-access-token:{token}".encode()).decode()
