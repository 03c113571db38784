"""The newest run of a pipeline has the last word on every surface, in whatever order runs end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.support.reports import report

from truegreen.forge import publishing
from truegreen.forge.port import MARKER, Outcome
from truegreen.forge.publishing import Options, PublishResult
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from tests.support.github_api import GithubApi

    from truegreen.forge.event import Event

RUNS = "https://github.com/o/r/actions/runs"
SURFACES = ("commit status", "comment", "check run")


@pytest.fixture
def publish(open_forge: Any, event: Event) -> Any:
    """Return a function that publishes what a run came to."""

    def of_run(
        api: GithubApi, run: str, status: Status = Status.PASS, options: Options | None = None, **changes: Any
    ) -> PublishResult:
        number, _, attempt = run.partition(".")
        known = {"run_id": number, "run_attempt": int(attempt or 1), "run_url": f"{RUNS}/{number}"}
        here = msgspec.structs.replace(event, **{**known, **changes})
        body = f"{MARKER}\n{status.value}"
        chosen = options or Options(check_run=True)
        return publishing.publish(report(status), body, open_forge(api), here, options=chosen)

    return of_run


@pytest.mark.parametrize(("newer", "older"), [("77.2", "77.1"), ("78.1", "77.1"), ("100.1", "99.1"), ("78.1", "77.9")])
def test_publish_of_an_older_run_replaces_nothing(api: GithubApi, publish: Any, newer: str, older: str) -> None:
    publish(api, newer, Status.FAIL)
    late = publish(api, older, Status.PASS)
    assert late.ok
    assert [part.outcome for part in late.written] == [Outcome.SUPERSEDED] * 3
    assert [line.partition(":")[2] for line in late.lines] == [" not touched, a later run has spoken since"] * 3
    assert [row["state"] for row in api.statuses] == ["failure"]
    assert [run["conclusion"] for run in api.check_runs] == ["failure"]
    assert "fail" in api.comments[7][0]["body"]


@pytest.mark.parametrize(("older", "newer"), [("77.1", "77.2"), ("77.1", "78.1"), ("99.1", "100.1"), ("77.1", "77.1")])
def test_publish_of_a_newer_run_or_the_same_again_replaces_all(
    api: GithubApi, publish: Any, older: str, newer: str
) -> None:
    publish(api, older, Status.PASS)
    assert publish(api, newer, Status.FAIL).ok
    assert [row["state"] for row in api.statuses] == ["success", "failure"]
    number, _, attempt = newer.partition(".")
    assert api.statuses[-1]["target_url"] == f"{RUNS}/{number}" + (f"?attempt={attempt}" if attempt != "1" else "")
    assert api.check_runs[-1]["conclusion"] == "failure"
    assert api.comments[7][0]["body"].endswith("fail")


@pytest.mark.parametrize("other", ["push", "schedule", "workflow_dispatch", "release"])
def test_publish_of_another_event_of_the_same_commit_leaves_the_pull_requests_word(
    api: GithubApi, publish: Any, other: str
) -> None:
    publish(api, "77", Status.FAIL)
    publish(api, "78", Status.PASS, name=other, pull_request=None)
    name = f"truegreen/result (on {other})"
    assert {row["context"]: row["state"] for row in api.statuses} == {"truegreen/result": "failure", name: "success"}
    checked = {run["name"]: run["conclusion"] for run in api.check_runs}
    assert checked == {"truegreen": "failure", f"truegreen (on {other})": "success"}
    publish(api, "77.2", Status.PASS)
    assert [row["state"] for row in api.statuses if row["context"] == "truegreen/result"] == ["failure", "success"]


def test_publish_of_a_merge_group_has_the_name_that_a_rule_asks_for(api: GithubApi, publish: Any) -> None:
    publish(api, "77", name="merge_group", pull_request=None)
    assert [row["context"] for row in api.statuses] == ["truegreen/result"]


def test_publish_of_two_pipelines_of_one_project_leaves_both_words(api: GithubApi, publish: Any) -> None:
    publish(api, "77", Status.FAIL, Options(stages=("unit", "lint")))
    publish(api, "77", Status.PASS, Options(stages=("persistence",)))
    publish(api, "77", Status.PASS, Options(stages=("persistence",), project="packages/a"))
    assert {row["context"]: row["state"] for row in api.statuses} == {
        "truegreen/result (stages lint unit)": "failure",
        "truegreen/result (stages persistence)": "success",
        "truegreen/result (packages/a, stages persistence)": "success",
    }
    assert [row["body"].partition("\n")[0] for row in api.comments[7]] == [
        "<!-- truegreen:report stages lint unit -->",
        "<!-- truegreen:report stages persistence -->",
        "<!-- truegreen:report packages/a, stages persistence -->",
    ]


@pytest.mark.parametrize("project", ["on push", "stages lint", "a, on push"])
def test_publish_of_a_folder_named_like_an_event_or_stages_is_not_taken_for_one(
    api: GithubApi, publish: Any, project: str
) -> None:
    publish(api, "77", Status.FAIL, Options(project=project))
    (status,) = api.statuses
    assert project not in status["context"]


def test_publish_finds_its_status_behind_those_of_250_others(api: GithubApi, publish: Any) -> None:
    for number in range(250):
        api.perform("statuses.create", ("o/r", "a" * 40), {}, {"state": "success", "context": f"ci/{number}"})
    publish(api, "78", Status.FAIL)
    publish(api, "77", Status.PASS)
    assert [row["state"] for row in api.statuses if row["context"] == "truegreen/result"] == ["failure"]
    assert api.operations().count("statuses.combined") == 6


@pytest.mark.parametrize("address", [None, "", "https://example.org/build/99", f"{RUNS}/x", f"{RUNS}/99/job/3"])
def test_publish_status_that_names_no_run_of_ours_is_replaced(
    api: GithubApi, publish: Any, address: str | None
) -> None:
    row = {"state": "success", "context": "truegreen/result", "target_url": address}
    api.perform("statuses.create", ("o/r", "a" * 40), {}, row)
    publish(api, "77", Status.FAIL)
    assert api.statuses[-1]["state"] == "failure"


@pytest.mark.parametrize("last", [Status.PASS, Status.FAIL])
def test_check_run_of_the_newest_attempt_is_the_newest_one(
    make_api: Any, open_forge: Any, event: Event, last: Status
) -> None:
    """The first has no remarks, and could be taken for a place to write to; the second one has many."""
    api = make_api(base_path="/api/v3")
    attempts = (report(Status.BLIND, failing=0), report(failing=60), report(last, failing=0))
    for attempt, told in enumerate(attempts, 1):
        here = msgspec.structs.replace(event, run_id="77", run_attempt=attempt, run_url=f"{RUNS}/77")
        told_by = publishing.publish(
            told, f"{MARKER}\n{attempt}", open_forge(api), here, options=Options(check_run=True)
        )
        assert told_by.ok
        assert told_by.calls <= 6
    newest = max(api.check_runs, key=lambda run: run["id"])
    assert newest["conclusion"] == ("success" if last is Status.PASS else "failure")
    assert newest["annotations"] == []
