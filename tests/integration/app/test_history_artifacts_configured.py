"""The history out of artifacts: what is configured, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support.app_desk import read_outputs
from tests.support.history_artifacts import ON, Ci

if TYPE_CHECKING:
    from tests.support.app_desk import Desk


def test_collecting_at_a_desk_or_without_a_token_is_refused(ci: Ci, desk: Desk) -> None:
    assert "this is no run of a CI" in ci.collect().err
    ci.begin(1)
    desk.env(GITHUB_TOKEN="")
    ended = ci.collect()
    assert (ended.code, "GITHUB_TOKEN is not set" in ended.err) == (2, True)


@pytest.mark.parametrize("also", ['branch = "h"', 'url = "postgresql://h/d"', 'folder = "f"'])
def test_two_places_at_once_are_refused(ci: Ci, desk: Desk, also: str) -> None:
    desk.configure(f"{ON}{also}\n")
    ended = desk.run("ci", "plan")
    assert ended.code == 2
    assert f"artifacts and {also.split(maxsplit=1)[0]} are two places for one history" in ended.err
    assert "fix: name one" in ended.err
    assert "pyproject.toml:" in ended.err


def test_push_and_pull_say_how_a_desk_gets_the_history(ci: Ci, desk: Desk) -> None:
    for words in ("push", "pull"):
        ended = desk.run("history", words)
        assert (ended.code, "gh run download -n truegreen-history" in ended.err) == (2, True)


def test_history_that_no_other_run_takes_over_is_kept_for_a_week(ci: Ci, desk: Desk) -> None:
    days = []
    desk.configure(ON + "pull-requests = true\n")
    for begin in (
        lambda: ci.begin(1),
        lambda: ci.begin_pull_request(2, "eve/r"),
        lambda: ci.begin_pull_request(3, "o/r"),
    ):
        outputs = ci.desk.outputs()
        begin()
        ci.collect()
        days.append(read_outputs(outputs)["retention-days"])
        outputs.unlink()
    assert days == ["0", "7", "7"]
