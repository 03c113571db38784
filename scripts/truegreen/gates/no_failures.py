"""Gate: no test failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import causes, this_run
from truegreen.analysis.exoneration import Court
from truegreen.gates import _ingested
from truegreen.gates._quarantine import Ward
from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, tested
from truegreen.model.testrun import Outcome, TestCase
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_READ_MAX = 10_000
"""Failures whose causes are looked for; of more, those with different messages first."""


class NoFailuresOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.no-failures]`."""

    exonerate: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    """So many failures of one run may be excused by the history of the base branch (at most 3); 0 excuses none."""


class NoFailures(BaseGate):
    """No test failed, counted case by case, never from the totals a file declares.

    **Proves** that every test with a result passed or was skipped on purpose. An error in set-up or
    teardown counts as a failure, also when the test itself passed. A test that failed and passed when run
    again counts as passed here; the gate `flakiness` counts it. One that failed and was skipped when run again counts
    as failed: a skip mends nothing. A test in quarantine that fails in every attempt is a failure like any other.

    **Blind when** there is no result file, no result in it, or every test was skipped.

    **Exoneration** (`exonerate`, off by default) makes the verdict on a change advice, still a `fail` and still
    listed, when *every* failure of the stage has an alibi: it failed with the same fingerprint in the same environment
    on an ancestor of the change, its test is confirmed as flaky over the runs of the base branch, the change
    touches neither the test's file nor the one in which it failed, and it did not fail in three attempts of three.
    The evidence is printed with each. One more in the whole run than `exonerate` allows, and none is excused. A run
    of the base branch itself has no alibi.

    **Options**: `exonerate` (default 0).

    Example:
        [tool.truegreen.gates.no-failures]
        exonerate = 3
    """

    id: ClassVar[str] = "no-failures"
    items_max: ClassVar[int] = 1000
    """Of more, one of each cause before a second of any; the result file has them all."""
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = NoFailuresOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: NoFailuresOptions) -> bool:  # noqa: ARG002
        """Return False only for a performance stage without pytest."""
        return tested(evidence.of(stage), stage)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: NoFailuresOptions, history: History) -> Verdict:
        """Judge the cases."""
        tests = evidence.of(stage).tests
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if tests else 0
        if tests is None or not ran:
            return self.blind(stage, "no test has a result other than skipped", remedy="run at least one test")
        red = list(tests.bad())
        facts = [Fact(label="tests run", value=f"{ran:,}")]
        if skipped := tests.count(Outcome.SKIP):
            facts.append(Fact(label="skipped", value=f"{skipped:,}"))
        if not red:
            return self.passed(stage, f"{count(ran, 'test')} passed", facts=tuple(facts))
        facts.append(Fact(label="failed", value=f"{len(red):,}", wanted="0"))
        ward = Ward(evidence)
        alibis = _alibis(evidence, policy, history)
        excused = [case for case in red if (stage, case.id) in alibis]
        if excused:
            facts.append(Fact(label="known on the base branch", value=f"{len(excused):,}"))
        failed_in = evidence.of(stage).failed_in
        items = [
            msgspec.structs.replace(
                _item(case, held=bool(ward.row_of(case.id)), alibi=alibis.get((stage, case.id), "")),
                shard=failed_in.get(case.id, ""),
            )
            for case in _read(red)
        ]
        listed = causes.listed(items, self.items_max)
        whole = len(excused) == len(red)
        known = ": all of them known on the base branch" if whole else ""
        verdict = self.failed(
            stage,
            f"{len(red):,} of {count(ran, 'test')} failed{known}",
            remedy=f"fix the code or the test{_repeat(stage, evidence)}",
            facts=tuple(facts),
            items=listed,
        )
        return msgspec.structs.replace(verdict, advisory=whole, unlisted=len(red) - len(listed))


def _read(red: list[TestCase]) -> list[TestCase]:
    """Return the failures whose causes are looked for, in their order."""
    if len(red) <= _READ_MAX:
        return red
    return [red[place] for place in sorted(causes.varied(case.message for case in red)[:_READ_MAX])]


def _alibis(evidence: RunEvidence, policy: NoFailuresOptions, history: History) -> dict[tuple[str, str], str]:
    """Return stage and test → why the failure is not the change's; empty when the run has more than may be excused."""
    if not policy.exonerate or evidence.changes is None:
        return {}
    found = {}
    for seen in evidence.stages:
        red = seen.tests.bad() if seen.tests else ()
        court = Court(seen.stage, this_run.environment(evidence.stages), evidence.changes, history) if red else None
        for case in red:
            if court and (alibi := court.excuse(case)):
                found[seen.stage, case.id] = alibi
    return found if len(found) <= policy.exonerate else {}


def _repeat(stage: str, evidence: RunEvidence) -> str:
    """Return a clause on how a failing test is repeated; only its own program can do so with one that was brought."""
    if _ingested.records(evidence.of(stage)):
        return ", run the tests again with their own program, and take the results in with `truegreen ingest`"
    return f"; `truegreen run {stage} -- -k NAME` repeats one of them"


def _item(case: TestCase, *, held: bool, alibi: str) -> Item:
    told = case.message.strip().splitlines()
    message = told[0] if told else ("an error outside the test" if case.outcome is Outcome.ERROR else "failed")
    if Outcome.SKIP in case.attempts[-1:]:
        message = f"{message} (skipped when it was run again, which mends nothing)"
    elif len(case.attempts) > 1:
        message = f"{message} (failed in each of {len(case.attempts)} attempts)" if not case.flaky else message
    if alibi:
        message += f" ({alibi})"
    if held:
        message += " (in quarantine, which excuses a test that passes when run again)"
    return Item(title=case.id, message=message, detail=case.detail, path=case.file, line=case.line)
