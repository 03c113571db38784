"""Publishing to a real server: once, and as often as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.github_api import Fault, GithubApi
from tests.support.reports import report

from truegreen.forge import publishing
from truegreen.forge.event import Event
from truegreen.forge.github import GithubForge
from truegreen.forge.port import MARKER, Outcome
from truegreen.forge.publishing import Options, PublishResult
from truegreen.model.verdict import Report, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import QuickClock

    from truegreen.forge.port import Forge

BODY = f"{MARKER}\n# truegreen: fail\n\nunit is red"


def publish(
    told: Report, body: str, forge: Forge, event: Event, shorter: Callable[[int], str] | None = None
) -> PublishResult:
    """Publish with a check run: every surface there is."""
    return publishing.publish(told, body, forge, event, shorter, Options(check_run=True))


def test_publish_first_time_writes_each_surface_once(api: GithubApi, open_forge: Any, event: Event) -> None:
    result = publish(report(), BODY, open_forge(api), event)

    assert result.ok
    assert [row["body"] for row in api.comments[7]] == [BODY]
    assert [(run["name"], run["conclusion"], len(run["annotations"])) for run in api.check_runs] == [
        ("truegreen", "failure", 2)
    ]
    assert [(row["context"], row["state"], row["target_url"]) for row in api.statuses] == [
        ("truegreen/result", "failure", "https://github.com/o/r/actions/runs/77")
    ]
    assert api.statuses[0]["url"].endswith("a" * 40)
    assert api.operations() == [
        "statuses.combined", "statuses.create", "comments.list", "comments.create", "checks.list", "checks.create",
    ]  # fmt: skip
    assert result.calls == 6


def test_publish_twice_leaves_one_comment_and_one_check_run(api: GithubApi, open_forge: Any, event: Event) -> None:
    publish(report(), BODY, open_forge(api), event)
    second = publish(report(), BODY, open_forge(api), event)

    assert len(api.comments[7]) == 1
    assert len(api.check_runs) == 1
    assert len(api.check_runs[0]["annotations"]) == 2
    assert "comments.update" not in api.operations()
    assert "checks.update" not in api.operations()
    assert [part.outcome for part in second.written] == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.UNCHANGED]


def test_publish_changed_report_edits_the_comment(api: GithubApi, open_forge: Any, event: Event) -> None:
    publish(report(failing=0), BODY, open_forge(api), event)
    publish(report(Status.PASS), f"{MARKER}\nall green", open_forge(api), event)

    assert [row["body"] for row in api.comments[7]] == [f"{MARKER}\nall green"]
    assert [run["conclusion"] for run in api.check_runs] == ["success"]
    assert [row["state"] for row in api.statuses] == ["failure", "success"]


def test_publish_changed_annotations_open_a_new_check_run(api: GithubApi, open_forge: Any, event: Event) -> None:
    publish(report(failing=2), BODY, open_forge(api), event)
    publish(report(failing=3), BODY, open_forge(api), event)

    assert [len(run["annotations"]) for run in api.check_runs] == [2, 3]


def test_publish_among_250_comments_finds_ours_on_the_last_page(api: GithubApi, open_forge: Any, event: Event) -> None:
    for n in range(250):
        api.add_comment(7, f"comment {n}")
    publish(report(), BODY, open_forge(api), event)
    publish(report(), BODY + " again", open_forge(api), event)

    assert len(api.comments[7]) == 251
    assert api.comments[7][-1]["body"] == BODY + " again"
    assert api.operations().count("comments.list") == 6


@pytest.mark.parametrize("body", [BODY, f"> {MARKER}\n> quoted", f"see\n{MARKER}"])
def test_publish_foreign_comment_with_our_marker_is_not_edited(
    api: GithubApi, open_forge: Any, event: Event, body: str
) -> None:
    api.add_comment(7, body)
    publish(report(), BODY + " new", open_forge(api), event)

    assert [row["body"] for row in api.comments[7]] == [body, BODY + " new"]


def test_publish_with_a_persons_token_edits_only_that_persons_comment(
    make_api: Any, open_forge: Any, event: Event
) -> None:
    api = make_api(login="ann")
    api.add_comment(7, BODY, login="bob")
    api.add_comment(7, BODY, login="github-actions[bot]", kind="Bot")
    publish(report(), BODY + " 1", open_forge(api, "ghp_x"), event)
    publish(report(), BODY + " 2", open_forge(api, "ghp_x"), event)

    assert [row["body"] for row in api.comments[7]] == [BODY, BODY, BODY + " 2"]
    assert "user" not in api.operations(), "the answer to the status says who we are"


def test_publish_120_annotations_go_in_batches_of_50_stop_at_100_and_take_six_requests(
    make_api: Any, open_forge: Any, event: Event
) -> None:
    api = make_api(base_path="/api/v3")
    of_run = msgspec.structs.replace(event, run_id="77")
    result = publish(report(failing=120), BODY, open_forge(api), of_run)

    writes = [r for r in api.requests if r.operation in ("checks.create", "checks.update")]
    assert [len(r.body["output"]["annotations"]) for r in writes] == [50, 50]
    assert "20 more remarks" in api.check_runs[0]["output"]["summary"]
    assert result.calls == 6
    again = publish(report(failing=120), BODY, open_forge(api), of_run)
    assert again.calls == 4
    assert len(api.check_runs) == 1


def test_publish_body_refused_as_too_long_is_sent_shorter(make_api: Any, open_forge: Any, event: Event) -> None:
    api = make_api(comment_max=1000)
    result = publish(report(), BODY + "x" * 3000, open_forge(api), event)

    assert result.ok
    assert [r.status for r in api.requests if r.operation == "comments.create"] == [422, 201]
    assert "unit is red" in api.comments[7][0]["body"]
    assert api.comments[7][0]["body"].startswith(MARKER)


def test_publish_body_refused_uses_the_shorter_rendering(make_api: Any, open_forge: Any, event: Event) -> None:
    api = make_api(comment_max=20_000)
    publish(report(), BODY + "x" * 60_000, open_forge(api), event, lambda budget: BODY + "y" * (budget // 2))

    assert "yyy" in api.comments[7][0]["body"]


def test_publish_read_only_token_names_the_permissions_and_keeps_the_verdict(
    make_api: Any, open_forge: Any, event: Event
) -> None:
    api = make_api(read_only=True)
    result = publish(report(), BODY, open_forge(api), event)

    assert not result.ok
    assert [part.outcome for part in result.written] == [Outcome.REFUSED] * 3
    assert [part.permission for part in result.written] == ["statuses: write", "pull-requests: write", "checks: write"]
    assert "the report is in the summary" in result.lines[-1]
    assert "grant `checks: write`" in "\n".join(result.lines)
    assert "ghs_secret" not in "\n".join(result.lines)


def test_publish_ghes_base_path_is_kept(make_api: Any, open_forge: Any, event: Event) -> None:
    api = make_api(base_path="/api/v3")
    assert publish(report(), BODY, open_forge(api), event).ok
    assert all(r.path.startswith("/api/v3/repos/o/r/") for r in api.requests)
    assert len(api.comments[7]) == len(api.check_runs) == len(api.statuses) == 1


def test_publish_forge_without_check_runs_keeps_comment_and_status(
    make_api: Any, open_forge: Any, event: Event
) -> None:
    api = make_api(base_path="/api/v1", check_runs=False, login="gitea-actions")
    result = publish(report(), BODY, open_forge(api, "0123456789abcdef"), event)
    publish(report(), BODY, open_forge(api, "0123456789abcdef"), event)

    assert result.ok
    assert "has no check runs" in "\n".join(result.lines)
    assert len(api.comments[7]) == 1
    assert {row["state"] for row in api.statuses} == {"failure"}


def test_publish_without_pull_request_writes_no_comment(api: GithubApi, open_forge: Any) -> None:
    result = publish(report(), BODY, open_forge(api), Event(name="push", repository="o/r", sha="a" * 40))
    assert result.ok
    assert result.lines[0] == "comment: not a pull request; not written"
    assert api.operations() == ["statuses.combined", "statuses.create", "checks.list", "checks.create"]


def test_publish_annotations_refused_still_shows_the_verdict(api: GithubApi, open_forge: Any, event: Event) -> None:
    api.fault("checks.create", Fault(status=422, message="Invalid path"))
    result = publish(report(), BODY, open_forge(api), event)
    assert result.ok
    assert [(run["conclusion"], run["annotations"]) for run in api.check_runs] == [("failure", [])]
    assert "2 remarks on lines were refused" in result.lines[-1]
    assert "2 remarks on lines were refused" in api.check_runs[0]["output"]["summary"]


def test_publish_comment_deleted_meanwhile_is_written_anew(api: GithubApi, open_forge: Any, event: Event) -> None:
    publish(report(), BODY, open_forge(api), event)
    api.fault("comments.update", Fault(call=api.comments.clear, status=404, message="Not Found"))
    result = publish(report(), BODY + " new", open_forge(api), event)
    assert result.ok
    assert [row["body"] for row in api.comments[7]] == [BODY + " new"]


def test_publish_nobody_listening_says_so(api: GithubApi, clock: QuickClock, event: Event) -> None:
    forge = GithubForge(repository="o/r", token="ghs_secret", api_url="http://127.0.0.1:9", clock=clock)
    result = publish(report(), BODY, forge, event)
    assert not result.ok
    assert [part.outcome for part in result.written] == [Outcome.FAILED] * 3
    assert "could not be used within 75 s" in result.lines[0]
    assert sum(clock.slept) < 3 * 75


OTHER = "other[bot]"


def test_publish_comment_of_another_app_with_our_marker_is_not_edited(
    api: GithubApi, open_forge: Any, event: Event
) -> None:
    api.add_comment(7, BODY, login=OTHER, kind="Bot")
    for words in (" 1", " 2"):
        assert publish(report(), BODY + words, open_forge(api), event).ok
    assert [row["body"] for row in api.comments[7]] == [BODY, BODY + " 2"]


def test_publish_with_an_apps_token_edits_that_apps_comment(make_api: Any, open_forge: Any, event: Event) -> None:
    api = make_api(login="my-app[bot]")
    api.add_comment(7, BODY, login="github-actions[bot]", kind="Bot")
    for words in (" 1", " 2"):
        assert publish(report(), BODY + words, open_forge(api), event).ok
    assert [row["body"] for row in api.comments[7]] == [BODY, BODY + " 2"]


def test_publish_of_nobody_knows_whom_leaves_another_apps_comment_and_says_what_is_missing(
    api: GithubApi, open_forge: Any, event: Event
) -> None:
    api.add_comment(7, BODY, login=OTHER, kind="Bot")
    api.fault("statuses.create", Fault(status=403, message="Resource not accessible by integration"))
    result = publish(report(), BODY + " new", open_forge(api), event)
    assert not result.ok
    assert "other[bot] wrote a comment with our marker" in result.lines[1]
    assert "grant `statuses: write`" in result.lines[1]
    assert [row["body"] for row in api.comments[7]] == [BODY]
    assert result.written[2].ok


@pytest.mark.parametrize(("asked", "bodies"), [(200, [BODY + " new"]), (403, [BODY, BODY + " new"])])
def test_publish_of_a_person_without_the_status_asks_who_it_is(
    make_api: Any, open_forge: Any, event: Event, asked: int, bodies: list[str]
) -> None:
    api = make_api(login="ann")
    api.add_comment(7, BODY, login="ann")
    api.fault("statuses.create", Fault(status=403, message="no"))
    if asked != 200:
        api.fault("user", Fault(status=asked, message="no"))
    publish(report(), BODY + " new", open_forge(api, "ghp_x"), event)
    assert api.operations().count("user") == 1
    assert [row["body"] for row in api.comments[7]] == bodies


def test_publish_of_two_comments_that_runs_at_once_left_keeps_one(
    api: GithubApi, open_forge: Any, event: Event
) -> None:
    for login in ("github-actions[bot]", OTHER, "ann", "github-actions[bot]", "github-actions[bot]"):
        api.add_comment(7, BODY, login=login, kind="User" if login == "ann" else "Bot")
    for _ in range(2):
        assert publish(report(), BODY + " new", open_forge(api), event).ok
    assert [(row["user"]["login"], row["body"]) for row in api.comments[7]] == [
        ("github-actions[bot]", BODY + " new"), (OTHER, BODY), ("ann", BODY),
    ]  # fmt: skip
    assert api.operations().count("comments.delete") == 2


@pytest.mark.parametrize("status", [403, 404])
def test_publish_comment_that_may_not_be_removed_costs_nothing(
    api: GithubApi, open_forge: Any, event: Event, status: int
) -> None:
    for _ in range(2):
        api.add_comment(7, BODY, login="github-actions[bot]", kind="Bot")
    api.fault("comments.delete", Fault(status=status, message="no"))
    assert publish(report(), BODY + " new", open_forge(api), event).ok
    assert [row["body"] for row in api.comments[7]] == [BODY + " new", BODY]


def test_publish_to_a_locked_conversation_says_so_and_asks_for_no_right(
    api: Any, open_forge: Any, event: Event
) -> None:
    api.fault("comments.create", Fault(status=403, message="Unable to create comment because issue is locked."))
    result = publish(report(), BODY, open_forge(api), event)

    assert [part.outcome for part in result.written] == [Outcome.CREATED, Outcome.FAILED, Outcome.CREATED]
    assert not result.ok
    assert "the conversation is locked" in "\n".join(result.lines)
    assert not any(part.permission for part in result.written)


@pytest.mark.parametrize("lost", [False, True])
def test_publish_one_batch_refused_shows_the_other_once_and_counts_what_is_missing(
    make_api: Any, open_forge: Any, event: Event, *, lost: bool
) -> None:
    api = make_api(base_path="/api/v3")
    api.fault("checks.create", Fault(status=422, message="bad annotation"))
    if lost:
        api.fault("checks.update", Fault(status=502, act=True))
    of_run = msgspec.structs.replace(event, run_id="77")
    result = publish(report(failing=70), BODY, open_forge(api), of_run)

    (run,) = api.check_runs
    assert len(run["annotations"]) == len({row["path"] + row["message"] for row in run["annotations"]}) == 20
    assert "50 remarks on lines were refused" in run["output"]["summary"]
    assert "50 remarks on lines were refused" in result.lines[-1]
    again = publish(report(failing=70), BODY, open_forge(api), of_run)
    assert again.written[-1].outcome is Outcome.UNCHANGED
    assert len(run["annotations"]) == 20
