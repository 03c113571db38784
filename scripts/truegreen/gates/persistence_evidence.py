"""Gate: what the tests say they persisted is really in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis.commits import TestCommits, by_test, rows, told
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.persistence import Demand, PersistenceEvidence
    from truegreen.model.run import RunEvidence
    from truegreen.model.testrun import TestCase

_ITEMS_MAX = 100
_RERUN = "run `truegreen run persistence` again; its log says what the recorder met"


class PersistenceOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.persistence-evidence]`: nothing beyond the common keys."""


class PersistenceGate(BaseGate):
    """Every persistence test really committed rows to the real store while it ran.

    **Proves** that data reached the database: a recorder outside the test process reads the server's own
    log of committed transactions. What is rolled back, still open, kept in memory or in a cache, or swallowed
    by a mock is not there. Rows in other databases than the stage's `databases`, and rows committed by
    fixtures before the test or by its teardown, do not count.

    Time tells one test from the next: rows that a thread or a worker commits while a test runs count as the
    test's own. Where something writes in the background, say with `persists("table")` what the test must store.

    Each test must commit what its `persists` marker demands, or any one row where it has no marker. A
    test marked `persists(reads=True)` is not counted.

    **Blind when** there is no recording, it is incomplete or met a problem, no technique was available
    (tier none), a test was not observed, or no test at all is left to judge.

    **Options**: only `enabled` and `advisory`.

    Example:
        [tool.truegreen.gates.persistence-evidence]
        enabled = true
    """

    id: ClassVar[str] = "persistence-evidence"
    stages: ClassVar[frozenset[str]] = frozenset({"persistence"})
    needs: ClassVar[frozenset[str]] = frozenset({"persistence", "tests"})
    Options: ClassVar[type[GateOptions]] = PersistenceOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: PersistenceOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge each test against what the recorder saw."""
        seen = evidence.of(stage)
        problem = _recording(seen.persistence)
        if problem:
            return self.blind(stage, problem, remedy=_RERUN, facts=_facts(seen.persistence))
        known = by_test(seen.persistence)
        ran = [case for case in seen.tests.cases if case.outcome is not Outcome.SKIP] if seen.tests else []
        judged = [(case, known.get(case.id, TestCommits(test=case.id))) for case in ran]
        counted = [(case, test) for case, test in judged if not test.reads]
        facts = (*_facts(seen.persistence), *_counts(judged, counted))
        empty = [(case, test, lack) for case, test in counted if test.observed and (lack := test.missing())]
        unseen = [test for _, test in counted if test.problem or not test.observed]
        if empty:
            return self._empty(stage, empty, seen.persistence[0].store, facts)
        if unseen:
            return self._unseen(stage, unseen, facts)
        if not any(case.outcome is Outcome.PASS for case, _ in counted):
            reason = "no passing test is left to judge, so nothing proves that data is persisted"
            return self.blind(stage, reason, remedy="run at least one test that writes and passes", facts=facts)
        changed = sum(change.count for _, test in counted for change in test.committed())
        reason = f"each of {count(len(counted), 'test')} committed what it had to; {count(changed, 'row')} in all"
        return self.passed(stage, reason, facts=facts)

    def _empty(
        self, stage: str, empty: list[tuple[TestCase, TestCommits, Demand]], store: str, facts: tuple[Fact, ...]
    ) -> Verdict:
        case, test, lack = empty[0]
        others = f"; the same holds for {count(len(empty) - 1, 'other test')}" if len(empty) > 1 else ""
        end = "passed" if case.outcome is Outcome.PASS else "ended"
        return self.failed(
            stage,
            f"{case.id} {end} with {_lacking(test, lack, store)}{others}",
            remedy=_remedy([test for _, test, _ in empty]),
            facts=facts,
            items=tuple(_item(case, test, lack, store) for case, test, lack in empty[:_ITEMS_MAX]),
        )

    def _unseen(self, stage: str, unseen: list[TestCommits], facts: tuple[Fact, ...]) -> Verdict:
        first = unseen[0]
        why = first.problem or "the recorder never saw its call phase"
        return self.blind(
            stage,
            f"{count(len(unseen), 'test')} could not be observed: {first.test}: {why}",
            remedy=_RERUN,
            facts=facts,
            items=tuple(
                Item(title=test.test, message=test.problem or "not observed", level="warning")
                for test in unseen[:_ITEMS_MAX]
            ),
        )


def _recording(parts: tuple[PersistenceEvidence, ...]) -> str:
    """Return why the recording as a whole cannot be trusted."""
    if not parts:
        return "nothing recorded what reached the store"
    for part in parts:
        if part.problem:
            return f"{part.store} could not be observed: {part.problem}"
        if part.tier.strip().lower() in ("", "none"):
            return f"no technique to observe committed rows in {part.store} was available"
        if not part.complete:
            return f"the recording of {part.store} is incomplete"
    return ""


def _facts(parts: tuple[PersistenceEvidence, ...]) -> tuple[Fact, ...]:
    seen = {f"{part.store} {part.server_version}".strip(): part.tier or "none" for part in parts}
    return tuple(Fact(label=f"observed in {store}", value=f"technique {tier}") for store, tier in seen.items())


def _counts(
    judged: list[tuple[TestCase, TestCommits]], counted: list[tuple[TestCase, TestCommits]]
) -> tuple[Fact, ...]:
    facts = [Fact(label="tests that must commit", value=f"{len(counted):,}")]
    if reading := len(judged) - len(counted):
        facts.append(Fact(label="tests that only read", value=f"{reading:,}"))
    return tuple(facts)


def _lacking(test: TestCommits, lack: Demand, store: str) -> str:
    """Return the sentence everything is about: `0 committed rows in …`, and what happened instead."""
    have = rows(test.committed(), lack)
    kind = f" ({lack.kind})" if lack.kind else ""
    text = f"{have:,} committed rows in {lack.object or store}{kind}"
    if lack.at_least > 1:
        text += f", {lack.at_least:,} are demanded"
    details = []
    if lost := test.rolled_back():
        details.append(f"rolled back or never committed: {told(lost)}")
    if elsewhere := test.committed():
        details.append(f"committed instead: {told(elsewhere)}")
    if test.elsewhere:
        names = sorted({change.database for change in test.elsewhere})
        details.append(f"committed to another database ({some(names)}), which does not count: {told(test.elsewhere)}")
    if early := test.committed("setup"):
        details.append(f"committed by its set-up, which does not count: {told(early)}")
    if test.patched:
        details.append(f"replaced by mocks: {some(list(test.patched))}")
    return f"{text}; {'; '.join(details)}" if details else text


def _item(case: TestCase, test: TestCommits, lack: Demand, store: str) -> Item:
    return Item(title=case.id, message=_lacking(test, lack, store), path=case.file, line=case.line)


def _remedy(tests: list[TestCommits]) -> str:
    """Return the advice that fits what was seen."""
    advice = []
    if any(test.patched for test in tests):
        advice.append("remove the mocks: a persistence test must reach the store")
    if any(test.rolled_back() for test in tests):
        advice.append("commit the transaction before the call returns")
    if any(not test.rolled_back() and not test.patched for test in tests):
        advice.append(
            "no write arrived: check that the factory wires the real repository and that the tests use the "
            "stage's database (TRUEGREEN exports its URL), or mark a test that only reads with persists(reads=True)"
        )
    return "; ".join(advice)
