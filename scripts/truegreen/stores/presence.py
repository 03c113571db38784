"""Which tests did not run where that says something; inside a transaction of its caller."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

from truegreen.analysis.attempts import decided
from truegreen.model.testrun import BAD

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from truegreen.model.history import Followed, PastRun
    from truegreen.stores.database import Row

Key = tuple[str, str]
"""git's tree and digest of the environment."""


def absent(
    runs: Iterable[PastRun],
    stages: Mapping[str, Iterable[Row]],
    spans: Callable[[int], list[tuple[int, int]]],
    numbers: Callable[[], Mapping[str, int]],
    followed: Followed,
    environment: str,
) -> dict[str, dict[str, frozenset[str]]]:
    """Return stage → run → tests that did not run in it: of those red in another run at its key, or now, or watched.

    Args:
        runs: as the history returns them.
        stages: run → (present, skipped, stage, …) of its stages; the first two are numbers of sets, or None.
        spans: the tests of a set as (first number, number after the last).
        numbers: name of a test → its number; asked only when it is needed.
        followed: what is asked of the run that is judged.
        environment: digest of its environment.
    """
    kept = tuple(runs)
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    known: dict[int, list[int]] = {}

    def holds(test_set: int, test: int) -> bool:
        if test_set not in known:
            known[test_set] = [border for span in spans(test_set) for border in span]
        return bool(bisect_right(known[test_set], test) & 1)

    def look(stage: str, names: Collection[str], among: Iterable[PastRun]) -> None:
        ids = numbers()
        for run in among:
            sets = next((row[:2] for row in stages.get(run.run, ()) if row[2] == stage), (None, None))
            if missing := frozenset(name for name in names if not _ran(sets, ids.get(name), holds)):
                found[stage][run.run] = found[stage].get(run.run, frozenset()) | missing

    for key, same in _by_key(kept).items():
        for stage, names in _red(same, followed.red if key == (followed.tree, environment) else {}).items():
            look(stage, names, same)
    for stage, watched in followed.watched.items():
        look(stage, watched, kept)
    return dict(found)


def _by_key(runs: Iterable[PastRun]) -> dict[Key, list[PastRun]]:
    keys: dict[Key, list[PastRun]] = defaultdict(list)
    for run in runs:
        if run.tree and run.environment:
            keys[run.tree, run.environment].append(run)
    return keys


def _red(same: list[PastRun], now: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return stage → tests that ended red at a key; nothing where there is no other run to compare with."""
    found: dict[str, set[str]] = defaultdict(set)
    for stage, names in now.items():
        found[stage].update(names)
    for run in same if len(same) > 1 or now else ():
        for one in run.failures:
            if decided(one.attempts) in BAD:
                found[one.stage].add(one.test)
    return {stage: names for stage, names in found.items() if names}


def _ran(sets: Row | tuple[None, None], test: int | None, holds: Callable[[int, int], bool]) -> bool:
    present, skipped = sets
    if present is None or test is None or not holds(present, test):
        return False
    return skipped is None or not holds(skipped, test)
