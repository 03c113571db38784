"""Whether what a test had to persist was really committed while it ran."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.persistence import Change, Demand, PersistenceEvidence, PhaseChanges, TestDemand

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROWS = ("insert", "update", "delete")
"""Without a demand of its own, a truncate proves nothing: it is how tests clean up."""


class TestCommits(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one test."""

    __test__ = False

    test: str
    demands: tuple[TestDemand, ...] = ()
    phases: tuple[PhaseChanges, ...] = ()
    elsewhere: tuple[Change, ...] = ()
    """Rows that its call phase committed to a database that does not count."""

    @property
    def reads(self) -> bool:
        """True when the test only reads, so that nothing is demanded."""
        return bool(self.demands) and all(demand.reads for demand in self.demands)

    @property
    def wanted(self) -> tuple[Demand, ...]:
        """What the test must commit; any one change where it says nothing."""
        return tuple(d.demand for d in self.demands if not d.reads) or (Demand(),)

    @property
    def patched(self) -> tuple[str, ...]:
        """Targets replaced by mocks, each once."""
        return tuple(dict.fromkeys(name for demand in self.demands for name in demand.patched))

    @property
    def observed(self) -> bool:
        """True when the recorder saw the call phase."""
        return any(phase.phase == "call" for phase in self.phases)

    @property
    def problem(self) -> str:
        """Why a phase could not be read; empty when all could."""
        return next((phase.problem for phase in self.phases if phase.problem), "")

    def committed(self, phase: str = "call") -> tuple[Change, ...]:
        """Return what a phase committed.

        A plugin may repeat a test inside the session. What an earlier attempt committed says nothing about the last
        one, so only the last call counts; the recorder writes the phases in the order in which they ended.
        """
        ended = [p for p in self.phases if p.phase == phase]
        return tuple(change for p in (ended[-1:] if phase == "call" else ended) for change in p.committed)

    def rolled_back(self) -> tuple[Change, ...]:
        """Return what the call phase wrote and did not commit."""
        return tuple(change for p in self.phases if p.phase == "call" for change in p.rolled_back)

    def missing(self) -> Demand | None:
        """Return the first demand that committed changes do not satisfy; None when all are satisfied."""
        committed = self.committed()
        return next((demand for demand in self.wanted if rows(committed, demand) < demand.at_least), None)


def by_test(evidence: Iterable[PersistenceEvidence]) -> dict[str, TestCommits]:
    """Return what is known about each test, over all recorders."""
    demands: dict[str, list[TestDemand]] = {}
    phases: dict[str, list[PhaseChanges]] = {}
    elsewhere: dict[str, list[Change]] = {}
    for part in evidence:
        for demand in part.demands:
            demands.setdefault(demand.test, []).append(demand)
        for phase in part.phases:
            inside = tuple(change for change in phase.committed if _inside(change, part.databases))
            phases.setdefault(phase.test, []).append(msgspec.structs.replace(phase, committed=inside))
            if phase.phase == "call":
                outside = (change for change in phase.committed if not _inside(change, part.databases))
                elsewhere.setdefault(phase.test, []).extend(outside)
    return {
        test: TestCommits(
            test=test,
            demands=tuple(demands.get(test, ())),
            phases=tuple(phases.get(test, ())),
            elsewhere=tuple(elsewhere.get(test, ())),
        )
        for test in sorted({*demands, *phases})
    }


def _inside(change: Change, databases: tuple[str, ...]) -> bool:
    """Return whether a change is in a database that counts; a truncate does not say where it was."""
    return not databases or not change.database or any(fnmatchcase(change.database, name) for name in databases)


def rows(changes: Iterable[Change], demand: Demand) -> int:
    """Return how many changed rows count towards a demand."""
    return sum(change.count for change in changes if change.count > 0 and counts(change, demand))


def counts(change: Change, demand: Demand) -> bool:
    """Return whether a change is of the object and kind demanded."""
    kind = change.kind == demand.kind if demand.kind else change.kind in _ROWS
    return kind and (not demand.object or same_object(change, demand.object))


def same_object(change: Change, name: str) -> bool:
    """Return whether a change is in the named object: `table`, `schema.table` or `store:table`."""
    store, colon, rest = name.rpartition(":")
    if colon and store != change.store:
        return False
    names = [name for name in (change.object, change.parent) if name]
    return rest in names or ("." not in rest and rest in [name.rpartition(".")[2] for name in names])


def told(changes: Iterable[Change]) -> str:
    """Return changes in words, summed: `2 inserts in public.operations, 1 update in public.accounts`."""
    sums: dict[tuple[str, str], int] = {}
    for change in changes:
        sums[(change.object, change.kind)] = sums.get((change.object, change.kind), 0) + change.count
    return ", ".join(f"{n:,} {kind}{'' if n == 1 else 's'} in {name}" for (name, kind), n in sorted(sums.items()))
