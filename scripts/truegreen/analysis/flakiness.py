"""How often a stage is red, or saved by a rerun, though nothing is wrong with the code.

A run is red *falsely* when each test that failed in it passed in another run of the same code in the same environment
(git tree and digest of the environment: the key); not to have run is not to have passed. Where one did not, nobody
knows, and the run is *unresolved*: told, and never counted as good. Rates are of runs, never multiplied from those of
tests: tests fail together.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import change_point
from truegreen.analysis.attempts import decided
from truegreen.model.history import PastRun
from truegreen.model.testrun import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from truegreen.model.history import PastFailure, PastStage

_JUDGED = frozenset({"pass", "fail", "waived"})
"""A blind stage may have lost results, and a skipped one has none."""
_BAD = (Outcome.FAIL, Outcome.ERROR)
_UNIT_S = 3600.0
"""Reruns at one key within an hour share machine, load and weather: they are one observation."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One observation of a stage: a run, or several at one key within an hour."""

    created: str
    """Of its first run; ISO 8601, UTC."""
    run: str = ""
    """Identity of its first run."""
    tests: int
    visible: bool = False
    """Red, only by tests that passed in another run at the key."""
    masked: bool = False
    """Green only because failing tests were run again."""
    base: bool = False
    """True for the base branch, on which hardly anything should be broken."""
    unresolved: bool = False
    """Red, by a test that never passed at the key."""
    failed: frozenset[str] = frozenset()
    """Tests that ended red."""
    disagreed: frozenset[str] = frozenset()
    """Tests that failed and passed at this key."""


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of one stage over its history."""

    units: int = 0
    """Observations whose code is shown to be good: the denominator."""
    visible: int = 0
    masked: int = 0
    unresolved: int = 0
    doubtful: int = 0
    """Of the unresolved: those of the base branch, and those whose failing tests all disagreed with themselves once."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One of the rates of a stage, since it is what it is now."""

    units: int
    """Observations whose code is shown to be good."""
    failures: int
    doubtful: int
    """Unresolved observations that may have been failures, as in Suite."""
    since: Unit | None = None
    """First observation after the last confirmed change of the rate; None where there was no change."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """All observations of one stage, oldest first, and what was set aside."""

    units: tuple[Unit, ...] = ()
    infrastructure: dict[str, int] = {}
    """Class → runs that failed because of it; they are no observation of the tests."""
    blind: int = 0
    """Runs whose stage was blind."""

    def suite(self) -> Suite:
        """Return the rates of the stage."""
        good = [unit for unit in self.units if not unit.unresolved]
        return Suite(
            units=len(good),
            visible=sum(unit.visible for unit in good),
            masked=sum(unit.masked for unit in good),
            unresolved=len(self.units) - len(good),
            doubtful=len(self._doubtful()),
        )

    def rate(self, failed: Callable[[Unit], bool]) -> Rate:
        """Return how often something is so in an observation, since that changed last."""
        places = [place for place, unit in enumerate(self.units) if not unit.unresolved]
        failures = [number for number, place in enumerate(places) if failed(self.units[place])]
        start = change_point.since(failures, len(places))
        first = places[start] if 0 < start < len(places) else 0
        return Rate(
            units=len(places) - start,
            failures=sum(number >= start for number in failures),
            doubtful=sum(place >= first for place in self._doubtful()),
            since=self.units[first] if first else None,
        )

    def _doubtful(self) -> list[int]:
        """Return the unresolved observations of the base branch, and those whose failing tests disagreed before."""
        known = frozenset[str]().union(*(unit.disagreed for unit in self.units))
        return [
            place for place, unit in enumerate(self.units) if unit.unresolved and (unit.base or unit.failed <= known)
        ]


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the stage."""

    run: PastRun
    tests: int
    time_s: float
    red: frozenset[str]
    masked: frozenset[str]
    absent: frozenset[str]
    """Tests that were red elsewhere at its key, and did not run in it."""


