"""The history out of artifacts: what a run takes over, what it finds of other runs, and what is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.foreign_runs import zipped
from tests.support.history_artifacts import HISTORY, ON, REPORT, Ci
from tests.support.history_desk import facts

from truegreen.app import collecting, past_runs
from truegreen.forge import artifacts as uploaded
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from tests.support.app_desk import Desk
    from tests.support.github_api import GithubApi


def test_first_run_says_that_nothing_is_there_and_later_ones_are_compared(ci: Ci) -> None:
    ci.begin(1)
    assert "collected 0 runs, 0 of them new" in (first := ci.collect()).err
    assert "begun anew: no earlier run left a history" in first.err
    assert ci.judge()["history"] == "no earlier run on the artifact truegreen-history yet"
    ci.begin(2)
    assert "collected 1 run, 1 of them new, " in ci.collect().err
    second = ci.judge("test_a")
    assert second["history"] == "compared with 1 earlier run on the artifact truegreen-history"
    assert facts(second)["fewer than on the default branch"] == "1"
    ci.whole(3)
    assert ci.held() == ["1.1", "2.1"]
    assert "truegreen history: collected 2 runs, 1 of them new" in ci.page()
    assert not (ci.desk.root / ".truegreen" / "history.sqlite").exists()


def test_runs_at_once_lose_nothing(ci: Ci) -> None:
    ci.whole(1)
    # Two begin together, so that neither history holds the other's line, nor its own.
    ci.begin(2)
    ci.collect()
    ci.begin(3)
    ci.collect()
    assert ci.held() == ["1.1"]
    ci.leave()
    ci.begin(2)
    ci.leave()
    ci.begin(4)
    assert "2 of them new" in ci.collect().err
    assert ci.held() == ["1.1", "2.1", "3.1"]


def test_history_that_was_made_late_from_an_old_list_loses_nothing(ci: Ci) -> None:
    ci.whole(1)
    ci.begin(2)
    ci.collect()
    old = (ci.folder / "collected" / HISTORY / "history.sqlite").read_bytes()
    for number in (3, 4):
        ci.whole(number)
    ci.begin(2)
    ci.put(zipped(("history.sqlite", old)), HISTORY)  # the newest, without a note and with fewer runs than others
    ci.begin(5)
    ci.collect()
    assert ci.held() == ["1.1", "3.1", "4.1"]


def test_attempt_two_finds_what_attempt_one_left(ci: Ci) -> None:
    ci.begin(1)
    ci.collect()
    ci.judge(failed=("test_b",))
    ci.begin(1, attempt=2)
    ci.collect()
    assert ci.held() == ["1.1"]
    report = ci.judge()
    assert report["history"].startswith("compared with 1 earlier run ")
    assert facts(report)  # same code, other result
    ci.begin(2)
    ci.collect()
    assert ci.held() == ["1.1", "1.2"]


def test_what_was_looked_at_is_not_fetched_again(ci: Ci, api: GithubApi) -> None:
    for number in (1, 2, 3):
        ci.whole(number)
    api.requests.clear()
    ci.begin(4)
    ci.collect()
    history = ["artifacts.all", "workflow.list", "branch.get", "compare.get", "artifacts.zip"]
    found = ["runs.get", *history, "artifacts.all", "artifacts.zip"]
    assert api.operations() == found
    assert ci.held() == ["1.1", "2.1", "3.1"]


@pytest.mark.parametrize(
    ("more", "repository", "held"),
    [
        ("", "o/r", ["1.1"]),
        ("pull-requests = true\n", "o/r", ["1.1", "2.1"]),
        ("pull-requests = true\n", "eve/r", ["1.1"]),
    ],
)
def test_pull_request_is_taken_only_where_the_configuration_says_so(
    ci: Ci, desk: Desk, more: str, repository: str, held: list[str]
) -> None:
    desk.configure(ON + more)
    desk.commit()
    ci.whole(1)
    ci.begin_pull_request(2, repository)
    ci.collect()
    ci.leave(branch="pull/7", base=False)
    ci.begin(3)
    ci.collect()
    assert ci.held() == held


@pytest.mark.parametrize(
    "known",
    [
        {"event": "pull_request_target"},
        {"event": "workflow_run"},
        {"event": "issue_comment"},
        {"event": "pull_request_review"},
        {"login": "dependabot[bot]"},
        {"head": 2},
        {"path": ".github/workflows/other.yml"},
    ],
)
def test_run_that_others_may_not_be_judged_with_is_not_taken(ci: Ci, known: dict[str, Any]) -> None:
    ci.whole(1, **known)
    ci.begin(2)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert "warning" not in ended.err


def test_workflow_that_names_its_branch_is_the_same_workflow(ci: Ci) -> None:
    ci.whole(1, path=".github/workflows/ci.yml@refs/heads/main")
    ci.begin(2)
    ci.collect()
    assert ci.held() == ["1.1"]


def test_expired_artifacts_are_neither_asked_for_nor_told(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.whole(2)
    for _, row in api.artifacts:
        row["expired"] = True
    ci.begin(3)
    ended = ci.collect()
    assert (ended.code, ci.held()) == (0, [])
    assert "begun anew: no history of an earlier run can be taken over" in ended.err
    assert "warning" not in ended.err


def test_history_lives_on_where_the_reports_it_came_from_have_expired(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.whole(2)
    for _, row in api.artifacts:
        row["expired"] = row["name"] == REPORT
    ci.begin(3)
    ci.collect()
    assert ci.held() == ["1.1"]


def test_report_without_a_line_is_no_fault(ci: Ci) -> None:
    ci.begin(1)
    ci.put(zipped(("verdict.json", b"{}")), REPORT)
    ci.begin(2)
    ended = ci.collect()
    assert (ended.code, ci.held(), "warning" in ended.err) == (0, [], False)


def test_every_page_is_read_until_all_on_it_is_known(ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "PAGE", 2)
    for number in range(1, 6):
        ci.begin(number)
        ci.leave()
    ci.begin(6)
    ci.collect()
    assert ci.held() == [f"{number}.1" for number in range(1, 6)]
    # What is there is older than a day: one page that is known ends the list.
    for _, row in api.artifacts:
        if row["name"] == REPORT:
            row["created_at"] = "2026-11-01T00:00:00Z"
    api.requests.clear()
    ci.begin(7)
    ci.collect()
    assert len([name for name in api.operations() if name == "artifacts.all"]) == 2
    assert ci.held() == [f"{number}.1" for number in range(1, 6)]


def test_list_in_another_order_loses_nothing(ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "PAGE", 2)
    for number in range(1, 6):
        ci.begin(number)
        ci.leave()
    for number, (_, row) in enumerate(api.artifacts):
        row["created_at"] = f"2026-11-01T00:0{number}:00Z"
    ci.begin(6)
    ci.collect()
    ci.leave()
    api.artifacts.reverse()  # the oldest come first from now on
    ci.begin(7)
    ci.collect()
    assert ci.held() == [f"{number}.1" for number in range(1, 7)]


def test_what_a_bound_leaves_out_is_told_and_read_by_the_next_run(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_MOST_LINES", 2)
    for number in range(1, 6):
        ci.begin(number)
        ci.leave()
    ci.begin(6)
    assert "; 3 older reports left for the next run" in ci.collect().err
    assert ci.held() == ["4.1", "5.1"]
    ci.begin(7)
    assert "; 1 older report left for the next run" in ci.collect().err
    assert ci.held() == ["2.1", "3.1", "4.1", "5.1"]
    ci.begin(8)
    assert "left for" not in ci.collect().err
    assert ci.held() == [f"{number}.1" for number in range(1, 6)]


def test_bound_on_bytes_leaves_the_oldest_out(ci: Ci, monkeypatch: pytest.MonkeyPatch, api: GithubApi) -> None:
    for number in (1, 2, 3):
        ci.begin(number)
        ci.leave()
    monkeypatch.setattr(collecting, "_MOST_BYTES", api.artifacts[-1][1]["size_in_bytes"] + 10)
    ci.begin(4)
    assert "2 older reports left for the next run" in ci.collect().err
    assert ci.held() == ["3.1"]


def test_list_without_end_is_told(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "PAGE", 1)
    monkeypatch.setattr(collecting, "_MOST_PAGES", 2)
    for number in (1, 2, 3):
        ci.begin(number)
        ci.leave()
    ci.begin(4)
    assert "reports before the newest 2 are left out" in ci.collect().err
    assert ci.held() == ["2.1", "3.1"]


def test_history_of_the_default_branch_comes_before_a_newer_one(ci: Ci) -> None:
    ci.whole(1)
    ci.whole(2)
    ci.begin(3, head_branch="topic")
    other = SqliteStore(ci.folder / "other" / "history.sqlite")
    other.merge([])
    ci.upload(ci.folder / "other", HISTORY)
    ci.begin(4)
    ci.collect()
    assert ci.held() == ["1.1", "2.1"]


def test_other_workflows_many_histories_do_not_hide_the_own_one(
    ci: Ci, api: GithubApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded, "PAGE", 5)
    monkeypatch.setattr(past_runs, "_MOST_ASKED", 8)
    for number in (1, 2, 3):
        ci.whole(number)
    for _, row in api.artifacts:
        row["expired"] = row["name"] == REPORT  # after 90 days, the history that was carried on is all there is
    number = 100
    for _ in range(2):
        for other in range(number + 1, number + 12):
            ci.begin(other, path=".github/workflows/other.yml")
            ci.put(zipped(("history.sqlite", b"x")), HISTORY)
            ci.leave()
        number += 12
        ci.begin(number)
        ended = ci.collect()
        assert (ended.code, "begun anew" in ended.err) == (0, False)
        assert {"1.1", "2.1"} <= set(ci.held())
        ci.leave()
    ci.begin(number + 1)
    ci.collect()
    assert ci.held() == ["1.1", "112.1", "124.1", "2.1"]


def test_histories_beyond_what_is_listed_are_told(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "PAGE", 1)
    monkeypatch.setattr(collecting, "_MOST_PAGES", 2)
    ci.whole(1)
    for number in (2, 3):
        ci.begin(number, path=".github/workflows/other.yml")
        ci.put(b"x", HISTORY)
    ci.begin(4)
    ended = ci.collect()
    assert "begun anew" in ended.err
    assert "warning: an older history is lost, if there is one: the newest 2 were looked at" in ended.err


def test_history_of_a_run_beyond_the_list_of_runs_is_found(ci: Ci, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        ci.whole(number)
    for number in range(3, 9):
        ci.begin(number)
    monkeypatch.setattr(uploaded, "PAGE", 1)
    monkeypatch.setattr(past_runs, "_MOST_PAGES", 2)
    ci.begin(9)
    assert "begun anew" not in ci.collect().err
    assert ci.held() == ["1.1", "2.1"]


def test_history_is_found_where_the_forge_does_not_number_workflows(ci: Ci, api: GithubApi) -> None:
    ci.whole(1)
    ci.whole(2)
    ci.begin(3)
    for row in api.workflow_runs.values():
        row["workflow_id"] = 0
    assert "begun anew" not in ci.collect().err
    assert ci.held() == ["1.1", "2.1"]
    assert "workflow.list" not in api.operations()[-6:]


def test_pull_requests_that_are_not_kept_do_not_keep_the_default_branch_waiting(
    ci: Ci, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "_MOST_LINES", 2)
    monkeypatch.setattr(past_runs, "_MOST_ASKED", 4)
    ci.whole(1)
    number = 1
    for _ in range(2):
        for pull in range(number + 1, number + 7):
            ci.begin_pull_request(pull, "o/r")
            ci.leave(branch="pull/7", base=False)
        number += 7
        ci.begin(number)
        assert f"; {2 if number == 8 else 4} older reports left for the next run" in ci.collect().err
        ci.leave()
    ci.begin(number + 1)
    ci.collect()
    assert ci.held() == ["1.1", "15.1", "8.1"]
    ci.leave()
    ci.begin(number + 2)
    assert "left for the next run" not in ci.collect().err


def test_pull_requests_that_are_kept_do_not_keep_the_default_branch_waiting(
    ci: Ci, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.configure(ON + "pull-requests = true\n")
    desk.commit()
    monkeypatch.setattr(collecting, "_MOST_LINES", 2)
    ci.whole(1)
    for number in (2, 3, 4):
        ci.begin_pull_request(number, "o/r")
        ci.leave(branch="pull/7", base=False)
    ci.begin(5)
    ci.collect()
    assert ci.held() == ["1.1", "4.1"]


def test_run_that_was_forgotten_does_not_come_back(ci: Ci, desk: Desk) -> None:
    desk.configure(ON + "keep-runs = 2\n")
    desk.commit()
    for number in range(1, 6):
        ci.whole(number)
    ci.begin(6)
    ci.collect()
    assert len(ci.held()) == 2


@pytest.mark.parametrize(
    ("table", "words"),
    [("", "the history is not kept in artifacts"), ('branch = "h"', "the history is not kept in artifacts")],
)
def test_collecting_without_the_key_is_refused(ci: Ci, desk: Desk, table: str, words: str) -> None:
    desk.configure(f"[tool.truegreen.history]\n{table}\n")
    ci.begin(1)
    ended = ci.collect()
    assert (ended.code, words in ended.err) == (2, True)
