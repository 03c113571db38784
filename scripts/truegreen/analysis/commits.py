"""Whether what a test had to persist was really committed while it ran."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.persistence import (
    MIGRATIONS,
    Beside,
    Change,
    Demand,
    PersistenceEvidence,
    PhaseChanges,
    TestDemand,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLES = frozenset({"postgres", "mariadb", "mysql"})
"""Kinds of services whose changes are rows of tables."""
_TABLE = frozenset({"insert", "update", "delete", "truncate"})
"""Kinds of changes of tables, whose names have parts."""
_NOT_KEPT = frozenset({"truncate", "memory-message", "transient-message", "empty-write", "empty-put"})
"""Kinds that prove nothing unless they are demanded: how tests clean up, and what no restart survives."""
_TAKEN_AWAY = frozenset({
    "delete", "removal", "del", "expire", "persist", "rename_from", "move_from", "lpop", "rpop", "lrem", "ltrim",
    "srem", "spop", "hdel", "hexpire", "hpersist", "zrem", "zpopmin", "zpopmax", "zrembyscore", "zrembyrank",
    "zrembylex", "zremrangebyscore", "zremrangebyrank", "zremrangebylex", "xdel", "xtrim",
})  # fmt: skip
"""Kinds after which a store holds nothing that it did not hold before: enough for a test that demands them by kind."""

_TOLD = 12
"""How many objects a sentence names."""


class TestCommits(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one test."""

    __test__ = False

    test: str
    demands: tuple[TestDemand, ...] = ()
    phases: tuple[PhaseChanges, ...] = ()
    elsewhere: tuple[Change, ...] = ()
    """What its call phase committed to a database that does not count."""
    uncounted: tuple[str, ...] = ()
    """Stores whose changes count only where a demand names the store."""
    others: tuple[Beside, ...] = ()
    """Whatever else could write while it was called."""

    @property
    def reads(self) -> bool:
        """True when the test only reads, so that nothing is demanded."""
        return bool(self.demands) and all(demand.reads for demand in self.demands)

    @property
    def wanted(self) -> tuple[Demand, ...]:
        """What the test must commit; any one change, too, where it says nothing but what it must not."""
        said = tuple(d.demand for d in self.demands if not d.reads)
        return said if any(demand.at_least > 0 for demand in said) else (*said, Demand())

    @property
    def named(self) -> bool:
        """True when the test names an object that it must change."""
        return any(demand.object and demand.at_least > 0 for demand in self.wanted)

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
        """Why a phase could not be read in a store that matters here; empty when all could."""
        bad = (phase for phase in self.phases if phase.problem)
        return next((p.problem for p in bad if any(self._eligible(p.store, one) for one in self.wanted)), "")

    def committed(self, phase: str = "call") -> tuple[Change, ...]:
        """Return what a phase committed.

        A plugin may repeat a test inside the session. What an earlier attempt committed says nothing about the last
        one, so only the last call counts; the recorder writes the phases in the order in which they ended.
        """
        ended = [p for p in self.phases if p.phase == phase]
        if phase == "call":  # of each store
            ended = list({p.store: p for p in ended}.values())
        return tuple(change for p in ended for change in p.committed)

    def towards(self, demand: Demand) -> tuple[Change, ...]:
        """Return what the call phase committed to the stores that count for a demand."""
        return tuple(change for change in self.committed() if self._eligible(change.store, demand))

    def beside(self, demand: Demand) -> tuple[Change, ...]:
        """Return what the call phase committed to the other stores."""
        return tuple(change for change in self.committed() if not self._eligible(change.store, demand))

    def _eligible(self, store: str, demand: Demand) -> bool:
        if demand.store:
            return store == demand.store
        return store not in self.uncounted or demand.object.startswith(f"{store}:")

    def rolled_back(self) -> tuple[Change, ...]:
        """Return what the call phase wrote and did not commit."""
        return tuple(change for p in self.phases if p.phase == "call" for change in p.rolled_back)

    def written_before(self) -> tuple[Change, ...]:
        """Return what the call phase committed that was written before it, such as by a fixture."""
        return tuple(change for p in self.phases if p.phase == "call" for change in p.written_before)

    def missing(self) -> Demand | None:
        """Return the first demand that committed changes do not meet, being too few or too many; None when all are."""
        return next((one for one in self.wanted if not one.meets(self.number(one))), None)

    def number(self, demand: Demand) -> int:
        """Return how many changes of the call phase count towards a demand.

        What is taken away is not enough, but too much where there is enough.
        """
        found = self.towards(demand)
        kept = rows(found, demand)
        return kept if kept < demand.at_least else rows(found, demand, taken=True)


