"""What is told where nothing remembers what was: by the runs that are kept of the branch."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.kept_branch import Branch, made

from truegreen.analysis import kept_said
from truegreen.model.history import History, PastRun, PastStage, Said
from truegreen.model.verdict import Status
from truegreen.notifiers import standing
from truegreen.notifiers.base import Transition

FAIL, PASS, SKIPPED, WAIVED, BLIND = Status.FAIL, Status.PASS, Status.SKIPPED, Status.WAIVED, Status.BLIND
RED, GREEN = "🔴 o/r main is red", "🟢 o/r main is green again"
BUT_E2E = "🟡 o/r main is green again but for e2e, not run again since it was red"


def test_standing_of_a_day_tells_one_message_an_edge() -> None:
    branch = Branch()
    for number, status in enumerate((PASS, FAIL, FAIL, BLIND, PASS, PASS, FAIL), start=1):
        branch.end(made(str(number), unit=status))
    assert branch.titles == [RED, GREEN, RED]


def test_standing_says_since_when_and_how_often_it_was_red() -> None:
    branch = Branch()
    for number, status in enumerate((FAIL, PASS, FAIL, FAIL), start=1):
        branch.end(made(str(number), unit=status))
    incident = standing.of(made("5", unit=PASS), branch.past())
    assert (incident.opened_commit, incident.red_runs) == (f"{3:040x}", 2)
    assert (incident.opened_at, incident.stages) == ("2026-11-21T00:03:00Z", ("unit",))


def test_standing_before_any_run_tells_a_red_and_no_green() -> None:
    assert Branch().end(made("1", unit=FAIL)) is Transition.OPENED
    assert Branch().end(made("1", unit=PASS)) is Transition.NONE


def test_standing_stage_that_was_not_run_again_stays_red() -> None:
    branch = Branch()
    branch.end(made("1", e2e=FAIL, unit=PASS))
    branch.end(made("2", e2e=SKIPPED, unit=FAIL))
    branch.end(made("3", e2e=SKIPPED, unit=PASS))
    branch.end(made("4", e2e=SKIPPED, unit=PASS))
    branch.end(made("5", e2e=PASS, unit=PASS))
    assert branch.titles == [RED, RED, BUT_E2E, GREEN]


def test_standing_run_in_which_nothing_was_judged_changes_nothing() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=SKIPPED))
    assert branch.end(made("3", unit=PASS)) is Transition.RECOVERED


def test_standing_recovery_by_a_waiver_says_so() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=WAIVED))
    branch.end(made("3", unit=PASS))
    assert branch.titles == [RED, "🟡 o/r main is green again by a waiver"]


def test_standing_later_attempt_repairs_the_earlier_one_and_leaves_what_was_not_run_again() -> None:
    branch = Branch()
    branch.end(made("1.1", lint=FAIL, unit=FAIL))
    again = made("1.2", lint=FAIL, unit=PASS)
    assert branch.end(again) is Transition.STILL_FAILING
    # The history keeps of an attempt only the stages that were run again.
    own = tuple(stage for stage in branch.runs["1.2"].stages if stage.stage == "unit")
    branch.runs["1.2"] = msgspec.structs.replace(branch.runs["1.2"], stages=own)
    assert standing.of(made("2", unit=PASS), branch.past()).stages == ("lint",)
    assert branch.end(made("1.3", lint=PASS, unit=PASS)) is Transition.RECOVERED


def test_standing_earlier_run_that_ends_late_repairs_nothing() -> None:
    branch = Branch()
    branch.end(made("2", unit=FAIL))
    assert branch.end(made("1", unit=PASS)) is Transition.NONE
    assert branch.end(made("3", unit=PASS)) is Transition.RECOVERED


def test_standing_late_red_is_told_where_no_later_run_judged_its_stage() -> None:
    branch = Branch()
    branch.end(made("2", unit=PASS, e2e=SKIPPED))
    assert branch.end(made("1", unit=FAIL, e2e=FAIL)) is Transition.OPENED
    assert standing.of(made("3", unit=PASS, e2e=SKIPPED), branch.past()).stages == ("e2e",)
    assert branch.end(made("3", unit=PASS, e2e=PASS)) is Transition.RECOVERED


def test_standing_late_red_that_was_not_told_has_no_end_to_tell() -> None:
    branch = Branch()
    branch.end(made("2", unit=PASS))
    assert branch.end(made("1", unit=FAIL)) is Transition.NONE
    assert branch.end(made("3", unit=PASS)) is Transition.NONE


def test_standing_red_that_the_next_green_run_did_not_know_ends_with_the_one_after() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL), known=())
    assert branch.end(made("2", unit=PASS), known=()) is Transition.NONE
    assert branch.end(made("3", unit=PASS)) is Transition.RECOVERED
    assert branch.end(made("4", unit=PASS)) is Transition.NONE


def test_standing_red_after_a_green_run_it_did_not_know_is_told() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=PASS))  # told as green again, while the next one was on its way
    assert branch.end(made("3", unit=FAIL), known=["1.1"]) is Transition.OPENED
    assert branch.end(made("4", unit=FAIL)) is Transition.STILL_FAILING
    assert branch.end(made("5", unit=PASS)) is Transition.RECOVERED


def test_standing_red_that_was_silent_beside_a_repair_is_told_by_the_next_red_one() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=FAIL))
    branch.end(made("1.2", unit=PASS))
    # The commit before is known, and that it was judged once more is not.
    assert branch.end(made("2", unit=FAIL), known=["1.1"]) is Transition.STILL_FAILING
    assert branch.end(made("3", unit=FAIL)) is Transition.OPENED
    assert branch.end(made("4", unit=PASS)) is Transition.RECOVERED


def test_standing_green_after_a_red_that_nobody_heard_of_tells_its_end() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=FAIL))
    branch.end(made("1.2", unit=PASS))
    branch.end(made("2", unit=FAIL), known=["1.1"])
    assert branch.end(made("3", unit=PASS)) is Transition.RECOVERED
    assert standing.of(made("4", unit=PASS), branch.past()).stages == ()
    assert branch.end(made("4", unit=PASS)) is Transition.NONE


def test_standing_after_runs_of_an_older_version_tells_of_no_end_long_past() -> None:
    branch = Branch()
    for number, status in enumerate((FAIL, PASS, FAIL, PASS, PASS), start=1):
        branch.end(made(str(number), unit=status, e2e=SKIPPED), old=True)
    assert branch.end(made("6", unit=PASS)) is Transition.NONE
    branch.end(made("7", unit=FAIL), old=True)
    assert branch.end(made("8", unit=PASS)) is Transition.RECOVERED


def test_standing_red_that_ended_beside_the_repair_of_an_older_one_is_told_by_the_next_red_one() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("3", unit=PASS), known=["1.1"])
    assert branch.end(made("2", unit=FAIL), known=["1.1"]) is Transition.STILL_FAILING
    assert branch.end(made("4", unit=FAIL)) is Transition.OPENED


def test_standing_stage_that_is_no_more_is_not_red_for_ever() -> None:
    branch = Branch()
    branch.end(made("1", wiring=FAIL, unit=PASS))
    assert branch.end(made("2", unit=PASS)) is Transition.RECOVERED
    branch.end(made("3", wiring=FAIL, unit=PASS), old=True)
    branch.end(made("4", unit=PASS), old=True)
    assert standing.of(made("5", unit=PASS), branch.past()).stages == ()


def test_standing_run_that_planned_nothing_is_repaired_by_the_next() -> None:
    branch = Branch()
    branch.end(msgspec.structs.replace(made("1"), status=BLIND))
    assert branch.end(made("2", unit=PASS)) is Transition.RECOVERED


@pytest.mark.parametrize(
    "other", [{"branch": "topic"}, {"branch": ""}, {"branch": "pull/7"}, {"base": False}, {"run": "desk-1"}]
)
def test_standing_counts_no_run_of_anything_else(other: dict[str, object]) -> None:
    red = PastRun(run="1.1", commit="0" * 40, created="2026-11-21T00:01:00Z", status="fail", branch="main", base=True)
    red = msgspec.structs.replace(red, stages=(PastStage(stage="unit", status="fail"),))
    green = made("2", unit=PASS)
    assert standing.of(green, History(runs=(red,))).open
    assert not standing.of(green, History(runs=(msgspec.structs.replace(red, **other),))).open


def test_standing_of_a_tag_knows_the_attempts_of_its_run_alone() -> None:
    branch = Branch()
    branch.end(made("1", ref="refs/tags/v1", unit=FAIL))
    assert branch.end(made("2", ref="refs/tags/v2", unit=PASS)) is Transition.NONE
    assert branch.end(made("1.2", ref="refs/tags/v1", unit=PASS)) is Transition.RECOVERED


@pytest.mark.parametrize(
    ("ref", "pull"), [("refs/pull/7/merge", 7), ("refs/heads/topic", 7), ("refs/heads/pull/7", None)]
)
def test_standing_of_a_pull_request_is_never_known(ref: str, pull: int | None) -> None:
    one = PastRun(run="1.1", commit="0" * 40, created="2026-11-21T00:01:00Z", status="fail", branch="pull/7")
    asked = made("2", ref=ref, unit=PASS)
    origin = msgspec.structs.replace(asked.provenance, pull_request=pull)
    asked = msgspec.structs.replace(asked, provenance=origin)
    assert standing.of(asked, History(runs=(one,))).last_run == ""


@pytest.mark.parametrize("said", list(Said))
def test_said_is_kept_as_it_was(said: Said) -> None:
    assert kept_said.unpacked(kept_said.packed(said)) is said


@pytest.mark.parametrize("data", [b"nothing", b"RED", b"\xff", b"red\0"])
def test_said_that_is_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        kept_said.unpacked(data)
