"""Gate: nothing became slower than it was on the default branch."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from truegreen.analysis import durations, paired, this_run
from truegreen.analysis.paired import Change
from truegreen.gates.base import TESTED, BaseGate, GateOptions, count, seconds, tested
from truegreen.model.pairs import TOOL
from truegreen.model.testrun import Outcome, TestCase
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.analysis.durations import Comparison, Slower
    from truegreen.analysis.paired import Compared
    from truegreen.model.evidence import ToolRun
    from truegreen.model.history import History
    from truegreen.model.pairs import Pairs
    from truegreen.model.run import RunEvidence, StageEvidence


class TimeRegressionOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.time-regression]`."""

    advisory: bool = True
    """False turns the stage red when something became slower."""
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05
    """Probability of a false alarm among all tests of a stage, and of one about its suite; it decides how many runs
    are needed: 19 for 0.05."""
    min_ratio: Annotated[float, msgspec.Meta(ge=1)] = 1.1
    """Least slow-down that matters, as a factor of the earlier median."""
    min_ms: Annotated[float, msgspec.Meta(ge=0)] = 50.0
    """Least slow-down that matters, in milliseconds; both must be exceeded."""


class TimeRegression(BaseGate):
    """No test, and no suite, became slower than it was on the default branch; advisory unless set otherwise.

    **Proves** that the time of each test lies within what earlier runs of the default branch took in the same
    environment (lock, interpreter, platform, services): the run is put among them by rank, no distribution is
    assumed, and all tests together share one probability `alpha` of a false alarm (the max-T procedure of Westfall
    and Young, 1993). A slower machine slows all tests and is taken out; the time of the stage as a whole is compared
    by itself. A slow-down below `min-ratio` or `min-ms` does not matter.

    Where the unit stage ran base and change in turn (`against-base-s`), these pairs of runs decide alone: the interval
    of the ratio of their times, by Hartigan's typical values (1969), lies above the least slow-down that matters, or
    below it. All tests that could have become slower by `min-ms` share `alpha`; five pairs decide about the suite, and
    each doubling of the number of tests takes one more. What no pair decides about single tests is counted.

    **Not judged** but *inconclusive*, instead of a guess, where the interval of the suite spans the limit. Without
    pairs, where there are too few runs in the environment (19 for an `alpha` of 0.05) or nobody knows it: the verdict
    says how many are missing. Facts tell how many runs were compared, how many were left out because they ran in
    another environment, and how many tests are too young.

    **Blind when** no test passed at the first attempt, or no result says how long its test took.

    **Options**: `alpha` (default 0.05), `min-ratio` (default 1.1), `min-ms` (default 50), `advisory` (default true).

    Example:
        [tool.truegreen.gates.time-regression]
        min-ratio = 1.25
        advisory = false
    """

    id: ClassVar[str] = "time-regression"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    items_max: ClassVar[int] = 20
    Options: ClassVar[type[GateOptions]] = TimeRegressionOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TimeRegressionOptions) -> bool:  # noqa: ARG002
        """Return whether the stage ran tests."""
        return tested(evidence.of(stage), stage)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TimeRegressionOptions, history: History) -> Verdict:
        """Compare with earlier runs of the default branch."""
        seen = evidence.of(stage)
        now = {case.id: case.duration_s for case in seen.tests.cases if _timed(case)} if seen.tests else {}
        if not any(now.values()):
            why = "no result says how long its test took" if now else "no test passed at the first attempt"
            return self.blind(
                stage, f"{why}, so there is no time to compare", remedy="see the other gates of the stage"
            )
        if seen.pairs:
            return self._by_pairs(stage, seen, policy)
        environment = this_run.environment(evidence.stages)
        if not environment:
            return self.not_judged(stage, "inconclusive: nothing says in which environment the tests ran")
        past: dict[str, Sequence[float]] = {
            name: test.durations_s for name, test in history.tests.get(stage, {}).items()
        }
        tests = _compared(now, past, policy)
        earlier = _suites(history, stage)
        suite = _compared({stage: _own_s(seen)}, {stage: earlier.get(environment, [])}, policy)
        others = sum(len(runs) for name, runs in earlier.items() if name != environment)
        if not tests.judged and not suite.judged:
            missing = min([*tests.young.values(), *suite.young.values()])
            aside = f" ({count(others, 'run')} of another left out)" if others else ""
            why = f"{count(missing, 'more run')} of the default branch in this environment needed to compare times"
            return self.not_judged(stage, f"inconclusive: {why}{aside}")
        return self._verdict(stage, seen, tests, suite, others)

    def _by_pairs(self, stage: str, seen: StageEvidence, policy: TimeRegressionOptions) -> Verdict:
        """Judge what base and change took in turn; `inconclusive` when the interval of the suite spans the limit."""
        suites = _in_pairs({f"{stage}{_part(seen, n)}": one.suite for n, one in enumerate(seen.pairs)}, policy)
        tests = _in_pairs({name: one for part in seen.pairs for name, one in part.tests.items()}, policy)
        facts = _pair_facts(seen, suites, tests)
        slower = [one for one in (*suites, *tests) if one.change is Change.SLOWER]
        places = {case.id: case for case in seen.tests.cases} if seen.tests else {}
        items = tuple(_pair_item(one, places.get(one.name)) for one in slower)
        base = seen.pairs[0].base[:12]
        if slower:
            first = slower[0]
            more = f" and {len(slower) - 1:,} more" if len(slower) > 1 else ""
            reason = f"slower than the base {base}: {first.name} {_between(first)}{more}"
            remedy = "make it as fast as it was, or raise `min-ratio` for as long as the slow-down is wanted"
            return self.failed(stage, reason, remedy=remedy, facts=facts, items=items)
        open_ = [one for one in suites if one.change is Change.UNDECIDED]
        if open_:
            reason = f"inconclusive: {open_[0].name} {_between(open_[0])}; raise `against-base-s` for more pairs"
            return msgspec.structs.replace(self.not_judged(stage, reason), facts=facts)
        told = _between(suites[0]) if suites else f"takes less than {policy.min_ms:g} ms"
        return self.passed(stage, f"no slower than the base {base}: {stage} {told}", facts=facts)

    def _verdict(self, stage: str, seen: StageEvidence, tests: Comparison, suite: Comparison, others: int) -> Verdict:
        facts = (*_facts(tests, "test"), *_facts(suite, "suite"))
        if others:
            facts += (Fact(label="left out, of another environment", value=count(others, "run")),)
        places = {case.id: case for case in seen.tests.cases} if seen.tests else {}
        items = (
            *(_item(one, suite.runs, f"the {stage} stage as a whole") for one in suite.slower),
            *(_item(one, tests.runs, case=places[one.name]) for one in tests.slower),
        )
        wrong = [f"the {stage} stage took {_change(one)}" for one in suite.slower]
        if tests.slower:
            first = tests.slower[0]
            wrong.append(f"{count(len(tests.slower), 'test')} became slower, {first.name} from {_change(first)}")
        if wrong:
            return self.failed(
                stage,
                "; ".join(wrong),
                remedy="make it as fast as it was, or accept the new time: it is the measure once the default branch "
                "has run often enough with it",
                facts=facts,
                items=items,
            )
        return self.passed(
            stage,
            f"{count(tests.judged, 'test')} and {count(suite.judged, 'suite')} no slower than "
            f"{count(max(tests.runs, suite.runs), 'earlier run')}",
            facts=facts,
        )


