"""Gate: the tests that were selected really ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, some, tested
from truegreen.model.testrun import Outcome, TestCase, TestSession
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.run import History, RunEvidence

_ENDED_BADLY = {
    2: "pytest was interrupted (exit code 2)",
    3: "pytest stopped on an internal error (exit code 3)",
    4: "pytest did not understand its command line (exit code 4)",
    5: "pytest collected no tests (exit code 5)",
}
_NONE = 5
_UNDERSTOOD = (0, 1)
_NONE_SELECTED = (
    "mark tests for this stage (`@pytest.mark.<stage>`), remove the arguments that deselect them, or leave the "
    "stage out: `enabled = false` with a `why`"
)
_ITEMS_MAX = 50


class TestsRanOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.tests-ran]`."""

    __test__ = False

    min_tests: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Least number of tests that must really run (skipped ones do not count) in each stage."""


class TestsRan(BaseGate):
    """Every test that was selected ran and has a result; nothing was lost on the way.

    **Proves** that "no failures" means something: pytest came to its own end, collected without an error,
    ran at least `min-tests` tests, and its result file names exactly the tests that were selected.

    **Blind when** no session was recorded; a session never ended or ended with exit code 2, 3, 4 or 5; a
    file could not be collected; zero tests were selected; all were skipped; results are missing for selected
    tests or exist for unknown ones; pytest says something failed and no test did.

    **Options**: `min-tests` (default 1): fewer tests that really ran are a fail.

    Example:
        [tool.truegreen.gates.tests-ran]
        min-tests = 50
    """

    __test__ = False

    id: ClassVar[str] = "tests-ran"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests", "sessions"})
    Options: ClassVar[type[GateOptions]] = TestsRanOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TestsRanOptions) -> bool:  # noqa: ARG002
        """Return False only for a performance stage without pytest."""
        return tested(evidence.of(stage), stage)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TestsRanOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the sessions against the results."""
        seen = evidence.of(stage)
        if not seen.sessions or seen.tests is None:
            return self.blind(
                stage, "no record of a pytest session", remedy=f"run `truegreen run {stage}` again", code="TG201"
            )
        cases = seen.tests.cases
        problem = _sessions(seen.sessions) or _results(seen.sessions, cases)
        facts = _facts(seen.sessions, cases)
        if problem:
            reason, remedy, items = problem
            return self.blind(stage, reason, remedy=remedy, facts=facts, items=items)
        ran = sum(1 for case in cases if case.outcome is not Outcome.SKIP)
        if ran < policy.min_tests:
            return self.failed(
                stage,
                f"{count(ran, 'test')} ran, at least {policy.min_tests:,} are asked for",
                remedy="find out which tests are no longer collected, or lower min-tests",
                facts=facts,
            )
        skipped = f"{len(cases) - ran:,} were skipped on purpose" if len(cases) > ran else "all that were selected"
        return self.passed(stage, f"{count(ran, 'test')} ran, {skipped}", facts=facts)


_Problem = tuple[str, str, tuple[Item, ...]]


def _sessions(sessions: tuple[TestSession, ...]) -> _Problem | None:
    """Return why a session cannot be trusted; None when all ended on their own."""
    errors = sum(session.collection_errors for session in sessions)
    if errors:
        files = count(errors, "file")
        return f"{files} could not be collected, so their tests never ran", "fix the errors of collection", ()
    for session in sessions:
        code = session.exit_code
        if code in _ENDED_BADLY:
            return _ENDED_BADLY[code], _NONE_SELECTED if code == _NONE else "read the stage's pytest log", ()
        if not session.finished or code is None:
            return "a pytest session never came to its end", "read the stage's pytest log: it was killed or crashed", ()
        if code not in _UNDERSTOOD:
            return f"pytest ended with exit code {code}", "read the stage's pytest log", ()
    return None


def _results(sessions: tuple[TestSession, ...], cases: tuple[TestCase, ...]) -> _Problem | None:
    """Return why the results do not belong to the sessions."""
    selected = {test for session in sessions for test in session.ids}
    if not selected or any(session.selected <= 0 for session in sessions):
        return "no tests were selected", _NONE_SELECTED, ()
    have = {case.id for case in cases}
    lost = sorted(selected - have)
    if lost:
        reason = f"{count(len(lost), 'selected test')} left no result: {some(lost)}"
        return reason, "run the whole selection; -x and --maxfail stop early", _named(lost, "selected, and no result")
    extra = sorted(have - selected)
    if extra:
        reason = f"{count(len(extra), 'result')} belong to tests that no session selected: {some(extra)}"
        return reason, "remove result files of other runs", _named(extra, "a result, and not selected")
    if all(case.outcome is Outcome.SKIP for case in cases):
        return (
            f"all {count(len(cases), 'test')} were skipped",
            "run at least one, or take the stage out of the plan",
            (),
        )
    red = any(o in (Outcome.FAIL, Outcome.ERROR) for case in cases for o in (case.outcome, *case.attempts))
    if not red and any(session.exit_code == 1 for session in sessions):
        return "pytest says that something failed (exit code 1), and no test did", "read the stage's pytest log", ()
    return None


def _named(ids: list[str], message: str) -> tuple[Item, ...]:
    return tuple(Item(title=name, message=message, level="warning") for name in ids[:_ITEMS_MAX])


def _facts(sessions: tuple[TestSession, ...], cases: tuple[TestCase, ...]) -> tuple[Fact, ...]:
    selected = sum(session.selected for session in sessions)
    deselected = sum(session.deselected for session in sessions)
    skipped = sum(1 for case in cases if case.outcome is Outcome.SKIP)
    facts = [Fact(label="selected", value=f"{selected:,}"), Fact(label="results", value=f"{len(cases):,}")]
    if deselected:
        facts.append(Fact(label="deselected", value=f"{deselected:,}"))
    if skipped:
        facts.append(Fact(label="skipped", value=f"{skipped:,}"))
    return tuple(facts)
