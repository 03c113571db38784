"""The history in runs of a CI: which runs are judged with it, which are kept, and what is said about it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.support import history_desk
from tests.support.app_evidence import leave, pytest_files
from tests.support.history_desk import BRANCH, ON, READS, event, facts, from_pull_request, judge, keep, kept, page, refs
from tests.support.past_results import FAIL, PASS, result, run

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


def test_shard_that_was_not_run_again_does_not_count_twice(desk: Desk, server: GitServer, tmp_path: Path) -> None:
    artifacts, commit = desk.root.parent / "artifacts", desk.git("rev-parse", "HEAD")
    for attempt in (1, 2):
        event(desk, 1, attempt=attempt)
        desk.env(TG_EVIDENCE=str(artifacts), TG_STAGES_JSON='["unit"]', GITHUB_TOKEN=READS)
        shards = {"1": ("test_a", "test_b"), "2": ("test_c",)} if attempt == 1 else {"2": ("test_c",)}
        for shard, names in shards.items():
            shutil.rmtree(artifacts / f"truegreen-unit-{shard}", ignore_errors=True)
            where = {"name": f"truegreen-unit-{shard}", "shard": shard, "run_id": f"1.{attempt}"}
            leave(artifacts, "unit", pytest_files(*names), commit=commit, **where)
        assert desk.run("ci", "report").code == 0
        assert keep(desk).code == 0
    first, again = kept(server, tmp_path).runs()
    assert [one.test.rpartition("::")[2] for one in first.results["unit"]] == ["test_a", "test_b", "test_c"]
    assert [one.test.rpartition("::")[2] for one in again.results["unit"]] == ["test_c"]
    # The stage was no smaller for it: the next run is compared with all of its tests.
    assert [stage.tests for one in (first, again) for stage in one.run.stages if stage.stage == "unit"] == [3, 3]


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
