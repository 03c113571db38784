"""Gate: few tests disagree with themselves in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import infrastructure, this_run
from truegreen.analysis.flakiness import observe
from truegreen.analysis.flaky_tests import FlakyTest, detect
from truegreen.gates._quarantine import Ward
from truegreen.gates.base import BaseGate, GateOptions, count
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun, TestSession
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History, PastRun
    from truegreen.model.run import RunEvidence


class FlakinessOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.flakiness]`."""

    max_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Largest share of tests (0 to 1) whose attempts in this run may disagree."""


class Flakiness(BaseGate):
    """Few enough tests fail and pass on the same commit, in the same run.

    **Proves** that a rerun did not hide a problem: each test whose attempts disagree is listed, and their
    share of the tests that ran is at most `max-ratio`. Attempts that a plugin makes inside the session, such as
    those of pytest-rerunfailures, count as well, and so do tests that failed now and passed in an earlier run of the
    same code in the same environment. It says nothing about tests that passed at once; `flakiness-history` judges
    the earlier runs, from which the list tells how often each test disagreed.

    A skip is no second attempt: a test that failed and was skipped when it was run again failed.

    Failures of the infrastructure (disk full, DNS, registry) and tests in quarantine are told, and do not count. A test
    can write any message, so that of an assertion is never taken for one; and where messages alone speak of the
    infrastructure, and no record of the stage does, they excuse as many tests as `max-ratio` lets disagree, or one:
    when more claim it, all of them count.

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

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FlakinessOptions, history: History) -> Verdict:
        """Judge the attempts."""
        tests = evidence.of(stage).tests
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if tests else 0
        if tests is None or not ran:
            return self.blind(stage, "no test ran, so none can be called stable", remedy="run at least one test")
        allowed = policy.max_ratio * ran
        seen = _Seen(evidence, stage, tests, history, allowed)
        facts = seen.facts(policy.max_ratio)
        disagree = "disagrees with itself" if len(seen.flaky) == 1 else "disagree with themselves"
        reason = f"{len(seen.flaky):,} of {count(ran, 'test')} {disagree}"
        if len(seen.flaky) > allowed:
            remedy = "make the listed tests deterministic: time, order, shared state, ports and sleeps come first"
            return self.failed(stage, reason, remedy=remedy, facts=facts, items=seen.items())
        if len(seen.flaky) + len(seen.unknown) > allowed:
            return self.not_judged(
                stage, f"{count(len(seen.unknown), 'failing test')} not run again: flaky or broken, unknown"
            )
        return self.passed(stage, reason, facts=facts, items=seen.items())


class _Seen:
    """The tests of one stage that failed at least once, sorted by what that means."""

    def __init__(self, evidence: RunEvidence, stage: str, tests: TestRun, history: History, allowed: float) -> None:
        repeated = _repeated(evidence.of(stage).sessions)
        told = [case for case in _notable(tests, repeated) if _ran(case, repeated)]
        ward = Ward(evidence)
        now = this_run.of_stage(evidence, stage)
        past = [run for run in history.runs if not now.run or run.run != now.run]
        self._absent = this_run.absent(history, stage, now, tests)
        self._passed_before = _passed_before(past, now, stage, self._absent)
        self._ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
        self._history = ([*past, now], stage) if past else ([], stage)
        self._again = sum(1 for case in told if len(case.attempts) > 1 or case.id in repeated)
        bad = [case for case in told if _flaky(case, repeated) or case.id in self._passed_before]
        self._held = [case for case in bad if ward.row_of(case.id)]
        told_of = [case for case in bad if not ward.row_of(case.id) and infrastructure.of_case(case)]
        self._machine = _excused(told_of, evidence.of(stage).records, max(1.0, allowed))
        aside = {case.id for case in (*self._held, *self._machine)}
        self.flaky = [case for case in bad if case.id not in aside]
        """Tests that count."""
        self.unknown = [
            case for case in told if case.outcome in BAD and not _ran_again(case) and case.id not in self._passed_before
        ]
        """Failing tests that were not run again, and of which nothing else is known."""

    def facts(self, max_ratio: float) -> tuple[Fact, ...]:
        """Return the numbers."""
        ratio = len(self.flaky) / self._ran
        found = [
            Fact(label="tests run", value=f"{self._ran:,}"),
            Fact(label="run more than once", value=f"{self._again:,}"),
            Fact(label="disagree", value=f"{ratio:.2%}", wanted=f"at most {max_ratio:.2%}"),
        ]
        for label, cases in (("in quarantine", self._held), ("failed for the infrastructure", self._machine)):
            if cases:
                found.append(Fact(label=f"{label}, not counted", value=f"{len(cases):,}"))
        return tuple(found)

    def items(self) -> tuple[Item, ...]:
        """Return the tests that count, then those that do not."""
        known = detect(observe(*self._history, absent=self._absent).units) if self.flaky else {}
        told = [_item(case, self._why(case, known.get(case.id)), "warning") for case in self.flaky]
        told += [_item(case, "in quarantine, not counted", "notice") for case in self._held]
        told += [_item(case, infrastructure.of_case(case), "notice") for case in self._machine]
        return tuple(told)

    def _why(self, case: TestCase, known: FlakyTest | None) -> str:
        """Return what earlier runs say of a test."""
        clauses = ["passed before on the same code"] if case.id in self._passed_before else []
        if known is not None:
            clauses.append(_before(known))
        return ", ".join(clauses)


