"""Gate: the suite is fast enough to be run all the time."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates import _ingested
from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, seconds, some, tested
from truegreen.model.evidence import TEST_COMMAND
from truegreen.model.testrun import Outcome, TestCase, TestRun
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence, StageEvidence

_SLOWEST = 10
MARKER = "marker:"
"""Begins a key of `test-s` that is about a mark."""
_MARK = re.compile(r"marker:[^\W\d]\w*")
_Seconds = Annotated[float, msgspec.Meta(gt=0)]


class TimeBudgetOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.time-budget]`."""

    suite_s: dict[str, _Seconds] = msgspec.field(default_factory=lambda: {"unit": 30.0})
    """Stage → longest time of its suite in seconds; a stage that is not named has no budget."""
    test_s: dict[str, _Seconds] = msgspec.field(default_factory=dict)
    """Stage, or `marker:NAME`, → longest time of a single test in seconds; a longer one fails.

    The limit of a mark takes the place of the stage's for the tests that have it; of several the least holds.
    """
    test_ms: Annotated[float, msgspec.Meta(ge=0)] = 100.0
    """A single test slower than this many milliseconds is listed, never red; 0 lists none."""

    def __post_init__(self) -> None:
        """Refuse a limit that no test could have; raises ValueError."""
        for key in self.test_s:
            if key not in TESTED and not _MARK.fullmatch(key):
                known = ", ".join(sorted(TESTED))
                raise ValueError(f"test-s names {key!r}; it is for a stage with tests ({known}) or for `marker:NAME`")

    @property
    def marks(self) -> dict[str, float]:
        """Mark → longest time of a test that has it, in seconds."""
        return {key.removeprefix(MARKER): limit for key, limit in self.test_s.items() if key.startswith(MARKER)}


class TimeBudget(BaseGate):
    """The suite stays within its time, so that people keep running it.

    **Proves** that pytest's own wall time, start-up and collection included, reruns of failed tests
    excluded, is within the budget of the stage. Shards run beside each other: the slowest counts. Where `test-s`
    names the stage, it also proves that no single test took longer than that. A mark of the tests, as in
    `@pytest.mark.slow`, may have a limit of its own, `"marker:slow"`: in every stage it takes the place of the
    stage's, and of several the least holds. The slowest ten tests are always named, with their share of all tests'
    time.

    **Blind when** no test ran, the stage did not record how long its tests took, single tests have a limit and no
    result says how long its test took, or a mark has a limit and the session does not tell which tests have it. Tests
    that another program ran have no marks, and the limit of the stage.

    **Options**: `suite-s` (default `{ unit = 30 }`), from stage to seconds; `test-s` (default none), from stage or
    `marker:NAME` to seconds; `test-ms` (default 100): slower single tests are listed, the slowest ten, without turning
    anything red.

    Example:
        [tool.truegreen.gates.time-budget]
        suite-s = { unit = 30, wiring = 60 }
        test-s = { unit = 1, e2e = 30, "marker:slow" = 10 }
        test-ms = 100
    """

    id: ClassVar[str] = "time-budget"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = TimeBudgetOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions) -> bool:
        """Return whether the stage, or a single test of it, has a budget."""
        marked = bool(policy.marks) and tested(evidence.of(stage), stage)
        return stage in policy.suite_s or stage in policy.test_s or marked

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TimeBudgetOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the time of the suite and of single tests."""
        seen = evidence.of(stage)
        if not self.applies(evidence, stage, policy):
            return self.not_judged(stage, f"{stage} has no time budget")
        ran = seen.tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR) if seen.tests else 0
        if seen.tests is None or not ran:
            return self.blind(stage, "no test ran, so there is no time to judge", remedy="run at least one test")
        brought = bool(_ingested.records(seen))
        times = [_suite_s(record) for record in seen.records]
        if not times or not all(0 < took < math.inf for took in times):
            remedy = (
                "say it: `truegreen ingest … --duration SECONDS`" if brought else f"run `truegreen run {stage}` again"
            )
            return self.blind(stage, "the stage did not record how long its tests took", remedy=remedy)
        limits = _Limits(stage, policy, seen)
        if limits.least_s < math.inf and not 0 < seen.tests.total_s() < math.inf:
            return self.blind(
                stage, "no result says how long its test took", remedy="let the results carry the time of each test"
            )
        if limits.untold:
            reason = f"no session tells which tests are marked {some(limits.untold)}"
            return self.blind(stage, reason, remedy=f"run `truegreen run {stage}` again")
        return self._verdict(stage, policy, max(times), seen.tests, limits)

    def _verdict(self, stage: str, policy: TimeBudgetOptions, took: float, tests: TestRun, limits: _Limits) -> Verdict:
        """Compare the times with their limits; `took` is the suite's time in seconds."""
        budget = policy.suite_s.get(stage, math.inf)
        over = limits.broken(tests)
        slow = tests.count_slower(policy.test_ms / 1000) if policy.test_ms else 0
        facts = (
            Fact(label="suite", value=seconds(took), wanted="" if budget == math.inf else f"at most {seconds(budget)}"),
            *limits.facts(over),
            Fact(label=f"tests over {policy.test_ms:g} ms", value=f"{slow:,}", wanted="0 (advice)"),
            *_slowest_facts(tests),
        )
        items = (*(_item(case, f"{limits.of(case)[1]:g} s", level="error") for case in over[:_SLOWEST]),)
        room = _SLOWEST - len(items)
        if slow and room:
            told = {case.id for case in over}
            listed = [one for one in tests.slowest(_SLOWEST + len(told), policy.test_ms / 1000) if one.id not in told]
            items += tuple(_item(case, f"{policy.test_ms:g} ms") for case in listed[:room])
        ran = tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
        reason = f"{count(ran, 'test')} took {seconds(took)}"
        wrong = [f"the budget is {seconds(budget)}"] if took > budget else []
        wrong += limits.told(over)
        if wrong:
            return self.failed(
                stage,
                f"{reason}, {' and '.join(wrong)}",
                remedy="make the slowest tests faster, run them in parallel or shards, or raise "
                + ("suite-s" if took > budget else "test-s"),
                facts=facts,
                items=items,
            )
        return self.passed(
            stage, reason if budget == math.inf else f"{reason} of {seconds(budget)}", facts=facts, items=items
        )


