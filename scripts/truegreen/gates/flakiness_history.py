"""Gate: over its history, a stage is rarely red, or saved by a rerun, for nothing."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from truegreen.analysis import sequential, this_run
from truegreen.analysis.flakiness import Observed, Rate, Unit, observe
from truegreen.analysis.flaky_tests import SUSPECT_EVENTS, FlakyGroup, FlakyTest, Tier, survey
from truegreen.analysis.sequential import Decision
from truegreen.gates._quarantine import Ward
from truegreen.gates.base import BaseGate, GateOptions, count, some
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence
    from truegreen.model.testrun import TestCase, TestRun


class FlakinessHistoryOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.flakiness-history]`."""

    max_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Largest share of runs (0 to 1) that may be red only because of tests that passed on the same code."""
    max_masked_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Largest share of runs (0 to 1) that may be green only because failing tests were run again."""
    known_by: date | None = None
    """Day (UTC) after which *not enough data* is blind, so that adoption comes to an end; without it never."""


class _Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two rates, judged."""

    label: str
    seen: Rate
    limit: float
    decision: Decision

    @property
    def told(self) -> str:
        """How often it was seen, and since when that is its rate."""
        runs = f" in {count(self.seen.units, 'run')} {_since(self.seen.since)}" if self.seen.since else ""
        return f"{self.seen.failures:,} {self.label}{runs}"

    @property
    def clean_runs(self) -> int | None:
        """Clean runs until it is shown to be low; None for never."""
        doubtful = self.seen.doubtful
        units, failures = self.seen.units + doubtful, self.seen.failures + doubtful
        return sequential.clean_runs_needed(units, failures, self.limit, _needed(self.seen.since))


class FlakinessHistory(BaseGate):
    """Over its earlier runs and this one, the stage is red or saved by a rerun for nothing in few enough runs.

    **Proves** that the rate of false failures is below the limit, and not only unlucky or lucky so far. Two rates of
    *runs* are judged apart, so that reruns cannot buy a pass: runs that were red though each failing test passed in
    another run of the same code in the same environment (git tree and digest of the environment), and runs that
    were green only because what failed was run again. Runs of one code within an hour count once.

    The verdict comes from an e-process, which may be looked at after every push: it is wrong at most once in
    twenty histories on each side. With no false failure it passes after 367 runs, with one after 657; it fails
    with two within 11 runs or three within 37, and never for a single one. In between it is **not judged**: there
    is *not enough data*, which is normal and never green; the reason says how many more clean runs it takes. The
    interval that is shown comes from the same mathematics.

    Red runs whose tests never passed on that code are unresolved: they are told and do not count. Those that are
    doubtful keep the gate from passing as if they were false failures: runs of the base branch, and runs in which all
    failing tests are known to be flaky. Runs that failed for the infrastructure (machine lost, out of memory, disk
    full, DNS, registry, service not ready) are told and do not count; tests in quarantine do not count either.

    A rate begins anew where it changed, and the verdict names the run since when: what was mended is not haunted for
    ever, and what broke does not hide behind its past. Only a change that an e-process confirms counts (universal
    inference; wrong in one history of a hundred), so that luck is no beginning, and the verdict after it asks for more
    evidence.

    Tests that disagreed with themselves are listed with their rate, *suspect* from the second time, *confirmed* from
    one run in a hundred, and so are the groups that fail together; each has a verdict of its own against `max-ratio`,
    which advises: the suite decides. Many tests that disagree at once, in a combination never seen again, are taken
    for an incident and accuse nobody.

    **Blind when** no test ran, or when there is not enough data after the day `known-by`: the end of adoption.

    **Options**: `max-ratio` and `max-masked-ratio` (default 0.01 each, one run in a hundred), `known-by` (default
    none).

    Example:
        [tool.truegreen.gates.flakiness-history]
        max-masked-ratio = 0.05
        known-by = 2027-03-31
    """

    id: ClassVar[str] = "flakiness-history"
    stages: ClassVar[frozenset[str]] = frozenset({"unit", "wiring", "persistence", "e2e"})
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    Options: ClassVar[type[GateOptions]] = FlakinessHistoryOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FlakinessHistoryOptions, history: History) -> Verdict:
        """Judge both rates."""
        tests = evidence.of(stage).tests
        if tests is None or not tests.count(Outcome.PASS, Outcome.FAIL, Outcome.ERROR):
            return self.blind(stage, "no test ran, so none can be called stable", remedy="run at least one test")
        now = this_run.of_stage(evidence, stage)
        past = [run for run in history.runs if not now.run or run.run != now.run]
        held = Ward(evidence)
        exempt = held.in_history(history, stage) | held.among(one.test for one in now.failures)
        absent = this_run.absent(history, stage, now, tests)
        observed = observe([*past, now], stage, exempt=exempt, absent=absent)
        suite = observed.suite()
        rates = (
            _rate("red for nothing", observed.rate(lambda unit: unit.visible), policy.max_ratio),
            _rate("green only after a rerun", observed.rate(lambda unit: unit.masked), policy.max_masked_ratio),
        )
        found = _Found(observed, policy.max_ratio)
        facts, items = (*_facts(rates, observed, exempt), *found.facts()), found.items(tests)
        told = " and ".join(rate.told for rate in rates)
        reason = f"of {count(suite.units, 'run')} {told}"
        if suite.unresolved:
            reason += f" ({count(suite.unresolved, 'red run')} more, whose tests never passed on that code)"
        broken = [rate for rate in rates if rate.decision is Decision.ABOVE]
        if broken:
            named = " and ".join(f"{rate.label} in more than {rate.limit:.2%} of runs" for rate in broken)
            remedy = (
                "mend the listed tests, the confirmed ones first; a failure of the past weighs less with each clean run"
            )
            return self.failed(stage, f"{reason}: {named}", remedy=remedy, facts=facts, items=items)
        if all(rate.decision is Decision.BELOW for rate in rates):
            return self.passed(stage, reason, facts=facts, items=items)
        reason = f"not enough data: {reason}; {_missing(rates)}"
        if policy.known_by and (evidence.today is None or evidence.today > policy.known_by):
            return self.blind(
                stage,
                f"{reason}, and it had to be known by {policy.known_by}",
                remedy="let a nightly job run the stage for more runs, or move `known-by`",
                facts=facts,
                items=items,
            )
        return msgspec.structs.replace(self.not_judged(stage, reason), facts=facts, items=items)


def _rate(label: str, seen: Rate, limit: float) -> _Rate:
    decision = sequential.decide(seen.units, seen.failures, limit, doubtful=seen.doubtful, needed=_needed(seen.since))
    return _Rate(label=label, seen=seen, limit=limit, decision=decision)


def _needed(since: Unit | None) -> float:
    """Return the winnings that decide; more of them where a rate began anew."""
    return sequential.EVIDENCE_ANEW if since else sequential.EVIDENCE_NEEDED


def _since(unit: Unit) -> str:
    """Return a clause on the first run after a change."""
    named = f"run {unit.run} of {unit.created[:10]}" if unit.run else unit.created[:10]
    return f"since {named}"


def _missing(rates: tuple[_Rate, ...]) -> str:
    """Return how many clean runs it takes to pass."""
    needed = [rate.clean_runs for rate in rates]
    known = [runs for runs in needed if runs is not None]
    if len(known) < len(needed):
        return "no number of runs shows a rate to be that low"
    return f"{count(max(known), 'more clean run')} to pass"


def _facts(rates: tuple[_Rate, ...], observed: Observed, exempt: frozenset[str]) -> tuple[Fact, ...]:
    suite = observed.suite()
    facts = [Fact(label="runs", value=f"{suite.units:,}")]
    for rate in rates:
        seen = sequential.interval(rate.seen.units, rate.seen.failures, _needed(rate.seen.since))
        since = f", {_since(rate.seen.since)}, when it changed" if rate.seen.since else ""
        numbers = f"{rate.seen.failures:,} of {rate.seen.units:,}"
        value = f"{numbers} (between {seen.low:.2%} and {seen.high:.2%}){since}"
        facts.append(Fact(label=rate.label, value=value, wanted=f"shown to be below {rate.limit:.2%}"))
    if suite.unresolved:
        doubt = f", {suite.doubtful:,} of them doubtful" if suite.doubtful else ""
        facts.append(Fact(label="red, and never passed on that code", value=f"{suite.unresolved:,}{doubt}"))
    if observed.infrastructure:
        classes = ", ".join(f"{name} {number:,}" for name, number in sorted(observed.infrastructure.items()))
        facts.append(Fact(label="failed for the infrastructure", value=classes))
    if exempt:
        facts.append(Fact(label="in quarantine, not counted", value=count(len(exempt), "test")))
    if observed.blind:
        facts.append(Fact(label="blind", value=f"{observed.blind:,}"))
    return tuple(facts)


class _Found:
    """The tests and groups that disagreed, each with a verdict of its own; it advises, the suite decides."""

    def __init__(self, observed: Observed, limit: float) -> None:
        found, groups = survey(observed.units)
        tests = found.values()
        self._limit = limit
        self._tests = [one for one in tests if one.tier in (Tier.SUSPECT, Tier.CONFIRMED)]
        self._mended = [one for one in tests if one.tier is Tier.MENDED]
        self._groups = [one for one in groups if one.events >= SUSPECT_EVENTS]

    def facts(self) -> Iterator[Fact]:
        """Yield what is known of tests that are not listed."""
        if self._mended:
            named = some([f"{one.test} {_since(one.since)}" for one in self._mended if one.since])
            yield Fact(label="mended: never again since their rate changed", value=named)

    def items(self, tests: TestRun) -> tuple[Item, ...]:
        """Return the groups, then the tests."""
        sizes = {one.number: len(one.tests) for one in self._groups}
        cases = {case.id: case for case in tests.cases}
        told = [self._group(one) for one in self._groups]
        told += [self._test(one, sizes.get(one.group, 1), cases.get(one.test)) for one in self._tests]
        return tuple(told)

    def _group(self, one: FlakyGroup) -> Item:
        told = f"one of {count(len(one.tests), 'test')} or more disagreed {self._often(one)}"
        return Item(title=f"group {one.number}: {some(list(one.tests))}", message=told, level="warning")

    def _test(self, one: FlakyTest, together: int, case: TestCase | None) -> Item:
        others = f"; fails together with {count(together - 1, 'other')} (group {one.group})" if together > 1 else ""
        place: dict[str, Any] = {"path": case.file, "line": case.line} if case else {}
        message = f"{one.tier}: disagreed with itself {self._often(one)}{others}"
        return Item(title=one.test, message=message, level="warning", **place)

    def _often(self, one: FlakyTest | FlakyGroup) -> str:
        """Return how often something disagreed, since when, and what that shows."""
        since = f" {_since(one.since)}" if one.since else ""
        ratio = one.events / one.runs if one.runs else 0.0
        return f"in {one.events:,} of {count(one.runs, 'run')}{since} ({ratio:.2%}): {self._verdict(one)}"

    def _verdict(self, one: FlakyTest | FlakyGroup) -> str:
        decision = sequential.decide(one.runs, one.events, self._limit, needed=_needed(one.since))
        if decision is Decision.UNDECIDED:
            missing = sequential.clean_runs_needed(one.runs, one.events, self._limit, _needed(one.since))
            return f"not enough data ({count(missing, 'more clean run')})" if missing else "not enough data"
        return f"{'more' if decision is Decision.ABOVE else 'less'} than {self._limit:.2%}"
