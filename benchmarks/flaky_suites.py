"""How well flaky tests are found, on suites with the measured rates of FlakeFlagger and with incidents put in.

Each suite lives through commits that are sometimes tested again, with a rerun of what failed. A tenth of the commits
breaks something. In an incident a random part of the suite fails, and most of it passes when run again.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.analysis.flakiness import observe
from truegreen.analysis.flaky_tests import Tier, detect
from truegreen.model.history import PastFailure, PastRun, PastStage
from truegreen.model.testrun import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from random import Random

DATA = Path(__file__).parent / "data" / "flakeflagger_rates.csv"
INCIDENT_RATIOS = (0.0, 0.001, 0.01)
NOISES = (0.0, 0.2, 0.5)
COMMITS = 600
_AGAIN_RATIO = 0.1
_BROKEN_RATIO = 0.1
_INCIDENT_SHARE = (0.02, 0.6)
_INCIDENT_PASSES = 0.7
_POSITIVE_RATIO = 0.001
"""A test that fails less often counts neither as found nor as wrongly accused."""
_START = datetime(2026, 1, 1, tzinfo=UTC)
_BAD, _SAVED = (Outcome.FAIL, Outcome.FAIL), (Outcome.FAIL, Outcome.PASS)


@dataclass(frozen=True)
class Flaky:
    """One test that fails now and then."""

    name: str
    ratio: float


@dataclass(frozen=True)
class Suite:
    """One project: its tests, and the groups of flaky ones that fail together."""

    name: str
    tests: int
    groups: tuple[tuple[Flaky, ...], ...]

    def rate_of(self) -> dict[str, float]:
        """Return test → its rate of failures, 0 to 1; the others have none."""
        return {test.name: test.ratio for group in self.groups for test in group}


@dataclass(frozen=True)
class Score:
    """What one rule found over all suites."""

    rule: str
    precision: float
    recall: float


def suites(path: Path = DATA) -> tuple[Suite, ...]:
    """Return the projects of the data file; tests that share their first failing run are a group."""
    tests: dict[str, int] = {}
    groups: dict[str, dict[str, list[Flaky]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            tests[row["project"]] = int(row["tests"])
            if int(row["runs"]):
                ratio = int(row["failing_runs"]) / int(row["runs"])
                groups[row["project"]][row["first_failing_run"]].append(Flaky(f"flaky-{number}", ratio))
    return tuple(
        Suite(name, count, tuple(tuple(group) for group in groups[name].values())) for name, count in tests.items()
    )


class Life:
    """The history of one suite, run by run."""

    def __init__(self, suite: Suite, incident_ratio: float, random: Random) -> None:
        self._suite = suite
        self._incident_ratio = incident_ratio
        self._random = random
        flaky = [test.name for group in suite.groups for test in group]
        self._names = [*flaky, *(f"stable-{number}" for number in range(suite.tests - len(flaky)))]
        self._firing = [max(test.ratio for test in group) for group in suite.groups]
        self.incidents: set[str] = set()
        """Runs in which an incident was put in."""

    def runs(self) -> Iterator[PastRun]:
        """Yield the runs, oldest first, hours apart."""
        hour = 0
        for commit in range(COMMITS):
            broken = self._broken()
            for _ in range(2 if self._random.random() < _AGAIN_RATIO else 1):
                hour += 2
                yield self._run(commit, hour, broken)

    def _broken(self) -> frozenset[str]:
        if self._random.random() >= _BROKEN_RATIO:
            return frozenset()
        return frozenset(self._random.sample(self._names, min(len(self._names), self._random.randint(1, 10))))

    def _run(self, commit: int, hour: int, broken: frozenset[str]) -> PastRun:
        attempts = dict.fromkeys(broken, _BAD)
        for name in self._flaky_failures():
            if name not in broken:
                attempts[name] = _SAVED
        if self._random.random() < self._incident_ratio:
            self.incidents.add(str(hour))
            share = self._random.uniform(*_INCIDENT_SHARE)
            for name in self._random.sample(self._names, max(1, round(share * len(self._names)))):
                saved = self._random.random() < _INCIDENT_PASSES and name not in broken
                attempts[name] = _SAVED if saved else _BAD
        red = any(story is _BAD for story in attempts.values())
        return PastRun(
            commit=str(commit),
            tree=str(commit),
            environment="one",
            run=str(hour),
            created=(_START + timedelta(hours=hour)).isoformat(),
            status="fail" if red else "pass",
            stages=(PastStage(stage="unit", status="fail" if red else "pass", tests=self._suite.tests),),
            failures=tuple(PastFailure(stage="unit", test=name, attempts=story) for name, story in attempts.items()),
        )

    def _flaky_failures(self) -> Iterator[str]:
        """Yield what fails at first and passes at the second attempt; a group fires as one."""
        for group, firing in zip(self._suite.groups, self._firing, strict=True):
            if self._random.random() < firing:
                for test in group:
                    if self._random.random() * firing < test.ratio and self._random.random() >= test.ratio:
                        yield test.name


def scores(incident_ratio: float, noise: float, random: Random, among: Iterable[Suite]) -> list[Score]:
    """Return precision and recall of each rule over the suites.

    Args:
        incident_ratio: share of runs with an incident.
        noise: share of an incident's failures whose message is one of their own.
        random: source of chance.
        among: the suites.
    """
    found: dict[str, Counter[str]] = {}
    for suite in among:
        life = Life(suite, incident_ratio, random)
        runs = tuple(life.runs())
        rates = suite.rate_of()
        positive = {name for name, ratio in rates.items() if ratio >= _POSITIVE_RATIO}
        for rule, accused in _accusations(runs, life.incidents, noise, random).items():
            tally = found.setdefault(rule, Counter())
            tally["hit"] += len(accused & positive)
            tally["miss"] += len(positive - accused)
            tally["wrong"] += sum(name not in rates for name in accused)
    return [Score(rule, *_precision_and_recall(tally)) for rule, tally in found.items()]


def _precision_and_recall(tally: Counter[str]) -> tuple[float, float]:
    accused = tally["hit"] + tally["wrong"]
    return tally["hit"] / accused if accused else math.nan, tally["hit"] / (tally["hit"] + tally["miss"])


def _accusations(
    runs: tuple[PastRun, ...], incidents: set[str], noise: float, random: Random
) -> dict[str, frozenset[str]]:
    """Return rule → the tests it calls flaky."""
    units = observe(runs, "unit").units
    events = Counter(test for unit in units for test in unit.disagreed)
    detected = detect(units)
    filtered = Counter(_fingerprint_filter(runs, incidents, noise, random))

    def at_least(counts: Counter[str], least: float) -> frozenset[str]:
        return frozenset(test for test, times in counts.items() if times >= least)

    def tiers(*wanted: Tier) -> frozenset[str]:
        return frozenset(name for name, one in detected.items() if one.tier in wanted)

    return {
        "truegreen, confirmed": tiers(Tier.CONFIRMED),
        "truegreen, suspect": tiers(Tier.SUSPECT, Tier.CONFIRMED),
        "one disagreement": at_least(events, 1),
        "two, and 1 % of runs": at_least(events, max(2, 0.01 * len(units))),
        "fingerprint filter, two": at_least(filtered, 2),
    }


def _fingerprint_filter(runs: Iterable[PastRun], incidents: set[str], noise: float, random: Random) -> Iterator[str]:
    """Yield the disagreements that a rule keeps which believes in messages: those that few tests of the run share.

    Every failure of an incident has one message, but for the noise; every other failure has its own.
    """
    for run in runs:
        limit = max(5, 0.02 * run.stages[0].tests)
        failed = [one.test for one in run.failures if one.masked]
        shared = [test for test in failed if run.run in incidents and random.random() >= noise]
        dropped = set(shared) if len(shared) >= limit else set()
        yield from (test for test in failed if test not in dropped)


def averaged(incident_ratio: float, noise: float, among: Iterable[Suite], randoms: Iterable[Random]) -> list[Score]:
    """Return the mean of the scores over several seeds."""
    rounds = [scores(incident_ratio, noise, random, among) for random in randoms]
    return [
        Score(
            rows[0].rule,
            math.fsum(row.precision for row in rows) / len(rows),
            math.fsum(row.recall for row in rows) / len(rows),
        )
        for rows in zip(*rounds, strict=True)
    ]
