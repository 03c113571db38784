"""What is known of every test over many runs, without unpacking a single duration."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import chain, repeat
from typing import TYPE_CHECKING, NamedTuple

from truegreen.model.results import TestSummary
from truegreen.stores.columns import ungrouped
from truegreen.stores.reading import counted, test_set_spans

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping

    from truegreen.stores.database import Connection

_STAGES = (
    "SELECT s.stage, s.id, s.present, s.skipped, r.tree, r.environment, r.created, s.failed FROM stages s "
    "JOIN runs r ON r.id = s.run_id WHERE r.created >= ? AND s.present IS NOT NULL ORDER BY r.created, s.id"
)


class _Ran(NamedTuple):
    """One stage of one run: numbers of sets and of tests."""

    place: int
    present: int
    skipped: int | None
    tree: str
    environment: str
    created: str


class _Odd(NamedTuple):
    """Tests of one stage of one run that failed at an attempt."""

    failed: array[int]
    passed_too: array[int]
    """Those of them that passed at another attempt."""
    masked: array[int]
    """Those of them whose last attempt passed."""


def summaries(connection: Connection, since: str) -> list[TestSummary]:
    """Return what is known of every test over the runs made at or after a moment; sorted by stage and test."""
    by_stage: dict[str, list[_Ran]] = defaultdict(list)
    odd: dict[int, _Odd] = {}
    for stage, *rest, failed in connection.rows(_STAGES, (since,)):
        ran = _Ran(*rest)
        by_stage[stage].append(ran)
        if failed is not None:
            odd[ran.place] = _Odd(*ungrouped(failed))
    names: dict[int, str] = dict(connection.rows("SELECT id, name FROM tests"))
    found: list[TestSummary] = []
    for stage, runs in sorted(by_stage.items()):
        found += _of_stage(connection, stage, runs, odd, names)
    return found


def _of_stage(
    connection: Connection, stage: str, ran: list[_Ran], odd: dict[int, _Odd], names: dict[int, str]
) -> list[TestSummary]:
    runs = counted(connection, Counter((one.present, one.skipped) for one in ran))
    seen = [(one.created, odd[one.place]) for one in ran if one.place in odd]
    failures = Counter(chain.from_iterable(tests.failed for _, tests in seen))
    masked = Counter(chain.from_iterable(tests.masked for _, tests in seen))
    # In the order they were made, so that the newest failure stays.
    last = dict(chain.from_iterable(zip(tests.failed, repeat(created)) for created, tests in seen))
    disagreements = _disagreements(connection, ran, odd)
    unsorted = (
        TestSummary(
            stage=stage,
            test=names.get(test, ""),
            runs=number,
            failures=failures[test],
            masked=masked[test],
            disagreements=disagreements[test],
            last_failed=last.get(test, ""),
        )
        for test, number in runs.items()
    )
    return sorted(unsorted, key=lambda summary: summary.test)


def _disagreements(connection: Connection, ran: Iterable[_Ran], odd: Mapping[int, _Odd]) -> Counter[int]:
    """Return test → keys (tree and environment) on which it failed and passed.

    A run whose tree is unknown is a key of its own: nothing says that another one tested the same code.
    """
    keys: dict[tuple[str, ...], list[_Ran]] = defaultdict(list)
    for one in ran:
        keys[(one.tree, one.environment) if one.tree else ("", str(one.place))].append(one)
    found: Counter[int] = Counter()
    members = _Members(connection)
    for same in keys.values():
        seen = [odd[one.place] for one in same if one.place in odd]
        both = set(chain.from_iterable(one.passed_too for one in seen))
        if seen and len(same) > 1:
            failed = Counter(chain.from_iterable(one.failed for one in seen))
            sets = Counter((one.present, one.skipped) for one in same)
            if len(sets) == 1:  # what failed in one of them was there, and not skipped, in each
                number = len(same)
                both.update([test for test, times in failed.items() if times < number])
            else:
                both.update(test for test, times in failed.items() if times < members.runs(sets, test))
        found.update(both)
    return found


class _Members:
    """Answers in how many runs a test was more than skipped, for a few tests of many sets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._borders: dict[int, list[int]] = {}

    def runs(self, sets: Mapping[tuple[int, int | None], int], test: int) -> int:
        """Return the runs, given (set that was present, set that was skipped) → runs with exactly these."""
        return sum(
            times
            for (present, skipped), times in sets.items()
            if self._holds(present, test) and (skipped is None or not self._holds(skipped, test))
        )

    def _holds(self, test_set: int, test: int) -> bool:
        borders = self._borders.get(test_set)
        if borders is None:
            borders = [border for span in test_set_spans(self._connection, test_set) for border in span]
            self._borders[test_set] = borders
        return bool(bisect_right(borders, test) & 1)
