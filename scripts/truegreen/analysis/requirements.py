"""How far the evidence of a run proves each requirement; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import commits
from truegreen.model.evidence import RunState
from truegreen.model.requirement import Proof, Requirement, State
from truegreen.model.testrun import BAD, Outcome, TestCase, TestSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.model.run import RunEvidence, StageEvidence

PERSISTENCE = "persistence"
"""Type whose tests must also have committed what they say."""


class _Seen(msgspec.Struct, frozen=True):
    """What the tests of one stage say about requirements."""

    results: dict[str, list[TestCase | None]]
    """Requirement → results of its tests that were selected; None for one that left no result."""
    committed: frozenset[str] = frozenset()
    """Tests that committed all they had to."""
    blind: str = ""
    """Why the stage's tests could not be seen."""
    idle: str = ""
    """Why the stage had nothing to do."""
    partial: bool = False


def named(evidence: RunEvidence) -> dict[str, tuple[str, ...]]:
    """Return requirement → node ids of the tests that name it in a planned stage, each once."""
    found: dict[str, dict[str, None]] = {}
    for session in (session for stage in evidence.planned for session in evidence.of(stage).sessions):
        for name, tests in session.requirements.items():
            found.setdefault(name, {}).update(dict.fromkeys(tests))
    return {name: tuple(tests) for name, tests in found.items()}


def proofs(
    rows: Iterable[Requirement], evidence: RunEvidence, types: Mapping[str, tuple[str, ...]]
) -> tuple[Proof, ...]:
    """Return what the evidence says about each row.

    A row is proved by a passing test of its type that names it, where none of those tests failed. Skipped tests and
    expected failures prove nothing. A row of type `persistence` is proved by a test that also committed all it had
    to.

    Args:
        rows: the registry.
        evidence: everything read about the run.
        types: type of a row → stages in which a test of the type runs.
    """
    tests = named(evidence)
    seen = {stage: _seen(evidence.of(stage)) for stage in evidence.planned}
    return tuple(_proof(row, tests.get(row.id, ()), types[row.type], seen, evidence) for row in rows)


def _seen(stage: StageEvidence) -> _Seen:
    # Of a large suite, only what names a requirement is kept.
    wanted = {own for session in stage.sessions for own in _names(session)}
    cases = {case.id: case for case in stage.tests.cases if case.id in wanted} if stage.tests else {}
    results: dict[str, list[TestCase | None]] = {}
    for session in stage.sessions:
        selected = frozenset(test for test in session.ids if test in wanted)
        for name, tests in session.requirements.items():
            ran = (own for test in tests if (own := _selected(test, session, selected)))
            results.setdefault(name, []).extend(cases.get(own) for own in ran)
    known = commits.by_test(stage.persistence)
    committed = (name for name, test in known.items() if test.observed and not test.problem and not test.reads)
    return _Seen(
        results=results,
        committed=frozenset(name for name in committed if not known[name].missing()),
        blind=_blind(stage),
        idle=next((record.reason for record in stage.records if record.state is RunState.SKIPPED), ""),
        partial=any(session.asked for session in stage.sessions),
    )


def _names(session: TestSession) -> Iterable[str]:
    """Yield the ids that results of tests which name a requirement can have."""
    for test in (test for tests in session.requirements.values() for test in tests):
        yield from (test, f"{test} [{session.python}]")


def _selected(test: str, session: TestSession, selected: frozenset[str]) -> str:
    """Return how the session's results name a test; empty when it was not selected."""
    labelled = f"{test} [{session.python}]"
    return test if test in selected else labelled if labelled in selected else ""


def _blind(stage: StageEvidence) -> str:
    """Return why a stage's tests cannot be seen whole; empty when they can, or when there was nothing to do."""
    parts = {"stage", "tests", "sessions", "persistence"}
    if problem := next((problem for problem in stage.problems if problem.kind in parts), None):
        return problem.message
    if stage.records and all(record.state is RunState.SKIPPED for record in stage.records):
        return ""
    if stage.tests is None or not stage.sessions:
        return f"{stage.stage} left no results of tests"
    if any(not session.finished or session.collection_errors for session in stage.sessions):
        return f"the tests of {stage.stage} did not all run"
    if any(part.problem or not part.complete for part in commits.relevant(stage.persistence)):
        return f"the recording of {stage.stage} is not whole"
    return ""


def _proof(
    row: Requirement,
    tests: tuple[str, ...],
    stages: tuple[str, ...],
    seen: Mapping[str, _Seen],
    evidence: RunEvidence,
) -> Proof:
    planned = [(stage, seen[stage]) for stage in stages if stage in seen]
    results = [case for _, part in planned for case in part.results.get(row.id, ())]
    anywhere = [case for part in seen.values() for case in part.results.get(row.id, ())]
    if failed := [case.id for case in anywhere if case is not None and case.outcome in BAD]:
        return Proof(requirement=row, state=State.FAILED, tests=tests, why=f"failed: {failed[0]}")
    passed = [case for case in results if case is not None and case.outcome is Outcome.PASS]
    kept = {name for _, part in planned for name in part.committed}
    proved = [case for case in passed if row.type != PERSISTENCE or case.id in kept]
    if blind := next((part.blind for _, part in planned if part.blind), ""):
        # A test of the row may have failed where nobody could see it.
        return Proof(requirement=row, state=State.UNSEEN, tests=tests, why=blind)
    if proved:
        return Proof(requirement=row, state=State.PROVED, tests=tests)
    later = [stage for stage in stages if stage not in (*evidence.planned, *evidence.switched_off)]
    if later:
        return Proof(requirement=row, state=State.OPEN, tests=tests, why=f"left to {' or '.join(later)}")
    if any(part.partial for _, part in planned):
        return Proof(requirement=row, state=State.OPEN, tests=tests, why="only a part of the tests ran")
    state = State.NOT_PROVED if tests else State.NO_TEST
    return Proof(requirement=row, state=state, tests=tests, why=_why(row, tests, stages, planned, results, passed))


def _why(
    row: Requirement,
    tests: tuple[str, ...],
    stages: tuple[str, ...],
    planned: list[tuple[str, _Seen]],
    results: list[TestCase | None],
    passed: list[TestCase],
) -> str:
    """Return why nothing proves a row, in words."""
    where = " or ".join(stages)
    if not tests:
        idle = next((part.idle for _, part in planned if part.idle), "")
        return f"no test names it ({where}{f': {idle}' if idle else ''})"
    if passed:
        return f"{passed[0].id} passed, and there is no evidence that it committed what it had to"
    if results:
        return f"skipped, or expected to fail: {tests[0]}"
    return f"no test of type {row.type} names it: {tests[0]} did not run in {where}"
