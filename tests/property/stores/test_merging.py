"""Stores that take each other in hold the same in the end: in any order, however often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from tests.support.past_results import histories

from truegreen.model.incident import Incident
from truegreen.stores.sqlite_file import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from hypothesis import settings
    from tests.support.stores import Place

    from truegreen.model.results import RunResults
    from truegreen.stores.base import Store

    Examples = Callable[[int], settings]
    NewPlace = Callable[[], Place]

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


def held(store: Store) -> tuple[object, object]:
    """Return all that a store holds."""
    return sorted(store.runs(), key=lambda one: one.run.run), store.incidents()


def filled(new_place: NewPlace, content: Held) -> Store:
    """Return a store with this content."""
    store = new_place().open()
    store.merge(*content)
    return store


def joined(new_place: NewPlace, *stores: Store) -> tuple[object, object]:
    """Return what a new store holds after it took in these, in turn."""
    target = new_place().open()
    for store in stores:
        target.merge(store.runs(target.digests()), store.incidents())
    return held(target)


def test_merge_is_commutative_associative_and_idempotent(new_place: NewPlace, examples: Examples) -> None:
    @examples(10)
    @given(one=HELD, two=HELD, three=HELD)
    def holds(one: Held, two: Held, three: Held) -> None:
        a, b, c = (filled(new_place, content) for content in (one, two, three))
        together = joined(new_place, a, b, c)
        assert joined(new_place, c, a, b) == together
        assert joined(new_place, a, b, a, c, b, b) == together
        b.merge(c.runs(b.digests()), c.incidents())
        assert joined(new_place, a, b) == together
        assert joined(new_place, b, a) == together

    holds()


def test_merge_of_what_is_held_already_changes_nothing(new_place: NewPlace, examples: Examples) -> None:
    @examples(10)
    @given(content=HELD)
    def holds(content: Held) -> None:
        store = filled(new_place, content)
        before = held(store)
        assert store.merge(list(store.runs()), store.incidents()) == 0
        assert held(store) == before

    holds()


def test_copy_holds_what_the_store_holds(
    new_place: NewPlace, tmp_path_factory: pytest.TempPathFactory, examples: Examples
) -> None:
    @examples(10)
    @given(content=HELD)
    def holds(content: Held) -> None:
        store = filled(new_place, content)
        target = tmp_path_factory.mktemp("copies") / "copy.sqlite"
        store.copy(target)
        assert held(SqliteStore(target)) == held(store)

    holds()
