"""What a run without rights left is published by another: as hostile data, in the name the forge gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support import foreign_runs
from tests.support.app_desk import read_outputs
from tests.support.github_api import Fault, GithubApi

from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_OK
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk

SHA = foreign_runs.SHA
MARKS = "<!-- truegreen:report -->\n<!-- truegreen:run 77.1 -->\n"


def test_green_run_of_a_fork_is_published_in_seven_requests(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_artifact(77, foreign_runs.archive())
    outputs = desk.outputs()
    ended = foreign_runs.published(desk)

    assert ended.code == EXIT_OK, ended.err
    (comment,) = api.comments[7]
    assert comment["body"].startswith(MARKS + "> This run of a fork had no rights.")
    assert "truegreen: pass" in comment["body"]
    assert "said the fork" not in comment["body"], "no Markdown of the artifact is used"
    assert [(row["state"], row["target_url"]) for row in api.statuses] == [
        ("success", "https://github.com/o/r/actions/runs/77")
    ]
    assert api.statuses[0]["url"].endswith(SHA)
    assert "truegreen: pass" in page.read_text()
    assert read_outputs(outputs)["verdict"] == "pass"
    assert api.operations() == [
        "artifacts.list", "artifacts.zip", "pulls.list",
        "statuses.combined", "statuses.create", "comments.list", "comments.create",
    ]  # fmt: skip
    assert "ghs_secret" not in ended.out + ended.err


def test_red_run_of_a_fork_is_published_red_and_again_changes_nothing(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(Status.FAIL)))
    assert foreign_runs.published(desk, conclusion="failure").code == EXIT_OK
    assert foreign_runs.published(desk, conclusion="failure").code == EXIT_OK
    assert [row["state"] for row in api.statuses] == ["failure", "failure"]
    assert len(api.comments[7]) == 1
    assert "test_saves_0" in api.comments[7][0]["body"]
    assert "comments.update" not in api.operations()
    assert "2 of 9 tests failed" in page.read_text()


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "startup_failure", "neutral", None, "☺"])
def test_forged_pass_of_a_run_that_did_not_succeed_is_red(
    desk: Desk, api: GithubApi, page: Path, conclusion: Any
) -> None:
    api.add_artifact(77, foreign_runs.archive())
    ended = foreign_runs.published(desk, conclusion=conclusion)
    assert ended.code == EXIT_EVIDENCE
    assert [row["state"] for row in api.statuses] == ["error"]
    said = f"it says pass, and the run ended with {conclusion or 'no conclusion'}"
    for text in (ended.err, api.comments[7][0]["body"].replace("\\_", "_"), page.read_text().replace("\\_", "_")):
        assert said in text
    assert "truegreen: blind" in api.comments[7][0]["body"]


def forged(**changes: Any) -> Any:
    return msgspec.structs.replace(foreign_runs.left(Status.FAIL), **changes)


@pytest.mark.parametrize(
    "told",
    [
        forged(status=Status.PASS, headline="all green"),
        forged(status=Status.WAIVED),
        forged(status=Status.SKIPPED, stages=()),
        forged(status=Status.PASS, stages=()),
        forged(
            status=Status.PASS,
            stages=tuple(msgspec.structs.replace(s, status=Status.PASS) for s in foreign_runs.left(Status.FAIL).stages),
        ),
    ],
)
def test_report_greener_than_what_it_holds_is_red(desk: Desk, api: GithubApi, page: Path, told: Any) -> None:
    api.add_artifact(77, foreign_runs.archive(told))
    assert foreign_runs.published(desk).code == EXIT_EVIDENCE
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "and holds what is red" in page.read_text()


def test_pull_request_and_addresses_in_the_artifact_are_ignored(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_pull(8, "e" * 40, branch="other")
    lie = foreign_runs.left(pull_request=8, run_url="https://evil.example/1", ref="refs/heads/main", base=True)
    api.add_artifact(77, foreign_runs.archive(lie))
    assert foreign_runs.published(desk).code == EXIT_OK
    assert list(api.comments) == [7]
    assert "evil" not in api.comments[7][0]["body"] + page.read_text()
    assert {row["target_url"] for row in api.statuses} == {"https://github.com/o/r/actions/runs/77"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commit": "f" * 40}, "commit ffff"),
        ({"commit": ""}, "commit unknown"),
        ({"repository": "eve/r"}, "repository eve/r"),
        ({"run_id": "78"}, "run 78"),
        ({"project": "packages/a"}, "project packages/a, and it is (root)"),
        ({"run_id": ""}, "run unknown"),
        ({"run_attempt": 2}, "attempt 2"),
        ({"run_attempt": 0}, "attempt 0"),
        ({"commit": "\n::error::owned\n# owned"}, "owned"),
    ],
)
def test_report_of_another_run_is_not_shown_and_blind(
    desk: Desk, api: GithubApi, page: Path, changes: Any, said: str
) -> None:
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(**changes)))
    ended = foreign_runs.published(desk)
    assert ended.code == EXIT_EVIDENCE
    assert said in ended.err
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "9 tests passed" not in page.read_text()
    assert "\n::error" not in ended.err
    assert "\n# owned" not in api.comments[7][0]["body"]


def test_report_of_an_earlier_attempt_counts_where_the_whole_run_succeeded(
    desk: Desk, api: GithubApi, page: Path
) -> None:
    api.add_artifact(77, foreign_runs.archive())
    assert foreign_runs.published(desk, run_attempt=2).code == EXIT_OK
    assert "truegreen:run 77.2" in api.comments[7][0]["body"]


def test_run_without_artifact_is_blind_and_no_alarm(desk: Desk, api: GithubApi, page: Path) -> None:
    ended = foreign_runs.published(desk, conclusion="cancelled")
    assert ended.code == EXIT_OK
    assert [row["state"] for row in api.statuses] == ["error"]
    assert "left no artifact truegreen" in api.comments[7][0]["body"]
    assert "cancelled" in page.read_text()


def test_newest_artifact_counts_and_an_expired_one_does_not(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(Status.FAIL)), created_at="2026-11-21T06:00:00Z")
    api.add_artifact(77, foreign_runs.archive())
    api.add_artifact(77, b"", expired=True, created_at="2026-11-21T09:00:00Z")
    assert foreign_runs.published(desk).code == EXIT_OK
    assert [row["state"] for row in api.statuses] == ["success"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size_in_bytes": 300 << 20}, "the limit is 268,435,456"),
        ({"digest": "sha256:" + "0" * 64}, "its digest differs"),
        ({"expired": True}, "it has expired"),
    ],
)
def test_artifact_that_is_not_taken_is_blind(desk: Desk, api: GithubApi, page: Path, values: Any, said: str) -> None:
    api.add_artifact(77, foreign_runs.archive(), **values)
    ended = foreign_runs.published(desk)
    assert ended.code == (EXIT_OK if "expired" in values else EXIT_EVIDENCE)
    assert said in ended.err
    assert [row["state"] for row in api.statuses] == ["error"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head_sha": "c" * 40}, "its head has moved on since"),
        ({"head_branch": "gone"}, "no open pull request has this head"),
        ({"head_repository": None}, "the repository or branch of its head is gone"),
        ({"head_repository": {"full_name": "mallory/r"}}, "no open pull request has this head"),
    ],
)
def test_run_without_its_pull_request_writes_the_status_alone(
    desk: Desk, api: GithubApi, page: Path, changes: Any, said: str
) -> None:
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(commit=changes.get("head_sha", SHA))))
    ended = foreign_runs.published(desk, **changes)
    assert (ended.code, said in ended.err) == (EXIT_OK, True)
    assert api.comments == {}
    assert len(api.statuses) == 1


def test_branch_of_the_same_name_in_another_repository_is_another_head(desk: Desk, api: GithubApi, page: Path) -> None:
    api.pulls.clear()
    api.add_pull(8, SHA, head="eve/another-name")
    api.add_artifact(77, foreign_runs.archive())
    assert foreign_runs.published(desk).code == EXIT_OK
    assert api.comments == {}


def test_two_pull_requests_of_one_head_get_no_comment(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_pull(8, SHA)
    api.add_artifact(77, foreign_runs.archive())
    ended = foreign_runs.published(desk)
    assert "2 open pull requests have this head" in ended.err
    assert api.comments == {}


def test_run_that_ends_late_does_not_replace_what_a_later_one_said(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_artifact(77, foreign_runs.archive())
    api.add_artifact(78, foreign_runs.archive(foreign_runs.left(Status.FAIL, run_id="78")))
    foreign_runs.published(desk, id=78, conclusion="failure")
    ended = foreign_runs.published(desk)
    assert "comment: not touched, a later run has spoken since" in ended.err
    assert "truegreen: fail" in api.comments[7][0]["body"]


@pytest.mark.parametrize("event", ["push", "schedule", "pull_request_target", "workflow_run", ""])
def test_run_of_another_event_is_left_alone(desk: Desk, api: GithubApi, page: Path, event: str) -> None:
    ended = foreign_runs.published(desk, event=event)
    assert (ended.code, "publishes itself" in ended.err) == (EXIT_OK, True)
    assert api.requests == []


def test_run_that_waits_for_an_approval_is_left_alone(desk: Desk, api: GithubApi, page: Path) -> None:
    ended = foreign_runs.published(desk, conclusion="action_required")
    assert (ended.code, "waits for an approval" in ended.err) == (EXIT_OK, True)
    assert api.requests == []


OWN = {"head_repository": {"full_name": "o/r"}}


def test_run_of_the_repository_without_rights_has_no_word_about_forks(desk: Desk, api: GithubApi, page: Path) -> None:
    """As one of Dependabot, whose branches are of the repository."""
    api.pulls.clear()
    api.add_pull(7, SHA, head="o/r")
    api.add_artifact(77, foreign_runs.archive())
    assert foreign_runs.published(desk, **OWN).code == EXIT_OK
    assert "fork" not in api.comments[7][0]["body"]
    assert [row["state"] for row in api.statuses] == ["success"]


@pytest.mark.parametrize("conclusion", ["success", "failure"])
@pytest.mark.parametrize("attempt", [1, 2])
def test_run_of_the_repository_that_published_itself_is_left_alone(
    desk: Desk, api: GithubApi, page: Path, conclusion: str, attempt: int
) -> None:
    """Its comment follows the team's template, and another job of its workflow may be red."""
    api.pulls.clear()
    api.add_pull(7, SHA, head="o/r")
    api.add_artifact(77, foreign_runs.archive())
    foreign_runs.published(desk, **OWN)
    api.comments[7][0]["body"] = words = MARKS + "as our template has it"
    api.requests.clear()
    outputs = desk.outputs()
    ended = foreign_runs.published(desk, **OWN, conclusion=conclusion, run_attempt=attempt)
    assert (ended.code, "published its report itself" in ended.err) == (EXIT_OK, True)
    assert api.operations() == ["statuses.combined"]
    assert [row["body"] for row in api.comments[7]] == [words]
    assert not outputs.exists()


