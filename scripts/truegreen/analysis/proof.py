"""What a run with a mutant says about the mutant, and about each test that should have noticed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis.commits import TestCommits, by_test, rows, same_object
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
    return tuple(test for test, seen in found if not seen.reads and rows(seen.committed(), Demand(), taken=True) > 0)


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


def lagging(
    calls: Iterable[tuple[str, int]], *, failed: Collection[str], skipped: Collection[str], proves: str
) -> tuple[TestAnswer, ...]:
    """Return what tests say about a read replica that lags behind; one that it kept nothing from is not asked.

    Args:
        calls: tests in the order in which they were called, each with the number of rows that were hidden from it; one
            that a plugin repeated is there several times.
        failed: tests that failed while it lagged.
        skipped: tests that were skipped.
        proves: what a test that passes all the same proves.
    """
    hidden: dict[str, int] = {}
    for test, rows_hidden in calls:
        hidden[test] = hidden.get(test, 0) + rows_hidden
    found = []
    for test, number in hidden.items():
        if number and test in failed:
            found.append(TestAnswer(test=test, answer=Answer.NOTICED))
        elif number and test not in skipped:
            found.append(TestAnswer(test=test, answer=Answer.MISSED, why=proves))
        elif test in failed:
            why = "it failed although nothing was kept from it"
            found.append(TestAnswer(test=test, answer=Answer.UNKNOWN, why=why))
    return tuple(found)


def of_all(tests: Iterable[TestAnswer]) -> Answer:
    """Return what several tests say together: one that noticed is enough, and one that missed outweighs ignorance."""
    said = {one.answer for one in tests}
    return next((answer for answer in (Answer.NOTICED, Answer.MISSED) if answer in said), Answer.UNKNOWN)


def _answer(seen: TestCommits, failed: bool, skipped: bool, at_work: bool, proves: str) -> TestAnswer:  # noqa: FBT001
    if failed and at_work:
        early = _unwritten(seen)
        why = f"it failed before {', '.join(early)} was written, so what it reads back there was not asked for"
        return TestAnswer(test=seen.test, answer=Answer.NOTICED, why=why if early else "")
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


def _unwritten(seen: TestCommits) -> list[str]:
    """Return the tables that a test names and that nothing wrote to in its call, also in vain."""
    tables = [one.object for one in seen.wanted if one.at_least > 0 and not one.store and ":" not in one.object]
    written = (*seen.committed(), *seen.rolled_back())
    return [name for name in tables if name and not any(same_object(change, name) for change in written)]


def _at_work(seen: TestCommits, journal: str, *, kept: bool) -> bool:
    """Return whether a transaction of the test's call ended as the mutant wants it: undone, or refused.

    One that a forgetful database could not undo was refused, and proves nothing about what it forgets.
    """
    calls = [phase for phase in seen.phases if phase.phase == "call"]
    ended = (change for phase in calls for change in (phase.committed if kept else phase.rolled_back))
    return any(change.object == journal for change in ended)
