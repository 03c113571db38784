"""What a run with a mutant says about the mutant, and about each test that should have noticed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis.commits import TestCommits, by_test, rows
from truegreen.model.persistence import Demand
from truegreen.model.proof import Answer, TestAnswer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from truegreen.model.persistence import PersistenceEvidence


def committing(evidence: PersistenceEvidence, passed: Iterable[str]) -> tuple[str, ...]:
    """Return the tests that committed rows while they ran, of those that passed: they should notice a lost commit.

    Args:
        evidence: recording of a run without a mutant.
        passed: tests that passed in it, in their order.
    """
    known = by_test([evidence])
    found = ((test, known.get(test, TestCommits(test=test))) for test in passed)
    return tuple(test for test, seen in found if not seen.reads and rows(seen.committed(), Demand()) > 0)


def answers(
    wanted: Iterable[str],
    evidence: PersistenceEvidence,
    *,
    failed: Collection[str],
    skipped: Collection[str],
    journal: str,
    kept: bool,
    proves: str,
) -> tuple[TestAnswer, ...]:
    """Return what each test says about a database that loses what it is given.

    Args:
        wanted: tests that should notice it.
        evidence: recording of the run with the mutant.
        failed: tests that failed in it.
        skipped: tests that were skipped in it.
        journal: table that the mutant writes whenever it is at work, as `schema.table`.
        kept: whether transactions commit with the mutant; else each of them fails.
        proves: what a test that passes all the same proves.
    """
    known = by_test([evidence])
    asked = [known.get(test, TestCommits(test=test)) for test in wanted]
    return tuple(
        _answer(seen, seen.test in failed, seen.test in skipped, _at_work(seen, journal, kept=kept), proves)
        for seen in asked
    )


def of_all(tests: Iterable[TestAnswer]) -> Answer:
    """Return what several tests say together: one that noticed is enough, and one that missed outweighs ignorance."""
    said = {one.answer for one in tests}
    return next((answer for answer in (Answer.NOTICED, Answer.MISSED) if answer in said), Answer.UNKNOWN)


def _answer(seen: TestCommits, failed: bool, skipped: bool, at_work: bool, proves: str) -> TestAnswer:  # noqa: FBT001
    if failed and at_work:
        return TestAnswer(test=seen.test, answer=Answer.NOTICED)
    if failed:
        why = "it failed before the fault was at work"
    elif skipped:
        why = "it was skipped this time"
    elif at_work:
        return TestAnswer(test=seen.test, answer=Answer.MISSED, why=proves)
    elif seen.committed():
        why = "what it writes takes a way that the fault does not reach"
    else:
        why = "it wrote nothing this time"
    return TestAnswer(test=seen.test, answer=Answer.UNKNOWN, why=why)


def _at_work(seen: TestCommits, journal: str, *, kept: bool) -> bool:
    """Return whether a transaction of the test's call ended as the mutant wants it: undone, or refused.

    One that a forgetful database could not undo was refused, and proves nothing about what it forgets.
    """
    calls = [phase for phase in seen.phases if phase.phase == "call"]
    ended = (change for phase in calls for change in (phase.committed if kept else phase.rolled_back))
    return any(change.object == journal for change in ended)