@pytest.mark.parametrize("other", ["78", "76"])
def test_run_of_the_repository_is_not_taken_for_another_that_published_itself(
    desk: Desk, api: GithubApi, page: Path, other: str
) -> None:
    address = f"https://github.com/o/r/actions/runs/{other}"
    row = {"state": "success", "context": "truegreen/result", "target_url": address}
    api.perform("statuses.create", ("o/r", SHA), {}, row)
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(Status.FAIL)))
    ended = foreign_runs.published(desk, **OWN, conclusion="failure")
    assert "artifacts.list" in api.operations(), ended.err
    assert ("a later run has spoken since" in ended.err) == (other == "78")


def test_status_of_a_fork_that_names_its_run_already_is_written_all_the_same(
    desk: Desk, api: GithubApi, page: Path
) -> None:
    row = {
        "state": "success",
        "context": "truegreen/result",
        "target_url": "https://github.com/o/r/actions/runs/77",
    }
    api.perform("statuses.create", ("o/r", SHA), {}, row)
    api.add_artifact(77, foreign_runs.archive(foreign_runs.left(Status.FAIL)))
    assert foreign_runs.published(desk, conclusion="failure").code == EXIT_OK
    assert [row["state"] for row in api.statuses] == ["success", "failure"]


def test_pipeline_of_chosen_stages_is_named_by_them(desk: Desk, api: GithubApi, page: Path) -> None:
    api.add_artifact(77, foreign_runs.archive())
    desk.env(TG_ASKED="unit lint")
    assert foreign_runs.published(desk).code == EXIT_OK
    assert api.comments[7][0]["body"].startswith("<!-- truegreen:report stages lint unit -->\n")
    assert [row["context"] for row in api.statuses] == ["truegreen/result (stages lint unit)"]


