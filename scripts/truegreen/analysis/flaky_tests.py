"""Which tests are flaky, and which of them fail together.

A test that failed and passed at one key is flaky, if it was not the machine. An incident (a full disk, a lost database)
lets a random part of the suite fail once, and a rule that believes every disagreement then accuses hundreds of
innocent tests. So disagreements of a *burst* are set aside: many tests at once, in a combination not seen in any
other run. The rule looks at no message, because the messages of an incident differ from test to test.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import change_point
from truegreen.analysis.flakiness import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

JACCARD = 0.5
"""Share of common runs (intersection over union) from which two tests fail together, and two runs are alike."""
_BURST_TESTS = 5
_BURST_RATIO = 0.02
"""A burst is at least so many tests, and at least this share of the suite."""
_FREQUENT_RATIO = 0.03
_FREQUENT_EVENTS = 3
"""A test that disagrees so often needs no incident to explain it."""
SUSPECT_EVENTS = 2
CONFIRMED_RATIO = 0.01


class Tier(StrEnum):
    """How sure it is that a test is flaky."""

    SEEN = "seen once"
    SUSPECT = "suspect"
    """Disagreed twice outside of bursts: worth a comment and a rerun, and no change of a verdict."""
    MENDED = "mended"
    """Disagreed before, and never since it is shown to do so less often."""
    CONFIRMED = "confirmed"
    """Suspect, and in at least one run of a hundred: sure enough for quarantine."""


class FlakyTest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one test that disagreed with itself."""

    test: str
    runs: int
    """Observations of its stage, since it disagrees as often as it does."""
    events: int
    """Of these, observations in which it disagreed, bursts left out."""
    tier: Tier
    group: int
    """Number of the group that fails together, from 1; the groups with most events come first."""
    since: Unit | None = None
    """First observation after its rate changed; None where it did not."""

    @property
    def ratio(self) -> float:
        """Share of observations in which it disagreed, 0 to 1."""
        return self.events / self.runs if self.runs else 0.0


class FlakyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that fail together: one cause, one thing to mend."""

    number: int
    tests: tuple[str, ...]
    """Two or more, by name."""
    runs: int
    """Observations of the stage, since one of them disagrees as often as they do."""
    events: int
    """Of these, observations in which one of them disagreed or more."""
    since: Unit | None = None
    """First observation after that changed; None where it did not."""


def detect(units: Sequence[Unit]) -> dict[str, FlakyTest]:
    """Return the tests that disagreed with themselves outside of bursts, by name, the most frequent first.

    What is said of a test is about the time since its rate changed last: one that was mended is not flaky for ever,
    and one that became flaky does not hide behind its past.
    """
    return survey(units)[0]


def survey(units: Sequence[Unit]) -> tuple[dict[str, FlakyTest], tuple[FlakyGroup, ...]]:
    """Return what `detect` returns, and the groups of two tests or more that fail together, by number."""
    asked, events = _events(units)
    groups = group(events)
    members: dict[int, list[str]] = defaultdict(list)
    for test, number in groups.items():
        members[number].append(test)
    tests = {
        test: _test(test, found, asked, groups[test])
        for test, found in sorted(events.items(), key=lambda item: (-len(item[1]), item[0]))
    }
    several = [(number, sorted(names)) for number, names in sorted(members.items()) if len(names) > 1]
    return tests, tuple(_group(number, names, events, asked) for number, names in several)


def _events(units: Sequence[Unit]) -> tuple[list[Unit], dict[str, list[int]]]:
    """Return the observations that were asked, and test → those of them in which it disagreed outside of bursts."""
    asked = [unit for unit in units if not unit.unresolved or unit.disagreed]
    bursts = find_bursts([unit.disagreed for unit in asked], [unit.tests for unit in asked])
    events: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(asked):
        if number not in bursts:
            for test in unit.disagreed:
                events[test].append(number)
    return asked, events


def _test(name: str, found: list[int], asked: Sequence[Unit], number: int) -> FlakyTest:
    start = change_point.since(found, len(asked))
    events, runs = sum(place >= start for place in found), len(asked) - start
    tier = _tier(events, runs) if events or not start else Tier.MENDED
    return FlakyTest(test=name, runs=runs, events=events, tier=tier, group=number, since=_first(asked, start))


def _group(number: int, tests: Sequence[str], events: dict[str, list[int]], asked: Sequence[Unit]) -> FlakyGroup:
    places = sorted({place for test in tests for place in events[test]})
    start = change_point.since(places, len(asked))
    return FlakyGroup(
        number=number,
        tests=tuple(tests),
        runs=len(asked) - start,
        events=sum(place >= start for place in places),
        since=_first(asked, start),
    )


def _first(asked: Sequence[Unit], start: int) -> Unit | None:
    return asked[start] if 0 < start < len(asked) else None


def find_bursts(events: Sequence[frozenset[str]], tests: Sequence[int]) -> frozenset[int]:
    """Return the numbers of the observations that look like an incident.

    Args:
        events: per observation, the tests that disagreed.
        tests: per observation, how many tests ran.
    """
    large = [number for number, found in enumerate(events) if len(found) >= _burst_size(tests[number])]
    if not large:
        return frozenset()
    is_large = set(large)
    total: Counter[str] = Counter(test for found in events for test in found)
    small = {test for number, found in enumerate(events) if number not in is_large for test in found}
    often = max(_FREQUENT_EVENTS, _FREQUENT_RATIO * len(events))
    explained = small | {test for test, times in total.items() if times >= often}
    bursts = set()
    for number in large:
        strange = events[number] - explained
        if len(strange) < _burst_size(tests[number]):
            continue
        if not any(other != number and _jaccard(events[number], events[other]) >= JACCARD for other in large):
            bursts.add(number)
    return frozenset(bursts)


def group(events: dict[str, list[int]]) -> dict[str, int]:
    """Return test → number of its group: tests are in one when a chain of them shares half of its runs.

    Args:
        events: test → numbers of the observations in which it disagreed, at least one each.
    """
    alike: dict[frozenset[int], list[str]] = defaultdict(list)
    for test in sorted(events):
        alike[frozenset(events[test])].append(test)
    signatures = list(alike)
    leader = list(range(len(signatures)))
    by_run: dict[int, list[int]] = defaultdict(list)
    for place, signature in enumerate(signatures):
        for run in signature:
            by_run[run].append(place)
    for place, signature in enumerate(signatures):
        common = Counter(other for run in signature for other in by_run[run] if other > place)
        for other, shared in common.items():
            if shared >= JACCARD * (len(signature) + len(signatures[other]) - shared):
                leader[_root(leader, other)] = _root(leader, place)
    joined: dict[int, list[int]] = defaultdict(list)
    for place in range(len(signatures)):
        joined[_root(leader, place)].append(place)
    ordered = sorted(joined.values(), key=lambda places: -len(frozenset().union(*(signatures[p] for p in places))))
    return {
        test: number
        for number, places in enumerate(ordered, 1)
        for place in places
        for test in alike[signatures[place]]
    }


def _root(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place


def _burst_size(tests: int) -> float:
    return max(_BURST_TESTS, _BURST_RATIO * tests)


def _jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    shared = len(one & two)
    return shared / (len(one) + len(two) - shared)


def _tier(events: int, runs: int) -> Tier:
    if events < SUSPECT_EVENTS:
        return Tier.SEEN
    return Tier.CONFIRMED if events >= CONFIRMED_RATIO * runs else Tier.SUSPECT
