"""Queues over Redis streams, read by a group: what nobody acknowledged is delivered again."""

from __future__ import annotations

import contextlib

from redis import Redis
from redis.exceptions import ResponseError

from parcels.ports import Message

SCANS = "parcels:scans"
ANNOUNCEMENTS = "parcels:announcements"
_GROUP = "workers"
_CONSUMER = "worker"


class RedisQueue:
    """One stream, and the group that reads it."""

    def __init__(self, client: Redis, stream: str) -> None:
        self._client = client
        self._stream = stream
        with contextlib.suppress(ResponseError):  # the group is there already
            client.xgroup_create(stream, _GROUP, id="0", mkstream=True)

    def publish(self, body: bytes) -> None:
        """Add an entry."""
        self._client.xadd(self._stream, {"body": body})

    def read(self, most: int, wait_s: float) -> list[Message]:
        """Return entries that nobody acknowledged, waiting for new ones."""
        known = self._read("0", most, None)
        return known or self._read(">", most, max(1, int(wait_s * 1000)))

    def acknowledge(self, message: Message) -> None:
        """Say that an entry is done with."""
        self._client.xack(self._stream, _GROUP, message.id)

    def _read(self, after: str, most: int, wait_ms: int | None) -> list[Message]:
        found = self._client.xreadgroup(_GROUP, _CONSUMER, {self._stream: after}, count=most, block=wait_ms)
        return [Message(key.decode(), values[b"body"]) for _, entries in found or () for key, values in entries]
