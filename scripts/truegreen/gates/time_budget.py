"""Gate: the suite is fast enough to be run all the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates import _ingested
from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, seconds
from truegreen.model.evidence import TEST_COMMAND
from truegreen.model.testrun import Outcome, TestCase, TestRun
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
    test_s: dict[str, _Seconds] = msgspec.field(default_factory=dict)
    """Stage → longest time of a single test in seconds; a longer one fails, a stage that is not named has no limit."""
    test_ms: Annotated[float, msgspec.Meta(ge=0)] = 100.0
    """A single test slower than this many milliseconds is listed, never red; 0 lists none."""


class TimeBudget(BaseGate):
    """The suite stays within its time, so that people keep running it.

    **Proves** that pytest's own wall time, start-up and collection included, reruns of failed tests
    excluded, is within the budget of the stage. Shards run beside each other: the slowest counts. Where `test-s`
    names the stage, it also proves that no single test took longer than that; the marker that puts a test into a
    stage also gives it its limit. The slowest ten tests are always named, with their share of all tests' time.

    **Blind when** no test ran, the stage did not record how long pytest took, or single tests have a limit and no
    result says how long its test took.

    **Options**: `suite-s` (default `{ unit = 30 }`) and `test-s` (default none), tables from stage to seconds;
    `test-ms` (default 100): slower single tests are listed, the slowest ten, without turning anything red.

    Example:
        [tool.truegreen.gates.time-budget]
        suite-s = { unit = 30, wiring = 60 }
        test-s = { unit = 1, e2e = 30 }
        test-ms = 100
    """

    id: ClassVar[str] = "time-budget"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = TimeBudgetOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions) -> bool:  # noqa: ARG002
        """Return whether the stage, or a single test of it, has a budget."""
        return stage in policy.suite_s or stage in policy.test_s

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the time of the suite and of single tests."""
        seen = evidence.of(stage)
        if not self.applies(evidence, stage, policy):
            return self.not_judged(stage, f"{stage} has no time budget")
        ran = seen.tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if seen.tests else 0
        if seen.tests is None or not ran:
            return self.blind(stage, "no test ran, so there is no time to judge", remedy="run at least one test")
        times = [_suite_s(record) for record in seen.records]
        if not times or not all(0 < took < math.inf for took in times):
            brought = bool(_ingested.records(seen))
            remedy = (
                "say it: `truegreen ingest … --duration SECONDS`" if brought else f"run `truegreen run {stage}` again"
            )
            return self.blind(stage, "the stage did not record how long its tests took", remedy=remedy)
        if stage in policy.test_s and not 0 < seen.tests.total_s() < math.inf:
            return self.blind(
                stage, "no result says how long its test took", remedy="let the results carry the time of each test"
            )
        return self._verdict(stage, policy, max(times), seen.tests)

    def _verdict(self, stage: str, policy: TimeBudgetOptions, took: float, tests: TestRun) -> Verdict:
        """Compare the times with their limits; `took` is the suite's time in seconds."""
        budget, test_s = policy.suite_s.get(stage, math.inf), policy.test_s.get(stage, math.inf)
        over = tests.count_slower(test_s)
        slow = tests.count_slower(policy.test_ms / 1000) if policy.test_ms else 0
        facts = [
            Fact(label="suite", value=seconds(took), wanted="" if budget == math.inf else f"at most {seconds(budget)}"),
            Fact(label=f"tests over {policy.test_ms:g} ms", value=f"{slow:,}", wanted="0 (advice)"),
            *_slowest_facts(tests),
        ]
        if test_s < math.inf:
            facts.insert(1, Fact(label=f"tests over {test_s:g} s", value=f"{over:,}", wanted="0"))
        named = tests.slowest(_SLOWEST, min(test_s, policy.test_ms / 1000)) if slow or over else ()
        items = tuple(
            _item(case, f"{test_s:g} s", level="error")
            if case.duration_s > test_s
            else _item(case, f"{policy.test_ms:g} ms")
            for case in named
            if case.duration_s > test_s or 0 < policy.test_ms < case.duration_s * 1000
        )
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
        reason = f"{count(ran, 'test')} took {seconds(took)}"
        wrong = [f"the budget is {seconds(budget)}"] if took > budget else []
        wrong += [f"{count(over, 'test')} took longer than {test_s:g} s"] if over else []
        if wrong:
            return self.failed(
                stage,
                f"{reason}, {' and '.join(wrong)}",
                remedy="make the slowest tests faster, run them in parallel or shards, or raise "
                + ("suite-s" if took > budget else "test-s"),
                facts=tuple(facts),
                items=items,
            )
        return self.passed(
            stage, reason if budget == math.inf else f"{reason} of {seconds(budget)}", facts=tuple(facts), items=items
        )


def _suite_s(record: StageRecord) -> float:
    """Return seconds of the first pytest runs of a shard, or of another runner's command; 0 when unknown."""
    tools = [
        tool
        for tool in record.tools
        if tool.name == TEST_COMMAND or (tool.name.startswith("pytest") and "rerun" not in tool.name)
    ]
    return sum(tool.duration_s for tool in tools)


def _slowest_facts(tests: TestRun) -> list[Fact]:
    """Return the share of the slowest tests in the time of all, then each of them with its time."""
    top, whole_s = tests.slowest(_SLOWEST), tests.total_s()
    share = f"{sum(case.duration_s for case in top) / whole_s:.0%} of all tests' time" if whole_s > 0 else "unknown"
    named = [Fact(label=f"slowest {n}", value=f"{case.duration_s:.2f} s {case.id}") for n, case in enumerate(top, 1)]
    return [Fact(label=f"slowest {count(len(top), 'test')}", value=share), *named]


def _item(case: TestCase, limit: str, level: str = "notice") -> Item:
    message = f"{case.duration_s * 1000:,.0f} ms, more than {limit}"
    return Item(title=case.id, message=message, path=case.file, line=case.line, level=level)
