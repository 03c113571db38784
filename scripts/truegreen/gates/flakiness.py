"""Gate: few tests disagree with themselves in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.testrun import Outcome, TestCase, TestRun, TestSession
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_BAD = (Outcome.FAIL, Outcome.ERROR)
_ITEMS_MAX = 100


class FlakinessOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.flakiness]`."""

    max_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Largest share of tests (0 to 1) whose attempts in this run may disagree."""


class Flakiness(BaseGate):
    """Few enough tests fail and pass on the same commit, in the same run.

    **Proves** that a rerun did not hide a problem: each test whose attempts disagree is listed, and their
    share of the tests that ran is at most `max-ratio`. Attempts that a plugin makes inside the session, such as
    those of pytest-rerunfailures, count as well. It says nothing about tests that passed at once.

    **Blind when** no test ran. **Not judged** when tests failed and were not run again, because then nobody
    knows whether they are flaky or broken; `no-failures` is red in that case.

    **Options**: `max-ratio` (default 0.01, one test in a hundred).

    Example:
        [tool.truegreen.gates.flakiness]
        max-ratio = 0.0
    """

    id: ClassVar[str] = "flakiness"
    stages: ClassVar[frozenset[str]] = frozenset({"unit", "wiring", "persistence", "e2e"})
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = FlakinessOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FlakinessOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the attempts."""
        tests = evidence.of(stage).tests
        repeated = _repeated(evidence.of(stage).sessions)
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if tests else 0
        if tests is None or not ran:
            return self.blind(stage, "no test ran, so none can be called stable", remedy="run at least one test")
        told = [case for case in _notable(tests, repeated) if case.outcome is not Outcome.SKIP]
        flaky = [case for case in told if _flaky(case, repeated)]
        again = sum(1 for case in told if len(case.attempts) > 1 or case.id in repeated)
        unknown = [case for case in told if case.outcome in _BAD and len(case.attempts) <= 1]
        allowed = policy.max_ratio * ran
        facts = (
            Fact(label="tests run", value=f"{ran:,}"),
            Fact(label="run more than once", value=f"{again:,}"),
            Fact(label="disagree", value=f"{len(flaky) / ran:.2%}", wanted=f"at most {policy.max_ratio:.2%}"),
        )
        items = tuple(_item(case) for case in flaky[:_ITEMS_MAX])
        disagree = "disagrees with itself" if len(flaky) == 1 else "disagree with themselves"
        reason = f"{len(flaky):,} of {count(ran, 'test')} {disagree}"
        if len(flaky) > allowed:
            remedy = "make the listed tests deterministic: time, order, shared state, ports and sleeps come first"
            return self.failed(stage, reason, remedy=remedy, facts=facts, items=items)
        if len(flaky) + len(unknown) > allowed:
            return self.not_judged(
                stage, f"{count(len(unknown), 'failing test')} not run again: flaky or broken, unknown"
            )
        return self.passed(stage, reason, facts=facts, items=items)


def _notable(tests: TestRun, repeated: frozenset[str]) -> Iterable[TestCase]:
    """Return the cases that may be flaky or failed; among very many tests they are few."""
    return tests.cases if repeated else tests.records()


def _repeated(sessions: tuple[TestSession, ...]) -> frozenset[str]:
    """Return the tests that a plugin repeated inside a session; of a matrix, as their results are named."""
    names = (test for session in sessions for test, times in session.reruns.items() if times > 0)
    labelled = (f"{test} [{session.python}]" for session in sessions for test, n in session.reruns.items() if n > 0)
    return frozenset((*names, *labelled))


def _flaky(case: TestCase, repeated: frozenset[str]) -> bool:
    """Return whether attempts disagree; one that was repeated and passed had failed, unless better is known."""
    return case.flaky or (case.id in repeated and case.outcome is Outcome.PASS and not case.attempts)


def _item(case: TestCase) -> Item:
    told = case.message.strip().splitlines()
    story = " → ".join(case.attempts) or f"repeated inside the session → {case.outcome}"
    message = f"{story}: {told[0]}" if told else story
    return Item(title=case.id, message=message, detail=case.detail, path=case.file, line=case.line, level="warning")
