"""Gate: no test failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.gates._quarantine import Ward
from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, tested
from truegreen.model.testrun import Outcome, TestCase
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_ITEMS_MAX = 1000
"""More are counted but not listed; the result file has them all."""


class NoFailuresOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.no-failures]`: nothing beyond the common keys."""


class NoFailures(BaseGate):
    """No test failed, counted case by case, never from the totals a file declares.

    **Proves** that every test with a result passed or was skipped on purpose. An error in set-up or
    teardown counts as a failure, also when the test itself passed. A test that failed and passed when run
    again counts as passed here; the gate `flakiness` counts it. A test in quarantine that fails in every attempt is a
    failure like any other.

    **Blind when** there is no result file, no result in it, or every test was skipped.

    **Options**: only `enabled` and `advisory`.

    Example:
        [tool.truegreen.gates.no-failures]
        enabled = true
    """

    id: ClassVar[str] = "no-failures"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = NoFailuresOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: NoFailuresOptions) -> bool:  # noqa: ARG002
        """Return False only for a performance stage without pytest."""
        return tested(evidence.of(stage), stage)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: NoFailuresOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the cases."""
        tests = evidence.of(stage).tests
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if tests else 0
        if tests is None or not ran:
            return self.blind(stage, "no test has a result other than skipped", remedy="run at least one test")
        red = tests.bad()
        facts = [Fact(label="tests run", value=f"{ran:,}")]
        if skipped := tests.count(Outcome.SKIP):
            facts.append(Fact(label="skipped", value=f"{skipped:,}"))
        if not red:
            return self.passed(stage, f"{count(ran, 'test')} passed", facts=tuple(facts))
        facts.append(Fact(label="failed", value=f"{len(red):,}", wanted="0"))
        ward = Ward(evidence)
        return self.failed(
            stage,
            f"{len(red):,} of {count(ran, 'test')} failed",
            remedy=f"fix the code or the test; `truegreen run {stage} -- -k NAME` repeats one of them",
            facts=tuple(facts),
            items=tuple(_item(case, held=bool(ward.row_of(case.id))) for case in red[:_ITEMS_MAX]),
        )


def _item(case: TestCase, *, held: bool) -> Item:
    told = case.message.strip().splitlines()
    message = told[0] if told else ("an error outside the test" if case.outcome is Outcome.ERROR else "failed")
    if len(case.attempts) > 1:
        message = f"{message} (failed in each of {len(case.attempts)} attempts)" if not case.flaky else message
    if held:
        message += " (in quarantine, which excuses a test that passes when run again)"
    return Item(title=case.id, message=message, detail=case.detail, path=case.file, line=case.line)
