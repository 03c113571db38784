"""Every kind of store, PostgreSQL on the real server."""

from tests.support.stores import new_place, place, server, store

__all__ = ["new_place", "place", "server", "store"]
