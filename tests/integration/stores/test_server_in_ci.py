"""Runs of a CI whose history lies on a real PostgreSQL server: which are judged with it, and which are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from tests.support import app_desk, history_desk
from tests.support.github_api import GithubApi
from tests.support.history_desk import event, from_pull_request, judge, page
from tests.support.stores import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk

ON = '[tool.truegreen.history]\nurl = "$TRUEGREEN_HISTORY_URL"\nrepository = "{}"\n'


@pytest.fixture
def place(server: str, request: pytest.FixtureRequest) -> Place:
    return Place("postgres", server, f"o/{request.node.name}")


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Place
) -> Iterator[Desk]:
    """Return a desk in a run of a CI, whose report job is given the server's address."""
    found = app_desk.desk(tmp_path / "project", monkeypatch, capsys)
    found.configure(ON.format(place.repository))
    found.commit()
    port = urlsplit(place.location).port
    with GithubApi() as api:
        found.env(GITHUB_ACTIONS="true", GITHUB_API_URL=api.url, TG_SET=history_desk.SET)
        found.env(GITHUB_STEP_SUMMARY=str(tmp_path / "page.md"))
        found.env(TRUEGREEN_HISTORY_URL=f"postgresql://truegreen@127.0.0.1:{port}/app")
        yield found


def test_report_job_keeps_its_run_on_the_server_and_is_compared_with_it(desk: Desk, place: Place) -> None:
    event(desk, 1)
    judge(desk, "test_a", "test_b")
    event(desk, 2)
    told = judge(desk, "test_a")["history"]
    assert told == "compared with 1 earlier run on the history's server"
    assert [one.run.run for one in place.open().runs()] == ["1.1", "2.1"]
    assert "127.0.0.1" not in page(desk)


def test_pull_requests_are_judged_with_the_server_and_kept_where_that_is_wanted(desk: Desk, place: Place) -> None:
    event(desk, 1)
    judge(desk)
    from_pull_request(desk, 2, "o/r")
    assert judge(desk)["history"].endswith(
        "will not be kept: it is of a pull request, and history.pull-requests is not set"
    )
    desk.configure(ON.format(place.repository) + "pull-requests = true\n")
    desk.commit()
    from_pull_request(desk, 3, "mallory/r")
    assert judge(desk)["history"].endswith("will not be kept: the pull request comes from a fork")
    from_pull_request(desk, 4, "o/r")
    assert "kept" not in judge(desk)["history"]
    assert [(one.run.run, one.run.base) for one in place.open().runs()] == [("1.1", True), ("4.1", False)]


def test_run_that_is_not_given_the_address_is_judged_without_it_and_told(desk: Desk, place: Place) -> None:
    from_pull_request(desk, 1, "mallory/r")
    desk.env(TRUEGREEN_HISTORY_URL="")
    told = judge(desk)["history"]
    assert told.startswith("nothing was compared with earlier runs: the history's address is not known")
    assert list(place.open().runs()) == []