def _excused(cases: list[TestCase], records: Iterable[StageRecord], most: float) -> list[TestCase]:
    """Return the cases that the infrastructure excuses.

    A test can write any message. So those of which a record of the stage knows are excused, however many; of the
    others all, while they are few.
    """
    known = {infrastructure.of_record(record) for record in records} - {""}
    sure = [case for case in cases if infrastructure.of_case(case) in known]
    return cases if len(cases) - len(sure) <= most else sure


def _before(known: FlakyTest) -> str:
    return f"{known.tier}: {known.events:,} of {count(known.runs, 'run')} ({known.ratio:.2%}), group {known.group}"


def _passed_before(
    past: list[PastRun], now: PastRun, stage: str, absent: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """Return the tests that end red now and passed in an earlier run of the same code in the same environment."""
    same = [
        run
        for run in past
        if now.tree and now.environment and (run.tree, run.environment) == (now.tree, now.environment)
    ]
    red = {one.test for one in now.failures if not one.masked}
    if not same or not red:
        return frozenset()
    earlier = observe([*same, now], stage, absent=absent).units
    return frozenset(red & frozenset().union(*(unit.disagreed for unit in earlier)))


def _notable(tests: TestRun, repeated: frozenset[str]) -> Iterable[TestCase]:
    """Return the cases that may be flaky or failed; among very many tests they are few."""
    return tests.cases if repeated else tests.records()


def _repeated(sessions: tuple[TestSession, ...]) -> frozenset[str]:
    """Return the tests that a plugin repeated inside a session; of a matrix, as their results are named."""
    names = (test for session in sessions for test, times in session.reruns.items() if times > 0)
    labelled = (f"{test} [{session.python}]" for session in sessions for test, n in session.reruns.items() if n > 0)
    return frozenset((*names, *labelled))


def _ran(case: TestCase, repeated: frozenset[str]) -> bool:
    """Return whether a test ran: one that was skipped in the end may have failed before."""
    return case.outcome is not Outcome.SKIP or case.failed_once or case.id in repeated


def _ran_again(case: TestCase) -> bool:
    return sum(outcome is not Outcome.SKIP for outcome in case.attempts) > 1


def _flaky(case: TestCase, repeated: frozenset[str]) -> bool:
    """Return whether attempts disagree; one that was repeated and did not fail in the end had failed before."""
    return case.flaky or (case.id in repeated and case.outcome in (Outcome.PASS, Outcome.SKIP) and not case.attempts)


def _item(case: TestCase, why: str, level: str) -> Item:
    told = case.message.strip().splitlines()
    story = " → ".join(case.attempts) or (
        str(case.outcome) if case.outcome in BAD else f"repeated inside the session → {case.outcome}"
    )
    message = f"{story}: {told[0]}" if told else story
    message = f"{message} ({why})" if why else message
    return Item(title=case.id, message=message, detail=case.detail, path=case.file, line=case.line, level=level)
