"""What observers count, as changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.model.persistence import Change

if TYPE_CHECKING:
    from collections import Counter

LIMIT = 10_000
"""How many objects a phase names; what else it touched is one sum."""
OTHERS = "(others)"
_NAME_CHARACTERS = 500
"""How much of a name is kept: a key may be half a gigabyte long."""


def listed(store: str, counts: Counter[tuple[str, str, str]]) -> tuple[Change, ...]:
    """Return changes from counts by (database, object, kind); objects beyond the limit are summed."""
    ordered = sorted(counts.items())
    sums: dict[tuple[str, str], int] = {}
    for (database, _, kind), count in ordered[LIMIT:]:
        sums[database, kind] = sums.get((database, kind), 0) + count
    rest = [((database, OTHERS, kind), count) for (database, kind), count in sums.items()]
    return tuple(
        Change(store=store, database=database, object=name[:_NAME_CHARACTERS], kind=kind, count=count)
        for (database, name, kind), count in [*ordered[:LIMIT], *rest]
    )
