"""Stores that take each other in hold the same in the end: in any order, however often."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.past_results import histories

from truegreen.model.incident import Incident
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from truegreen.model.results import RunResults

_INCIDENTS = st.lists(
    st.builds(
        Incident,
        key=st.sampled_from(["o/r:main", "o/r:dev"]),
        open=st.booleans(),
        updated_at=st.sampled_from(["", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"]),
        red_runs=st.integers(0, 2),
    ),
    max_size=3,
)
Held = tuple[list["RunResults"], list[Incident]]
HELD = st.tuples(histories, _INCIDENTS)


def held(store: SqliteStore) -> tuple[object, object]:
    """Return all that a store holds."""
    return sorted(store.runs(), key=lambda one: one.run.run), store.incidents()


def filled(folder: str, name: str, content: Held) -> SqliteStore:
    """Return a store with this content."""
    store = SqliteStore(Path(folder) / name)
    store.merge(*content)
    return store


def joined(folder: str, name: str, *stores: SqliteStore) -> tuple[object, object]:
    """Return what a new store holds after it took in these, in turn."""
    target = SqliteStore(Path(folder) / name)
    for store in stores:
        target.merge(store.runs(target.digests()), store.incidents())
    return held(target)


@settings(max_examples=10, deadline=None)
@given(HELD, HELD, HELD)
def test_merge_is_commutative_associative_and_idempotent(one: Held, two: Held, three: Held) -> None:
    with tempfile.TemporaryDirectory() as folder:
        a, b, c = (filled(folder, name, content) for name, content in zip("abc", (one, two, three), strict=True))
        together = joined(folder, "abc", a, b, c)
        assert joined(folder, "cab", c, a, b) == together
        assert joined(folder, "abacbb", a, b, a, c, b, b) == together
        b.merge(c.runs(b.digests()), c.incidents())
        assert joined(folder, "a_bc", a, b) == together
        assert joined(folder, "bc_a", b, a) == together


@settings(max_examples=10, deadline=None)
@given(HELD)
def test_merge_of_what_is_held_already_changes_nothing(content: Held) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = filled(folder, "a", content)
        before = held(store)
        assert store.merge(list(store.runs()), store.incidents()) == 0
        assert held(store) == before
