"""The real commands, killed for real between any two requests, and run again: all is there exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import foreign_runs
from tests.support.app_desk import LAUNCHER
from tests.support.app_evidence import FINDING, leave, linted
from tests.support.github_api import Fault, GithubApi

from truegreen.errors import EXIT_ENGINE, EXIT_OK
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk

WITH_CHECK = ("publish", "--set", "report.check-run=true")
STATUS = ("statuses.combined", "statuses.create")
REQUESTS = (*STATUS, "comments.list", "comments.create", "checks.list", "checks.create")
OF_A_FORK = ("artifacts.list", "artifacts.zip", "pulls.list", *STATUS, "comments.list", "comments.create")


@pytest.fixture
def page(desk: Desk, api: GithubApi) -> Path:
    place = desk.root.parent / "summary.md"
    desk.env(GITHUB_TOKEN="ghs_secret", GITHUB_API_URL=api.url, GITHUB_STEP_SUMMARY=str(place))
    return place


def judged(desk: Desk) -> None:
    """Judge a red lint stage in a run of pull request 7."""
    commit = desk.git("rev-parse", "HEAD")
    leave(desk.root / ".truegreen", "lint", linted([FINDING]), commit=commit)
    payload = {"pull_request": {"number": 7, "head": {"sha": commit, "repo": {"full_name": "o/r"}}}}
    desk.event("pull_request", payload, GITHUB_RUN_ID="77", GITHUB_REF="refs/pull/7/merge")
    desk.run("gate", "lint")


def kill_at(desk: Desk, api: GithubApi, at: int, command: tuple[str, ...], *, acted: bool) -> None:
    """Run a command in a process of its own; at its n-th request the server kills it, and answers nothing."""
    child: list[int] = []
    api.fault(at, Fault(act=acted, cut=True, call=lambda: os.kill(child[0], signal.SIGKILL)))
    process = subprocess.Popen(
        [*LAUNCHER, *command], cwd=desk.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    child.append(process.pid)
    assert process.wait(60) == -signal.SIGKILL
    assert len(api.requests) == at


def assert_once(api: GithubApi, said: str) -> None:
    (comment,) = api.comments[7]
    assert said in comment["body"]
    assert {row["state"] for row in api.statuses} == {"failure"}


@pytest.mark.parametrize("acted", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(REQUESTS) + 1))
def test_publish_killed_between_requests_and_run_again_is_there_once(
    desk: Desk, api: GithubApi, page: Path, at: int, *, acted: bool
) -> None:
    judged(desk)
    kill_at(desk, api, at, WITH_CHECK, acted=acted)
    assert api.operations() == list(REQUESTS[:at])
    ended = desk.run(*WITH_CHECK, "--strict")
    assert ended.code == EXIT_OK, ended.err
    assert_once(api, "unused import")
    assert [len(run["annotations"]) for run in api.check_runs] == [1]
    before = api.operations()
    assert desk.run(*WITH_CHECK, "--strict").code == EXIT_OK
    assert api.operations()[len(before) :] == [*STATUS, "comments.list", "checks.list"]


@pytest.mark.parametrize("acted", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, len(OF_A_FORK) + 1))
def test_publication_of_a_fork_killed_between_requests_and_run_again_is_there_once(
    desk: Desk, api: GithubApi, page: Path, at: int, *, acted: bool
) -> None:
    api.add_pull(7, foreign_runs.SHA)
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(Status.FAIL)))
    foreign_runs.ended(desk, conclusion="failure")
    kill_at(desk, api, at, ("ci", "publish"), acted=acted)
    assert api.operations() == list(OF_A_FORK[:at])
    assert desk.run("ci", "publish").code == EXIT_OK
    assert_once(api, "test_saves_0")


FOR_EVER = {
    "403": Fault(status=403, message="Resource not accessible by integration"),
    "404": Fault(status=404, message="Not Found"),
    "422": Fault(status=422, message="Validation Failed"),
    # An hour is longer than the limit, so that the command gives up at once instead of after 75 s a surface.
    "429": Fault(status=429, headers={"Retry-After": "3600"}, message="Too many requests"),
    "502": Fault(status=502, headers={"Retry-After": "3600"}, message="Server Error"),
}


@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("name", FOR_EVER)
def test_publish_fault_for_ever_has_a_message_an_exit_code_and_leaves_the_summary(
    desk: Desk, api: GithubApi, page: Path, operation: str, name: str
) -> None:
    judged(desk)
    desk.env(TG_STAGES_JSON='["lint"]', TG_JOBS='{"lint": {"result": "success"}}', TG_SET="report.check-run=true")
    api.base_path = "/api/v3"
    desk.env(GITHUB_API_URL=api.url, TG_EVIDENCE=str(desk.root / ".truegreen"))
    api.fault(operation, *[FOR_EVER[name]] * 50)
    ended = desk.run("ci", "report")
    assert ended.code == EXIT_OK, "the verdict is judged, and the job `result` is red"
    assert "truegreen: fail" in page.read_text()
    strict = desk.run(*WITH_CHECK, "--strict")
    if operation == "statuses.combined" and name in ("403", "404", "422"):
        assert strict.code == EXIT_OK, "who may not look whether a later run has spoken still says its own word"
        assert ": not written, " not in strict.err
        return
    assert strict.code == EXIT_ENGINE
    for said in (ended.err, strict.err):
        assert ": not written, " in said
        assert ("grant `" in said) is (name in ("403", "404"))
        assert "the report is in the summary of the run, and the verdict stands" in said
    assert len(api.comments.get(7, [])) <= 1
    assert len(api.check_runs) <= 1
    whole: Any = [row["state"] for row in api.statuses]
    assert set(whole) <= {"failure"}
