"""Which databases are copies of an application's own, made for its tests."""

from __future__ import annotations

_DIGIT = "[0-9a-f]"
_MADE_FOR_TESTS = ("test", "test[_0-9-]*", "gw[0-9]*", "worker[_0-9]*", "[0-9]*", "tmp*", f"{_DIGIT * 8}*")
"""What tools and teams put behind a database's name: any other word may be of another part of the application."""


def of(own: str) -> tuple[str, ...]:
    """Return patterns of a database and of the copies that tests make of it.

    Args:
        own: name of the application's database.
    """
    names = (own, f"test_{own}")
    return (*names, *(f"{name}_{ending}" for name in names for ending in _MADE_FOR_TESTS))