def relevant(evidence: Iterable[PersistenceEvidence]) -> tuple[PersistenceEvidence, ...]:
    """Return the recordings that the verdict rests on: of stores that count, or that a test names."""
    parts = tuple(evidence)
    demands = {made.demand for part in parts for made in part.demands if not made.reads}
    named = {demand.store for demand in demands} | {demand.object.partition(":")[0] for demand in demands}
    return tuple(part for part in parts if part.counts or part.store in named)


def by_test(evidence: Iterable[PersistenceEvidence]) -> dict[str, TestCommits]:
    """Return what is known about each test, over all stores and shards."""
    demands: dict[str, dict[TestDemand, None]] = {}
    phases: dict[str, list[PhaseChanges]] = {}
    elsewhere: dict[str, list[Change]] = {}
    uncounted: dict[str, None] = {}
    others: dict[str, dict[Beside, None]] = {}
    for part in evidence:
        if not part.counts:
            uncounted[part.store] = None
        for demand in part.demands:  # each store's file has them all
            demands.setdefault(demand.test, {})[demand] = None
        for one in part.beside:  # so it is here
            others.setdefault(one.test, {})[one] = None
        for phase in part.phases:
            inside = tuple(change for change in phase.committed if _inside(change, part.databases))
            seen = msgspec.structs.replace(phase, committed=inside, store=part.store)
            phases.setdefault(phase.test, []).append(seen)
            if phase.phase == "call":
                outside = (change for change in phase.committed if not _inside(change, part.databases))
                elsewhere.setdefault(phase.test, []).extend(outside)
    return {
        test: TestCommits(
            test=test,
            demands=tuple(demands.get(test, ())),
            phases=tuple(phases.get(test, ())),
            elsewhere=tuple(elsewhere.get(test, ())),
            uncounted=tuple(uncounted),
            others=tuple(others.get(test, ())),
        )
        for test in sorted({*demands, *phases})
    }


def _inside(change: Change, databases: tuple[str, ...]) -> bool:
    """Return whether a change is in a database that counts; a truncate does not say where it was."""
    return not databases or not change.database or any(fnmatchcase(change.database, name) for name in databases)


def rows(changes: Iterable[Change], demand: Demand, *, taken: bool = False) -> int:
    """Return how many changes count towards a demand; with `taken`, what was taken away, too."""
    return sum(change.count for change in changes if change.count > 0 and counts(change, demand, taken=taken))


def counts(change: Change, demand: Demand, *, taken: bool = False) -> bool:
    """Return whether a change is of the object and kind demanded; with `taken`, what was taken away, too.

    What a migration tool notes of itself counts where it is named alone: an application that migrates as it starts
    would write a row for every test.
    """
    if not demand.object and of_migrations(change):
        return False
    ignored = _NOT_KEPT if taken else _NOT_KEPT | _TAKEN_AWAY
    kind = change.kind == demand.kind if demand.kind else change.kind not in ignored
    return kind and (not demand.object or same_object(change, demand.object))


def of_migrations(change: Change) -> bool:
    """Return whether a change is in a migration tool's own table."""
    return change.kind in _TABLE and change.object.rpartition(".")[2].lower() in MIGRATIONS


def same_object(change: Change, name: str) -> bool:
    """Return whether a change is in the named object.

    The name is `table` or `schema.table` of a table, the whole name or a pattern such as `invoice:*` of anything else,
    each also as `store:name`. A table alone is the one in `public`, or in the database where that has no schemas: rows
    in a table of the same name elsewhere are in the wrong place, unless the name says so. Where several databases
    count, `database.table` and `database.schema.table` are of one of them.
    """
    for given in {name, name.removeprefix(f"{change.store}:")}:
        if change.kind in _TABLE:
            names = [known for known in (change.object, change.parent) if known]
            parts = [known.rpartition(".") for known in names]
            names += [table for place, _, table in parts if place in _usual(change)]
            if given in names or given in [f"{change.database}.{known}" for known in names]:
                return True
        elif given == change.object or fnmatchcase(change.object, given):
            return True
    return False


def _usual(change: Change) -> tuple[str, ...]:
    """Return the schemas that a table is in where nobody says which."""
    return ("", "public", change.database)


def told(changes: Iterable[Change]) -> str:
    """Return changes in words, summed: `2 inserts in public.operations, 1 update in public.accounts`."""
    sums: dict[tuple[str, str], int] = {}
    for change in changes:
        sums[(change.object, change.kind)] = sums.get((change.object, change.kind), 0) + change.count
    words = [f"{n:,} {kind}{'' if n == 1 else 's'} in {name}" for (name, kind), n in sorted(sums.items())]
    more = [f"and {len(words) - _TOLD:,} more"] if len(words) > _TOLD else []
    return ", ".join([*words[:_TOLD], *more])