def observe(
    runs: Iterable[PastRun],
    stage: str,
    *,
    exempt: frozenset[str] = frozenset(),
    absent: Mapping[str, frozenset[str]] | None = None,
) -> Observed:
    """Return the observations of a stage.

    Args:
        runs: in any order.
        stage: its name.
        exempt: tests that do not count, because they are in quarantine.
        absent: run → tests known not to have run in it, of those that are red in another run at its key.
    """
    seen: dict[tuple[str, str], list[tuple[PastRun, PastStage]]] = {}
    infrastructure: Counter[str] = Counter()
    blind = 0
    for number, run in enumerate(runs):
        past = next((one for one in run.stages if one.stage == stage), None)
        if past is None:
            continue
        if past.infrastructure:
            infrastructure[past.infrastructure] += 1
        elif past.status == "blind":
            blind += 1
        elif past.status in _JUDGED and past.tests > 0:
            seen.setdefault(_key(run, number), []).append((run, past))
    units = [unit for group in seen.values() for unit in _units(group, exempt, absent or {})]
    units.sort(key=lambda unit: unit.created)
    return Observed(units=tuple(units), infrastructure=dict(infrastructure), blind=blind)


def _key(run: PastRun, number: int) -> tuple[str, str]:
    """Return the key of a run; one of its own when tree or environment is unknown."""
    return (run.tree, run.environment) if run.tree and run.environment else ("", str(number))


def _seen(run: PastRun, past: PastStage, exempt: frozenset[str], absent: frozenset[str]) -> _Seen:
    red, masked = set(), set()
    for one in run.failures:
        if one.stage == past.stage and one.test not in exempt:
            if decided(one.attempts) in _BAD:
                red.add(one.test)
            elif _failed(one):
                masked.add(one.test)
    return _Seen(
        run=run,
        tests=past.tests,
        time_s=_time_s(run.created),
        red=frozenset(red),
        masked=frozenset(masked),
        absent=absent,
    )


def _failed(failure: PastFailure) -> bool:
    return any(outcome in _BAD for outcome in failure.attempts)


def _time_s(created: str) -> float:
    """Return seconds since 1970; minus infinity for what is no time."""
    try:
        return datetime.fromisoformat(created).timestamp()
    except (ValueError, OverflowError, OSError):
        return float("-inf")


def _units(
    runs: Sequence[tuple[PastRun, PastStage]], exempt: frozenset[str], absent: Mapping[str, frozenset[str]]
) -> Iterator[Unit]:
    """Yield the observations at one key."""
    if len(runs) == 1 and not runs[0][0].failures:  # nearly all of them
        run, past = runs[0]
        yield Unit(created=run.created, run=run.run, tests=past.tests, base=run.base)
        return
    group = [_seen(run, past, exempt, absent.get(run.run, frozenset())) for run, past in runs]
    passed = [frozenset(_passed_elsewhere(one, group)) for one in group]
    part: list[tuple[_Seen, frozenset[str]]] = []
    for pair in sorted(zip(group, passed, strict=True), key=lambda pair: pair[0].time_s):
        if part and not pair[0].time_s - part[0][0].time_s < _UNIT_S:
            yield _unit(part)
            part = []
        part.append(pair)
    yield _unit(part)


def _passed_elsewhere(one: _Seen, group: Sequence[_Seen]) -> Iterator[str]:
    """Yield the tests that ended red in a run and green in another run at the key, which ran no fewer tests."""
    for test in one.red:
        others = (other for other in group if other is not one and other.tests >= one.tests)
        if any(test not in other.red and test not in other.absent for other in others):
            yield test


def _unit(part: Sequence[tuple[_Seen, frozenset[str]]]) -> Unit:
    """Return one observation, from runs and, for each, the red tests that passed elsewhere at the key."""
    visible = any(one.red and one.red <= passed for one, passed in part)
    masked = [one for one, _ in part if one.masked]
    return Unit(
        created=part[0][0].run.created,
        run=part[0][0].run.run,
        tests=max(one.tests for one, _ in part),
        base=any(one.run.base for one, _ in part),
        visible=visible,
        masked=any(not one.red for one in masked),
        unresolved=not visible and any(one.red for one, _ in part),
        failed=frozenset[str]().union(*(one.red for one, _ in part)),
        disagreed=frozenset[str]().union(*(passed for _, passed in part), *(one.masked for one in masked)),
    )