def _compared(now: dict[str, float], past: dict[str, Sequence[float]], policy: TimeRegressionOptions) -> Comparison:
    return durations.compare(
        now, past, alpha=policy.alpha, ratio=policy.min_ratio, step_s=policy.min_ms / 1000, window=_window(policy.alpha)
    )


def _in_pairs(pairs: dict[str, Pairs], policy: TimeRegressionOptions) -> tuple[Compared, ...]:
    return paired.compare(pairs, alpha=policy.alpha, ratio=policy.min_ratio, step_s=policy.min_ms / 1000)


def _part(seen: StageEvidence, number: int) -> str:
    return f" (part {number + 1})" if len(seen.pairs) > 1 else ""


def _between(one: Compared) -> str:
    if one.high == math.inf:
        return "took too few pairs of runs to tell"
    return (
        f"took between {one.low:.2f} and {one.high:.2f} times as long "
        f"(medians {_short(one.base_s)} and {_short(one.change_s)})"
    )


def _pair_facts(seen: StageEvidence, suites: Sequence[Compared], tests: Sequence[Compared]) -> tuple[Fact, ...]:
    runs = min(len(one.suite.base_s) for one in seen.pairs)
    undecided = sum(one.change is Change.UNDECIDED for one in tests)
    value = f"{len(tests):,}" + (f", {undecided:,} of them undecided" if undecided else "")
    return (
        Fact(label="pairs of runs, base and change in turn", value=f"{runs:,}"),
        *(Fact(label=one.name, value=_between(one)) for one in suites),
        Fact(label="tests that could have become slower", value=value),
    )