def test_project_below_the_root_has_a_comment_of_its_own(desk: Desk, api: GithubApi, page: Path) -> None:
    for folder in (".", "packages/a", "./packages/-->b/"):
        left = foreign_runs.left(project=folder.removeprefix("./").strip("./"))
        api.add_artifact(77, foreign_runs.archive(left), created_at=f"2026-11-21T0{len(api.artifacts)}:00:00Z")
        desk.env(TG_PROJECT=folder)
        assert foreign_runs.published(desk).code == EXIT_OK
    heads = [row["body"].partition("\n")[0] for row in api.comments[7]]
    assert heads[:2] == ["<!-- truegreen:report -->", "<!-- truegreen:report packages/a -->"]
    assert heads[2].count("-->") == 1
    assert [row["context"] for row in api.statuses][:2] == ["truegreen/result", "truegreen/result (packages/a)"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"workflow_run": []},
        {"workflow_run": {"id": 77, "head_sha": "main"}},
        {"workflow_run": {"id": True, "head_sha": SHA}},
        {"workflow_run": {"id": 77, "head_sha": SHA, "status": "in_progress"}},
    ],
)
def test_event_that_names_no_finished_run_is_a_usage_error(
    desk: Desk, api: GithubApi, page: Path, payload: Any
) -> None:
    assert foreign_runs.published(desk, told=payload).code == EXIT_CONFIGURATION
    assert api.requests == []


