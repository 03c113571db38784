"""The history out of artifacts: what is damaged, gone or not to be believed is told, and never silently begun anew."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import LAUNCHER
from tests.support.foreign_runs import zipped
from tests.support.github_api import Fault
from tests.support.history_artifacts import HISTORY, REPORT, Ci
from tests.support.past_results import result, run

from truegreen.app import collecting
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from tests.support.app_desk import Desk
    from tests.support.github_api import GithubApi


def test_damaged_history_is_told_and_the_one_before_is_taken(ci: Ci) -> None:
    ci.whole(1)
    ci.whole(2)
    number = ci.put(zipped(("history.sqlite", b"SQLite format 3\0" + b"damage" * 1000)), HISTORY)
    ci.begin(3)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, ["1.1", "2.1"])
    assert f"artifact {number} of run 2 is left out: the history is damaged" in ended.err


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE stages SET durations = x'00112233'",
        "UPDATE test_sets SET spans = x'ff'",
        "DELETE FROM stages",
        "DELETE FROM runs WHERE id = 1",
    ],
)
def test_damage_deep_in_a_history_is_told_and_the_one_before_is_taken(ci: Ci, damage: str) -> None:
    for number in (1, 2, 3):
        ci.whole(number)
    ci.begin(4)
    ci.collect()
    place = ci.folder / "collected" / HISTORY
    with sqlite3.connect(place / "history.sqlite") as connection:
        assert connection.execute(damage).rowcount > 0
    connection.close()
    ci.api.artifacts.pop()
    number = ci.upload(place, HISTORY)
    ci.leave()
    for later in (5, 6):
        ci.begin(later)
        ended = ci.collect()
        assert (ended.code, ci.held()[:4]) == (0, ["1.1", "2.1", "3.1", "4.1"])
        told = f"artifact {number} of run 4 is left out: the history is damaged"
        assert (told in ended.err) == (later == 5)
        assert "tried.sqlite" not in ended.err
        ci.leave()


def test_history_of_a_tag_that_is_called_like_the_default_branch_is_not_taken_over(ci: Ci) -> None:
    ci.whole(1)
    ci.begin(2, head_sha="e" * 40)
    ci.api.elsewhere.add("e" * 40)
    SqliteStore(ci.folder / "made up" / "history.sqlite").merge([run(77, result("t.py::test_x"))])
    ci.upload(ci.folder / "made up", HISTORY)
    ci.leave(commit="e" * 40)
    ci.begin(3)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, ["1.1"])
    assert "it says the default branch said of another" in ended.err


def test_histories_of_commits_that_left_the_default_branch_are_told_and_begun_anew(
    ci: Ci, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_MOST_ELSEWHERE", 2)
    ci.api.elsewhere.add("e" * 40)
    for number in (1, 2, 3):
        ci.begin(number, head_sha="e" * 40)
        ci.put(b"never fetched", HISTORY)
    ci.begin(4)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert "warning: 2 histories of commits that are not on main: none is taken over" in ended.err
    assert "begun anew" in ended.err


def test_history_of_another_branch_never_speaks_for_the_default_one(ci: Ci) -> None:
    ci.begin(2, head_branch="topic")
    SqliteStore(ci.folder / "made up" / "history.sqlite").merge([run(77, result("t.py::test_x"))])
    ci.upload(ci.folder / "made up", HISTORY)
    ci.begin(3)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert "begun anew: no history of an earlier run can be taken over" in ended.err


@pytest.mark.parametrize("operation", ["workflow.list", "branch.get", "artifacts.zip"])
def test_history_that_the_token_may_not_look_for_names_the_permission(ci: Ci, api: GithubApi, operation: str) -> None:
    for number in (1, 2, 3, 4):
        ci.whole(number)
    ci.begin(5)
    denied = Fault(status=403, message="Resource not accessible by integration")
    api.fault(operation, *[denied] * 9)
    ended = ci.collect()
    assert (ended.code, "TG401" in ended.err) == (4, True)
    assert f"grant `{'contents' if operation == 'branch.get' else 'actions'}: read` to the job" in ended.err
    assert "delete" not in ended.err


def test_report_whose_run_the_token_may_not_ask_about_names_the_permission(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.begin(2, head_branch="topic")
    ci.leave(branch="topic", base=False)
    ci.begin(3)
    api.fault("runs.get", Fault(), Fault(status=403, message="Resource not accessible by integration"))
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, ["1.1"])
    assert "of run 2 is left out: the forge answered 403" in ended.err
    assert "grant `actions: read` to the job" in ended.err
    ci.begin(4)
    ci.collect()
    assert ci.held() == ["1.1", "2.1"]


def test_commit_that_the_forge_does_not_know_is_not_on_the_default_branch(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.whole(2)
    ci.begin(3)
    api.fault("compare.get", Fault(status=404, message="Not Found"))
    ended = ci.collect()
    assert (ended.code, "2 histories of commits that are not on main" in ended.err) == (0, True)


@pytest.mark.parametrize("number", ["9" * 5000, "٣", "-1", "x"])
def test_number_of_the_run_that_is_none_is_refused(ci: Ci, number: str) -> None:
    ci.begin(1)
    ci.desk.env(GITHUB_RUN_ID=number)
    ended = ci.desk.run("ci", "collect")
    assert (ended.code, "this is no run of a CI" in ended.err) == (2, True)


def test_histories_that_are_all_damaged_are_never_silently_begun_anew(ci: Ci) -> None:
    ci.begin(1)
    for content in (b"", b"no database", b"SQLite format 3\0" + b"x" * 5000, b""):
        ci.put(zipped(("history.sqlite", content)), HISTORY)
    ci.begin(2)
    ended = ci.collect()
    assert ended.code == 4
    assert "the history that earlier runs left cannot be used" in ended.err
    assert "delete those artifacts" in ended.err
    assert not (ci.folder / "collected").exists()


@pytest.mark.parametrize(
    "note", [b"", b"{", b'{"seen": "all"}', b'{"seen": [1e400]}', b'{"seen": [' + b"9" * 4000 + b"]}", b"[" * 9999]
)
def test_note_that_is_none_means_that_all_is_looked_at_again(ci: Ci, note: bytes) -> None:
    ci.whole(1)
    ci.whole(2)
    ci.begin(3)
    ci.collect()
    content = (ci.folder / "collected" / HISTORY / "history.sqlite").read_bytes()
    ci.api.artifacts.pop()
    ci.put(zipped(("history.sqlite", content), ("collected.json", note)), HISTORY)
    ci.leave()
    ci.begin(4)
    assert ci.collect().code == 0
    assert ci.held() == ["1.1", "2.1", "3.1"]


def test_collection_that_cannot_write_leaves_no_history(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    ci.whole(1)
    ci.begin(2)
    (ci.folder / "plain").write_text("")
    ci.desk.env(TG_EVIDENCE=str(ci.folder / "plain"))
    ended = ci.desk.run("ci", "collect")
    assert (ended.code, "TG309" in ended.err) == (4, True)


def test_history_in_the_checkout_is_not_believed(ci: Ci, desk: Desk) -> None:
    SqliteStore(desk.root / "mine" / HISTORY / "history.sqlite").merge([])
    (desk.root / ".gitignore").write_text("")
    (desk.root / ".truegreen").symlink_to("mine")
    desk.commit()
    ci.begin(1)
    desk.env(TG_STAGES_JSON='["unit"]')
    desk.monkeypatch.delenv("TG_EVIDENCE", raising=False)
    ended = desk.run("ci", "report")
    assert ended.code != 0
    (desk.root / ".truegreen").unlink()
    shutil.copytree(desk.root / "mine", desk.root / ".truegreen")
    assert desk.run("ci", "report").code == 0
    report = json.loads((desk.root / ".truegreen" / "report" / "verdict.json").read_text())
    assert "the history is a file of the code that is judged" in report["history"]


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"x" * 9000])
def test_unreadable_history_of_the_run_is_told_and_gates_that_need_it_are_not_judged(ci: Ci, content: bytes) -> None:
    ci.whole(1)
    ci.begin(2)
    ci.collect()
    (ci.folder / "artifacts" / HISTORY / "history.sqlite").write_bytes(content)
    report = ci.judge()
    assert report["history"].startswith("nothing was compared with earlier runs: the history is damaged")
    verdicts = [verdict for stage in report["stages"] for verdict in stage["verdicts"]]
    (flaky,) = [verdict for verdict in verdicts if verdict["gate"] == "flakiness-history"]
    assert flaky["status"] == "skipped"


def test_database_of_something_else_is_not_believed(ci: Ci) -> None:
    ci.begin(1)
    place = ci.folder / "foreign" / "history.sqlite"
    place.parent.mkdir()
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE runs (run)")
    ci.upload(place.parent, HISTORY)
    ci.begin(2)
    ended = ci.collect()
    assert (ended.code, "is a database of something else" in ended.err) == (4, True)


def test_token_is_shown_to_the_forge_alone_and_stands_in_no_log(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.begin(2)
    ended = ci.collect()
    assert "artifacts.zip" in api.operations()
    assert "ghs_secret" not in ended.out + ended.err  # that it did not go elsewhere, the server checks
    assert "s3cr3t" not in ended.out + ended.err


def test_collection_that_is_killed_leaves_nothing_half_and_is_made_anew(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.whole(2)
    ci.begin(3)
    collected = ci.folder / "killed"
    for operation in ("runs.get", "artifacts.all", "artifacts.zip"):
        child: list[int] = []
        api.fault(operation, Fault(act=True, cut=True, call=lambda: os.kill(child[0], signal.SIGKILL)))  # noqa: B023
        env = {**os.environ, "TG_EVIDENCE": str(collected)}
        with subprocess.Popen([*LAUNCHER, "ci", "collect"], cwd=ci.desk.root, env=env) as process:
            child.append(process.pid)
            assert process.wait(60) == -signal.SIGKILL
        assert not collected.exists()
    ci.collect()
    assert ci.held() == ["1.1", "2.1"]


def test_folder_that_already_holds_a_history_never_holds_half_of_one(ci: Ci) -> None:
    ci.whole(1)
    ci.begin(2)
    ci.collect()
    place = ci.folder / "collected" / HISTORY
    (place / ".history.sqlite.part").write_bytes(b"SQLite format 3\0 of one who was killed")
    before = (place / "history.sqlite").read_bytes()
    assert ci.desk.run("ci", "collect").code == 0
    assert sorted(path.name for path in place.iterdir()) == ["collected.json", "history.sqlite"]
    assert len((place / "history.sqlite").read_bytes()) == len(before)


@pytest.mark.parametrize("created", ["", "2026-99-99T99:99:99Z", "0001-01-01T00:00:00Z", "yesterday"])
def test_history_of_unknown_age_is_taken_over_and_all_lists_are_read(ci: Ci, api: GithubApi, created: str) -> None:
    ci.whole(1)
    ci.whole(2)
    for _, row in api.artifacts:
        row["created_at"] = created or None
    answered = len(api.violations)
    ci.begin(3)
    ci.collect()
    del api.violations[answered:]  # no moment of the published kind: the point of this test
    assert ci.held() == ["1.1", "2.1"]


def test_history_of_the_run_that_is_no_file_is_told(ci: Ci) -> None:
    ci.begin(1)
    (ci.folder / "artifacts" / HISTORY / "history.sqlite").mkdir(parents=True)
    assert ci.judge()["history"].startswith("nothing was compared with earlier runs: history.sqlite is not a plain")


def test_many_reports_that_are_left_out_are_told_in_few_lines(ci: Ci) -> None:
    ci.begin(1)
    for _ in range(12):
        ci.put(b"no archive", REPORT)
    ci.begin(2)
    ended = ci.collect()
    assert ended.err.count("is left out") == 10
    assert "warning: and 2 more" in ended.err
