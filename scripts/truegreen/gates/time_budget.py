"""Gate: the suite is fast enough to be run all the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, seconds
from truegreen.model.evidence import TEST_COMMAND
from truegreen.model.testrun import Outcome, TestCase
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_SLOWEST = 10
_Seconds = Annotated[float, msgspec.Meta(gt=0)]


class TimeBudgetOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.time-budget]`."""

    suite_s: dict[str, _Seconds] = msgspec.field(default_factory=lambda: {"unit": 30.0})
    """Stage → longest time of its suite in seconds; a stage that is not named has no budget."""
    test_ms: Annotated[float, msgspec.Meta(ge=0)] = 100.0
    """A single test slower than this many milliseconds is listed, never red; 0 lists none."""


class TimeBudget(BaseGate):
    """The suite stays within its time, so that people keep running it.

    **Proves** that pytest's own wall time, start-up and collection included, reruns of failed tests
    excluded, is within the budget of the stage. Shards run beside each other: the slowest counts.

    **Blind when** no test ran, or the stage did not record how long pytest took.

    **Options**: `suite-s` (default `{ unit = 30 }`), a table from stage to seconds; `test-ms` (default 100):
    slower single tests are listed, the slowest ten, without turning anything red.

    Example:
        [tool.truegreen.gates.time-budget]
        suite-s = { unit = 30, wiring = 60 }
        test-ms = 100
    """

    id: ClassVar[str] = "time-budget"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = TimeBudgetOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions) -> bool:  # noqa: ARG002
        """Return whether the stage has a budget."""
        return stage in policy.suite_s

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the time of the suite."""
        seen = evidence.of(stage)
        budget = policy.suite_s.get(stage)
        if budget is None:
            return self.not_judged(stage, f"{stage} has no time budget")
        ran = [case for case in seen.tests.cases if case.outcome is not Outcome.SKIP] if seen.tests else []
        if not ran:
            return self.blind(stage, "no test ran, so there is no time to judge", remedy="run at least one test")
        times = [_suite_s(record) for record in seen.records]
        if not times or not all(0 < took < math.inf for took in times):
            return self.blind(
                stage, "the stage did not record how long pytest took", remedy=f"run `truegreen run {stage}` again"
            )
        took = max(times)
        slow = sorted((c for c in ran if 0 < policy.test_ms < c.duration_s * 1000), key=lambda c: -c.duration_s)
        facts = (
            Fact(label="suite", value=seconds(took), wanted=f"at most {seconds(budget)}"),
            Fact(label=f"tests over {policy.test_ms:g} ms", value=f"{len(slow):,}", wanted="0 (advice)"),
        )
        items = tuple(_item(case, policy.test_ms) for case in slow[:_SLOWEST])
        reason = f"{count(len(ran), 'test')} took {seconds(took)}"
        if took > budget:
            return self.failed(
                stage,
                f"{reason}, the budget is {seconds(budget)}",
                remedy="make the slowest tests faster, run them in parallel or shards, or raise suite-s",
                facts=facts,
                items=items,
            )
        return self.passed(stage, f"{reason} of {seconds(budget)}", facts=facts, items=items)


def _suite_s(record: StageRecord) -> float:
    """Return seconds of the first pytest runs of a shard, or of another runner's command; 0 when unknown."""
    tools = [
        tool
        for tool in record.tools
        if tool.name == TEST_COMMAND or (tool.name.startswith("pytest") and "rerun" not in tool.name)
    ]
    return sum(tool.duration_s for tool in tools)


def _item(case: TestCase, limit_ms: float) -> Item:
    message = f"{case.duration_s * 1000:,.0f} ms, more than {limit_ms:g} ms"
    return Item(title=case.id, message=message, path=case.file, line=case.line, level="notice")
