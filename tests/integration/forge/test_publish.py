"""Publishing to a real server: once, and as often as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support.github_api import Fault, GithubApi
from tests.support.reports import report

from truegreen.forge.event import Event
from truegreen.forge.github import GithubForge
from truegreen.forge.port import MARKER, Outcome
from truegreen.forge.publishing import publish
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from tests.support.clocks import QuickClock

BODY = f"{MARKER}\n# truegreen: fail\n\nunit is red"


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
    assert api.operations() == ["comments.list", "comments.create", "checks.list", "checks.create", "statuses.create"]
    assert result.calls == 5


def test_publish_twice_leaves_one_comment_and_one_check_run(api: GithubApi, open_forge: Any, event: Event) -> None:
    publish(report(), BODY, open_forge(api), event)
    second = publish(report(), BODY, open_forge(api), event)

    assert len(api.comments[7]) == 1
    assert len(api.check_runs) == 1
    assert len(api.check_runs[0]["annotations"]) == 2
    assert "comments.update" not in api.operations()
    assert "checks.update" not in api.operations()
    assert [part.outcome for part in second.written] == [Outcome.UNCHANGED, Outcome.UNCHANGED, Outcome.CREATED]


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
    assert api.operations().count("user") == 2  # once for each forge opened


def test_publish_120_annotations_go_in_batches_of_50_and_stop_at_100(
    api: GithubApi, open_forge: Any, event: Event
) -> None:
    result = publish(report(failing=120), BODY, open_forge(api), event)

    writes = [r for r in api.requests if r.operation in ("checks.create", "checks.update")]
    assert [len(r.body["output"]["annotations"]) for r in writes] == [50, 50]
    assert "20 more remarks" in api.check_runs[0]["output"]["summary"]
    assert result.calls == 6


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
    assert [part.permission for part in result.written] == ["pull-requests: write", "checks: write", "statuses: write"]
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
    assert api.operations() == ["checks.list", "checks.create", "statuses.create"]


def test_publish_annotations_refused_still_shows_the_verdict(api: GithubApi, open_forge: Any, event: Event) -> None:
    api.fault("checks.create", Fault(status=422, message="Invalid path"))
    assert publish(report(), BODY, open_forge(api), event).ok
    assert [(run["conclusion"], run["annotations"]) for run in api.check_runs] == [("failure", [])]


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
