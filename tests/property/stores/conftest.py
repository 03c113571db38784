"""Every kind of store, PostgreSQL on the real server."""

from tests.support.stores import clickhouse, new_place, place, place_of, server, store

__all__ = ["clickhouse", "new_place", "place", "place_of", "server", "store"]
