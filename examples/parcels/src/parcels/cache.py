"""States in Redis."""

from __future__ import annotations

from redis import Redis

TTL_S = 600


class RedisStates:
    """One key a parcel, forgotten after ten minutes."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self, parcel: str) -> str | None:
        """Return a state, or None."""
        value = self._client.get(f"parcels:state:{parcel}")
        return None if value is None else value.decode()

    def put(self, parcel: str, state: str) -> None:
        """Keep a state for a while."""
        self._client.set(f"parcels:state:{parcel}", state, ex=TTL_S)
