"""RabbitMQ: what the broker itself tells of every message (its firehose tracer)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, unquote, urlsplit

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.runtime.wire.amqp import Amqp
from truegreen.runtime.wire.channel import Refused
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

_API = "RABBITMQ_API_URL"
_API_PORT = 15672
_TIMEOUT_S = 5.0
_SETTLE_S = 0.005
"""A publisher without confirms does not know when the broker has its message; neither do we."""
_TRACES, _COUNTS = 1, 2
"""Channels: one that lasts, and one that ends with each queue that is gone."""
_PERSISTENT = 2
_QUORUM, _STREAM = "quorum", "stream"
"""Types of queues that keep everything they get; how much a stream holds, its declaration does not tell."""


class _Moment(msgspec.Struct, frozen=True):
    """A position: what was traced since the one before, and how many messages wait now."""

    number: int
    published: Counter[tuple[str, bool]]
    """By queue, and whether the message was marked persistent."""
    delivered: Counter[str]
    waiting: dict[str, int]


class RabbitMqObserver:
    """Messages that came into a queue and were kept there.

    - **store**: RabbitMQ
    - **technique**: the broker's tracer (every message with the queues it was routed to), held against the numbers of
      messages that wait and that were delivered
    - **counts**: a persistent message in a durable, quorum or stream queue, as kind `message`, by the queue's name;
      consumed since, all the same
    - **does not count**: an unroutable message, which the broker confirms all the same; one in a transaction that was
      rolled back (except in a stream); in another virtual host; purged or expired before the phase ended; one that
      would not survive a restart (not persistent, or the queue is not durable) has kind `transient-message`, which
      only `persists(kind="transient-message")` accepts
    - **verified against**: RabbitMQ 3.10.8 (Debian)
    """

    kind: ClassVar[str] = "rabbitmq"
    durable: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("message", "transient-message")
    tier: str = "A: traced messages, held against the queues' numbers"

    def __init__(self, server: ServiceHandle) -> None:
        self._server = server
        self._vhost = server.database or "/"
        self._number = 0
        try:
            self.version = str(self._api("GET", "/overview")["rabbitmq_version"])
            self._tracing = bool(self._api("GET", self._place())["tracing"])
            self._api("PUT", self._place(), {"tracing": True})
            self._amqp = Amqp(server.host, server.port, user=server.user, password=server.password, vhost=self._vhost)
            for channel in (_TRACES, _COUNTS):
                self._amqp.channel(channel)
            self._queue = self._amqp.queue(_TRACES)
            for key in ("publish.#", "deliver.#"):
                self._amqp.bind(_TRACES, self._queue, "amq.rabbitmq.trace", key)
            self._kept = self._queues()
            self.position()
        except (OSError, ValueError, LookupError, Refused, msgspec.MsgspecError, http.client.HTTPException) as error:
            raise ServiceNotReady(
                "the messages of RabbitMQ cannot be traced",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix=f"the recorder needs the management plugin (its address in {_API}, else port {_API_PORT}) and a "
                "user with the tag administrator",
            ) from None

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return nothing: only the service's own virtual host is traced."""
        del server
        return ()

    def position(self) -> _Moment:
        """Return the moment now, with all that was traced since the last one."""
        time.sleep(_SETTLE_S)
        published: Counter[tuple[str, bool]] = Counter()
        delivered: Counter[str] = Counter()
        while number := self._amqp.waiting(_TRACES, self._queue):
            for message in self._amqp.fetch(_TRACES, self._queue, number):
                word, _, name = message.routing_key.partition(".")
                if word == "deliver":
                    delivered[name] += not message.headers.get("redelivered")
                    continue
                persistent = (message.headers.get("properties") or {}).get("delivery_mode") == _PERSISTENT
                published.update((queue, persistent) for queue in message.headers.get("routed_queues") or ())
        if published:
            self._kept = self._queues()
        self._number += 1
        return _Moment(self._number, published, delivered, self._waiting())

    def between(self, start: _Moment, end: _Moment) -> Window:
        """Return the messages kept between two consecutive positions."""
        if end.number != start.number + 1:
            raise ValueError("positions that are not consecutive")
        kept: Counter[tuple[str, str, str]] = Counter()
        for queue in {name for name, _ in end.published} & end.waiting.keys():
            # The tracer tells of messages that a transaction then rolled back; they never come into the queue.
            there = end.waiting[queue] - start.waiting.get(queue, 0) + end.delivered[queue]
            sort = self._kept.get(queue, "")
            for persistent in (False, True):
                published = end.published[queue, persistent]
                number = published if sort == _STREAM else max(min(published, there), 0)
                there -= number
                word = "message" if sort in (_QUORUM, _STREAM) or (persistent and sort) else "transient-message"
                if number:
                    kept["", queue, word] += number
        return Window(listed(self._server.name, kept))

    def close(self) -> None:
        """Hang up, and have the broker trace no longer."""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            if not self._tracing:
                self._api("PUT", self._place(), {"tracing": False})
        with contextlib.suppress(OSError):
            self._amqp.close()

    def _waiting(self) -> dict[str, int]:
        """Return how many messages wait in each queue that is there."""
        found = {}
        for name in list(self._kept):
            try:
                found[name] = self._amqp.waiting(_COUNTS, name)
            except Refused:  # it went, or is the private one of another connection
                self._amqp.channel(_COUNTS)
        return found

    def _queues(self) -> dict[str, str]:
        """Return the type of each queue that survives a restart; empty for those that do not."""
        rows = self._api("GET", f"/queues/{quote(self._vhost, safe='')}?columns=name,durable,type,exclusive")
        return {
            row["name"]: str(row.get("type") or "classic") if row["durable"] else ""
            for row in rows
            if not row.get("exclusive")  # nobody else may look into it, and it ends with its connection
        }

    def _place(self) -> str:
        return f"/vhosts/{quote(self._vhost, safe='')}"

    def _api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the management interface."""
        server = self._server
        place = urlsplit(server.exports.get(_API, f"http://{server.host}:{_API_PORT}"))
        user = unquote(place.username or server.user), unquote(place.password or server.password)
        secret = base64.b64encode(":".join(user).encode()).decode()
        connection = http.client.HTTPConnection(place.hostname or server.host, place.port, timeout=_TIMEOUT_S)
        try:
            headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/json"}
            path = f"{place.path.rstrip('/').removesuffix('/api')}/api{path}"
            connection.request(method, path, msgspec.json.encode(body) if body else None, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise ValueError(f"{method} {path}: HTTP {answer.status}")
        return msgspec.json.decode(text) if text else None