def test_other_event_or_missing_token_is_a_usage_error(desk: Desk, api: GithubApi, page: Path) -> None:
    desk.event("pull_request", {"number": 7})
    assert "the event is pull_request, not workflow_run" in desk.run("ci", "publish").err
    foreign_runs.ended(desk)
    desk.monkeypatch.delenv("GITHUB_TOKEN")
    ended = desk.run("ci", "publish")
    assert (ended.code, "GITHUB_TOKEN is not set" in ended.err) == (EXIT_CONFIGURATION, True)
    desk.monkeypatch.delenv("GITHUB_EVENT_PATH")
    assert desk.run("ci", "publish").code == EXIT_CONFIGURATION


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("artifacts.list", "actions: read"),
        ("artifacts.zip", "actions: read"),
        ("pulls.list", "pull-requests: read"),
        ("comments.list", "pull-requests: write"),
        ("comments.create", "pull-requests: write"),
        ("statuses.create", "statuses: write"),
    ],
)
def test_missing_right_is_named_and_never_green(
    desk: Desk, api: GithubApi, page: Path, operation: str, permission: str
) -> None:
    api.add_artifact(77, foreign_runs.archive())
    api.fault(operation, Fault(status=403, message="Resource not accessible by integration"))
    ended = foreign_runs.published(desk)
    assert ended.code == EXIT_ENGINE
    assert f"`{permission}`" in ended.err
    if operation.startswith("artifacts."):
        assert {row["state"] for row in api.statuses} == {"error"}
    assert page.read_text().strip()


def test_archive_that_is_gone_from_its_store_is_blind(desk: Desk, api: GithubApi, page: Path) -> None:
    api.blobs.pop(api.add_artifact(77, foreign_runs.archive()))
    ended = foreign_runs.published(desk)
    assert (ended.code, "it answered 404" in ended.err) == (EXIT_ENGINE, True)
    assert [row["state"] for row in api.statuses] == ["error"]
