"""Balances in Redis."""

from __future__ import annotations

from redis.asyncio import Redis

TTL_S = 3600


class RedisCache:
    """One key an account, forgotten after an hour."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def get(self, account: str) -> int | None:
        """Return a cached balance, or None."""
        value = await self._client.get(_key(account))
        return None if value is None else int(value)

    async def put(self, account: str, balance_cents: int) -> None:
        """Cache a balance."""
        await self._client.set(_key(account), balance_cents, ex=TTL_S)


def _key(account: str) -> str:
    return f"ledger:balance:{account}"
