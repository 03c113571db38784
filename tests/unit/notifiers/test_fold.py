"""What is told where runs overlap, are started again, or say nothing of a stage: by the runs that are kept."""

from __future__ import annotations

import pytest
from tests.support.kept_branch import Branch, made

from truegreen.model.history import Said
from truegreen.model.verdict import Status
from truegreen.notifiers import standing
from truegreen.notifiers.base import Transition

FAIL, PASS, SKIPPED = Status.FAIL, Status.PASS, Status.SKIPPED
RED, GREEN = "🔴 o/r main is red", "🟢 o/r main is green again"
BUT_UNIT = "🟡 o/r main is green again but for unit, not run again since it was red"


def test_fold_report_started_again_leaves_its_stages_as_they_were() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=FAIL, lint=PASS))
    branch.end(made("1.2", unit=FAIL, lint=PASS), carried=("unit", "lint"))
    assert standing.of(made("2", unit=PASS), branch.past()).stages == ("unit",)
    assert branch.end(made("2", unit=SKIPPED, lint=PASS)) is Transition.NONE
    assert branch.titles == [RED]
    assert branch.end(made("3", unit=PASS, lint=PASS)) is Transition.RECOVERED


def test_fold_report_started_again_hides_no_other_stage_that_breaks() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=PASS, e2e=FAIL))
    branch.end(made("1.2", unit=PASS, e2e=FAIL), carried=("unit", "e2e"))
    assert branch.end(made("2", unit=FAIL, e2e=SKIPPED)) is Transition.OPENED


def test_fold_attempt_whose_first_one_was_not_kept_repairs_no_stage_that_is_not_run_again() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=FAIL, lint=PASS))
    branch.end(made("1.2", unit=FAIL, lint=PASS), carried=("unit",))
    del branch.runs["1.1"], branch.said["1.1"]
    assert branch.end(made("2", unit=SKIPPED, lint=PASS)) is Transition.NONE
    assert standing.of(made("3", unit=SKIPPED, lint=PASS), branch.past()).stages == ("unit",)
    assert branch.end(made("3", unit=PASS, lint=PASS)) is Transition.RECOVERED
    assert branch.end(made("4", unit=SKIPPED, lint=PASS)) is Transition.NONE


def test_fold_red_attempt_with_all_stages_of_an_unknown_one_ends_with_the_next_run_of_all() -> None:
    branch = Branch()
    branch.end(made("1.2", unit=FAIL), carried=("unit",))
    assert branch.end(made("2", unit=FAIL)) is Transition.STILL_FAILING
    assert branch.end(made("3", unit=PASS)) is Transition.RECOVERED


def test_fold_attempt_of_a_run_that_was_skipped_hides_nothing() -> None:
    branch = Branch()
    branch.end(made("1.1", unit=SKIPPED, lint=SKIPPED))
    branch.end(made("1.2", unit=FAIL))
    assert standing.of(made("2", unit=PASS, lint=SKIPPED), branch.past()).stages == ("unit",)


def test_fold_red_beside_a_nightly_run_of_the_commit_before_is_told_by_the_next_run() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=PASS, of=1, nightly=True))
    assert branch.end(made("3", of=2, unit=FAIL), known=["1.1"]) is Transition.STILL_FAILING
    assert branch.titles == [RED, GREEN]
    assert branch.end(made("4", of=3, unit=PASS)) is Transition.RECOVERED
    assert branch.end(made("5", of=4, unit=PASS)) is Transition.NONE


def test_fold_red_that_nobody_heard_of_is_named_by_a_run_that_has_not_its_stage() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=PASS, of=1, nightly=True))
    branch.end(made("3", of=2, unit=FAIL), known=["1.1"])
    branch.end(made("4", of=3, lint=PASS, unit=SKIPPED))
    assert branch.titles == [RED, GREEN, BUT_UNIT]
    assert branch.end(made("5", of=4, lint=PASS, unit=SKIPPED)) is Transition.NONE


def test_fold_red_that_ended_unheard_and_was_repaired_unheard_is_told_with_its_end() -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=PASS, of=1, nightly=True))
    branch.end(made("3", of=2, unit=FAIL), known=["1.1"])
    assert branch.end(made("4", of=3, unit=PASS), known=["1.1", "2.1"]) is Transition.NONE
    assert branch.end(made("5", of=4, unit=PASS)) is Transition.RECOVERED


@pytest.mark.parametrize("between", [{"unit": SKIPPED}, {"unit": SKIPPED, "lint": PASS}, {"lint": PASS}])
def test_fold_red_after_a_run_that_says_nothing_of_it_and_knew_not_the_one_before_is_told(
    between: dict[str, Status],
) -> None:
    branch = Branch()
    branch.end(made("1", unit=FAIL))
    branch.end(made("2", unit=PASS))  # told as green again, and kept late
    branch.end(made("3", **between), known=["1.1"])
    assert branch.end(made("4", unit=FAIL), known=["1.1", "3.1"]) is Transition.OPENED


def test_fold_red_after_runs_that_say_nothing_of_it_and_knew_all_is_the_same_as_before() -> None:
    branch = Branch()
    branch.end(made("1", lint=PASS, e2e=FAIL))
    for number in (2, 3, 4):
        branch.end(made(str(number), lint=PASS, e2e=SKIPPED))
    assert branch.end(made("5", of=4, nightly=True, lint=PASS, e2e=FAIL)) is Transition.STILL_FAILING
    assert [said.value for said in branch.said.values()] == ["red", "", "", "", "still red"]


def test_said_of_a_run_that_did_not_know_the_commit_before_is_that() -> None:
    branch = Branch()
    branch.end(made("1", unit=PASS))
    branch.end(made("3", unit=PASS))
    branch.end(made("4", unit=SKIPPED))
    assert branch.said == {"1.1": Said.UNSURE, "3.1": Said.UNSURE, "4.1": Said.NOTHING}