class _Limits:
    """The longest time of each test: that of its mark, else that of the stage."""

    def __init__(self, stage: str, policy: TimeBudgetOptions, seen: StageEvidence) -> None:
        self._stage_s = policy.test_s.get(stage, math.inf)
        self._marks = {} if all(record.ingested for record in seen.records) else policy.marks
        self.least_s = min([self._stage_s, *self._marks.values()])
        """No test has a shorter limit, in seconds."""
        told = [set(session.marked) for session in seen.sessions] or [set()]
        self.untold = [name for name in self._marks if not all(name in marks for marks in told)]
        """Marks of which a session does not tell the tests."""
        self._of_test: dict[str, tuple[str, float]] = {}
        for name, limit_s in sorted(self._marks.items(), key=lambda item: -item[1]):  # the least one stays
            for session in seen.sessions:
                for test in session.marked.get(name, ()):
                    self._of_test[test] = self._of_test[f"{test} [{session.python}]"] = (name, limit_s)

    def of(self, case: TestCase) -> tuple[str, float]:
        """Return the mark that gives a test its limit, empty for the stage, and the limit in seconds."""
        return self._of_test.get(case.id, ("", self._stage_s))

    def broken(self, tests: TestRun) -> list[TestCase]:
        """Return the tests that took longer than they may, slowest first."""
        if self.least_s == math.inf:
            return []
        able = tests.slowest(tests.count_slower(self.least_s), self.least_s)
        return [case for case in able if case.duration_s > self.of(case)[1]]

    def facts(self, over: list[TestCase]) -> Iterator[Fact]:
        """Yield how many tests broke each limit."""
        found = Counter(self.of(case)[0] for case in over)
        if self._stage_s < math.inf:
            yield Fact(label=f"tests over {self._stage_s:g} s", value=f"{found['']:,}", wanted="0")
        for name, limit_s in self._marks.items():
            having = sum(1 for mark, _ in self._of_test.values() if mark == name) // 2
            yield Fact(
                label=f"tests marked {name} over {limit_s:g} s", value=f"{found[name]:,} of {having:,}", wanted="0"
            )

    def told(self, over: list[TestCase]) -> list[str]:
        """Return a clause for each limit that was broken."""
        found = Counter(self.of(case) for case in over)
        return [
            f"{count(number, 'test')}{f' marked {name}' if name else ''} took longer than {limit_s:g} s"
            for (name, limit_s), number in sorted(found.items())
        ]


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