def _pair_item(one: Compared, case: TestCase | None) -> Item:
    place: dict[str, Any] = {"path": case.file, "line": case.line} if case else {}
    return Item(title=one.name, message=_between(one), level="warning", **place)


def _window(alpha: float) -> int:
    """Return how many runs are looked at: twice the least, so that what is wanted is soon the measure."""
    return 2 * durations.least_runs(alpha)


def _timed(case: TestCase) -> bool:
    """Return whether the time of a case says how fast the test is: it passed, at once, and has a time."""
    return case.outcome is Outcome.PASS and set(case.attempts[:1]) <= {Outcome.PASS} and 0 <= case.duration_s < math.inf


def _own_s(seen: StageEvidence) -> float:
    """Return seconds of the slowest shard, without what runs again or in turn: the default branch has less of it."""
    return max((record.duration_s - sum(map(_extra_s, record.tools)) for record in seen.records), default=0.0)


def _extra_s(tool: ToolRun) -> float:
    return tool.duration_s if tool.name == TOOL or "rerun" in tool.name else 0.0


def _suites(history: History, stage: str) -> dict[str, list[float]]:
    """Return environment → how long the stage took in earlier green runs of the default branch, newest first."""
    found: dict[str, list[float]] = defaultdict(list)
    for run in history.runs:
        for past in run.stages if run.base else ():
            if past.stage == stage and past.status == "pass" and 0 < past.duration_s < math.inf:
                found[run.environment].append(past.duration_s)
    return found


def _facts(comparison: Comparison, noun: str) -> tuple[Fact, ...]:
    facts = [Fact(label=f"{noun}s compared", value=f"{comparison.judged:,}, with {comparison.runs:,} earlier runs")]
    if comparison.young:
        missing = max(comparison.young.values())
        value = f"{len(comparison.young):,} (up to {count(missing, 'more run')} needed)"
        facts.append(Fact(label=f"{noun}s with too few runs", value=value))
    return tuple(facts)


def _change(one: Slower) -> str:
    return f"{_short(one.before_s)} to {_short(one.now_s)}"


def _short(value_s: float) -> str:
    return f"{value_s:.2f} s" if value_s < 10 else seconds(value_s)  # noqa: PLR2004 - hundredths no longer matter


def _item(one: Slower, runs: int, title: str = "", case: TestCase | None = None) -> Item:
    message = (
        f"{_short(one.now_s)}, {one.ratio:.1f} times the median of {count(runs, 'earlier run')} "
        f"({_short(one.before_s)}); p = {one.p:.3f}"
    )
    return Item(
        title=title or one.name,
        message=message,
        path=case.file if case else "",
        line=case.line if case else 0,
        level="warning",
    )
