"""Every kind of store, the servers' on the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from tests.support.stores import KINDS, clickhouse, place, place_of, server, store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stores import Place

__all__ = ["clickhouse", "place", "place_of", "server", "store"]


@pytest.fixture(scope="session", params=KINDS)
def new_place(request: pytest.FixtureRequest, place_of: Callable[..., Place]) -> Callable[[], Place]:
    """Return a maker of empty places, for each kind of store; a property needs many."""
    return lambda: place_of(request.param, together=True)


@pytest.fixture
def examples(new_place: Callable[[], Place]) -> Callable[[int], settings]:
    """Return a maker of settings with so many examples; a server takes ten times as long for each, and gets a third."""
    kind = new_place().kind
    return lambda number: settings(max_examples=number if kind == "sqlite" else -(-number // 3), deadline=None)
