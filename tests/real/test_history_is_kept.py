"""The history on a branch, as a caller's workflow keeps it: a push is kept, a fork's pull request compared with it.

The repository is on a real git server whose tokens may read and write as a forge's may.
"""

from __future__ import annotations

import subprocess

import pytest
from tests.real import pipeline
from tests.real.forge import Forge
from tests.support.git_server import GitServer
from tests.support.github_api import GithubApi

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
READS = "ghs_0123456789onlyreadstoken0123456789"


@pytest.fixture(scope="module")
def forge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forge")
    writers, readers = (pipeline.GITHUB_TOKEN,), (READS,)
    with GithubApi() as api, GitServer(folder / "git", writers=writers, readers=readers) as server:
        yield Forge(api, server, folder)
        assert api.violations == []


@pytest.fixture(scope="module")
def caller(forge, tmp_path_factory):
    folder = tmp_path_factory.mktemp("caller") / "caller"
    # What the test that goes away had covered is no matter here; act runs no job after a called workflow that failed.
    settings = (*pipeline.embedded(), "gates.coverage.enabled=false")
    caller = pipeline.make_caller(folder, stages="unit", settings=settings, with_history=True)
    pipeline.commit(caller)
    address = f"{forge.server.url}/{pipeline.CALLER}"
    subprocess.run(["git", "remote", "set-url", "origin", address], cwd=caller, check=True)
    return caller


@pytest.fixture(scope="module")
def pushed(run_caller, forge, caller):
    """A push to the default branch, while somebody else writes the history."""
    forge.server.before_push = forge.write_meanwhile
    payload = {**pipeline.push(), "after": _head(caller)}
    return run_caller(caller, payload, **forge.options(101, pipeline.GITHUB_TOKEN)), forge.head()


@pytest.fixture(scope="module")
def from_fork(run_caller, forge, caller, pushed):
    """A pull request from a fork that takes a test away; its token can only read."""
    max((caller / "tests" / "unit").rglob("test_*.py")).unlink()
    head = pipeline.committed(caller, "fewer tests")
    payload = pipeline.pull_request(head, fork="mallory/caller")
    return run_caller(caller, payload, **forge.options(102, READS))


def _head(caller):
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=caller, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _fewer(done):
    """Return the tests that ran, and those of the default branch, where there were more."""
    verdicts = [verdict for stage in pipeline.verdict(done)["stages"] for verdict in stage["verdicts"]]
    facts = {fact["label"]: fact for verdict in verdicts for fact in verdict["facts"]}
    fact = facts["fewer than on the default branch"]
    return int(fact["value"]), int(fact["wanted"])


def test_push_to_the_default_branch_is_kept(pushed, forge):
    done, _ = pushed
    assert done.rc == 0, done.log[-3000:]
    assert (done.jobs["result"], done.jobs["history"]) == ("success", "success")
    assert "no earlier run on branch truegreen-history at origin yet" in pipeline.summary(done)
    assert "truegreen history: kept run 101.1" in pipeline.summary(done)
    (kept,) = [one for one in forge.kept().runs() if one.run.run == "101.1"]
    assert (kept.run.base, kept.run.branch, kept.run.status) == (True, "main", "pass")
    assert len(kept.results["unit"]) == kept.run.tests > 50


def test_writer_who_was_first_loses_nothing(pushed, forge):
    done, _ = pushed
    assert set(forge.kept().digests()) == {"101.1", "900.1"}
    assert "at attempt 2" in done.log


def test_token_of_the_keeping_job_stands_in_no_log(pushed):
    done, _ = pushed
    assert pipeline.GITHUB_TOKEN not in done.raw


def test_pull_request_of_a_fork_is_compared_with_the_history(from_fork):
    assert "compared with 2 earlier runs on branch truegreen-history" in pipeline.summary(from_fork)
    ran, on_the_default_branch = _fewer(from_fork)
    assert ran < on_the_default_branch


def test_pull_request_of_a_fork_is_not_kept_and_the_summary_says_so(from_fork, pushed, forge):
    assert "this run will not be kept: the pull request comes from a fork" in pipeline.summary(from_fork)
    assert "truegreen history: not kept: the pull request comes from a fork" in pipeline.summary(from_fork)
    assert from_fork.jobs["history"] == "success"
    assert forge.head() == pushed[1]
