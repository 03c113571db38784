"""AMQP 0-9-1 as RabbitMQ speaks it: queues, and messages that are fetched one by one."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from truegreen.runtime.wire.channel import Channel, Refused

_METHOD, _HEADER, _BODY, _HEARTBEAT, _END = 1, 2, 3, 8, b"\xce"
START, START_OK, TUNE, TUNE_OK, OPEN, OPEN_OK = (10, 10), (10, 11), (10, 30), (10, 31), (10, 40), (10, 41)
_CLOSE, _CHANNEL_CLOSE, _CHANNEL_CLOSE_OK = (10, 50), (20, 40), (20, 41)
_CHANNEL_OPEN, _CHANNEL_OPEN_OK = (20, 10), (20, 11)
_EXCHANGE, _EXCHANGE_OK = (40, 10), (40, 11)
_DECLARE, _DECLARE_OK, _BIND, _BIND_OK = (50, 10), (50, 11), (50, 20), (50, 21)
_GET, _GET_OK, _GET_EMPTY = (60, 70), (60, 71), (60, 72)
_PASSIVE, _EXCLUSIVE = 0b00001, 0b00100
_NUMBERS = dict(zip(b"tbBsuIilLfdTV", ("?", "b", "B", "h", "H", "i", "I", "q", "q", "f", "d", "Q", ""), strict=True))
"""Mark of a field → form of its number."""
_FIRST_PROPERTIES = (0x8000, 0x4000)
"""Content type and encoding, which lie before the headers."""
_HAS_HEADERS = 0x2000

_Method = tuple[int, int]


class Message(NamedTuple):
    """A message that was fetched."""

    routing_key: str
    headers: dict[str, Any]


class Amqp(Channel):
    """One connection with as many channels as are opened."""

    def __init__(self, host: str, port: int, *, user: str, password: str, vhost: str, **limits: Any) -> None:
        """Connect, log in, and open a virtual host.

        Args:
            host: name or address.
            port: of TCP.
            user: name of the user.
            password: the user's.
            vhost: one that must be there.
            limits: those of `Channel`.

        Raises:
            OSError: nobody answers there.
            Refused: the server does not let us in.
        """
        super().__init__(host, port, **limits)
        with self.logging_in():
            self.about = self._login(user, password, vhost)  # a table, with what comes before and behind it

    def _login(self, user: str, password: str, vhost: str) -> bytes:
        self.send(b"AMQP\x00\x00\x09\x01")
        told = self.expect(START)
        about = short("capabilities") + b"F" + long(short("authentication_failure_close") + b"t\x01")
        secret = f"\0{user}\0{password}".encode()
        self.method(0, START_OK, long(about) + short("PLAIN") + long(secret) + short("en_US"))
        limits = self.expect(TUNE)
        self.method(0, TUNE_OK, limits[:6] + b"\0\0")  # the server's limits, no heartbeat
        self.method(0, OPEN, short(vhost) + b"\0\0")
        self.expect(OPEN_OK)
        return told

    def channel(self, number: int) -> None:
        """Open a channel."""
        self.call(number, _CHANNEL_OPEN, b"\0", _CHANNEL_OPEN_OK)

    def exchange(self, channel: int, name: str, kind: str) -> None:
        """See that an exchange is there.

        Raises:
            Refused: it is not, or of another kind.
        """
        arguments = b"\0\0" + short(name) + short(kind) + bytes([_PASSIVE]) + long(b"")
        self.call(channel, _EXCHANGE, arguments, _EXCHANGE_OK)

    def end(self) -> None:
        """Say that nothing more will come."""
        self.method(0, _CLOSE, b"\0\0" + short("") + b"\0" * 4)

    def queue(self, channel: int) -> str:
        """Make a queue of our own, which ends with the connection; return its name."""
        body = self.call(channel, _DECLARE, b"\0\0" + short("") + bytes([_EXCLUSIVE]) + long(b""), _DECLARE_OK)
        return body[1 : 1 + body[0]].decode()

    def bind(self, channel: int, queue: str, exchange: str, key: str) -> None:
        """Have what an exchange gets under a key come into a queue."""
        self.call(channel, _BIND, b"\0\0" + short(queue) + short(exchange) + short(key) + b"\0" + long(b""), _BIND_OK)

    def waiting(self, channel: int, queue: str) -> int:
        """Return how many messages wait in a queue.

        Raises:
            Refused: there is none, or somebody else has it for himself; the channel is closed by that.
        """
        arguments = b"\0\0" + short(queue) + bytes([_PASSIVE]) + long(b"")
        body = self.call(channel, _DECLARE, arguments, _DECLARE_OK)
        return int(struct.unpack_from("!I", body, 1 + body[0])[0])

    def fetch(self, channel: int, queue: str, number: int) -> list[Message]:
        """Fetch messages for good; fewer when there are not so many."""
        for _ in range(number):
            self.method(channel, _GET, b"\0\0" + short(queue) + b"\x01")
        found = (self._fetched() for _ in range(number))
        return [message for message in found if message is not None]

    def call(self, channel: int, method: _Method, arguments: bytes, answer: _Method) -> bytes:
        """Send a method and return the arguments of its answer."""
        self.method(channel, method, arguments)
        return self.expect(answer)

    def method(self, channel: int, method: _Method, arguments: bytes) -> None:
        """Send a method."""
        self.frame(_METHOD, channel, struct.pack("!HH", *method) + arguments)

    def frame(self, kind: int, channel: int, body: bytes) -> None:
        """Send a frame."""
        self.send(struct.pack("!BHI", kind, channel, len(body)) + body + _END)

    def expect(self, *methods: _Method) -> bytes:
        """Return the arguments of the method that must come next.

        Raises:
            Refused: it is the end of the channel, or of the connection; the text is the server's.
        """
        kind, channel, body = self._next()
        found = struct.unpack_from("!HH", body)
        if kind == _METHOD and found in (_CLOSE, _CHANNEL_CLOSE):
            if found == _CHANNEL_CLOSE:
                self.method(channel, _CHANNEL_CLOSE_OK, b"")
            raise Refused(body[7 : 7 + body[6]].decode("utf-8", "replace"))
        if kind != _METHOD or found not in methods:
            raise ValueError(f"method {found} of AMQP instead of one of {methods}")
        return body[4:] if len(methods) == 1 else body

    def _fetched(self) -> Message | None:
        body = self.expect(_GET_OK, _GET_EMPTY)
        if struct.unpack_from("!HH", body) == _GET_EMPTY:
            return None
        offset = 13  # method, delivery tag, redelivered
        offset += 1 + body[offset]  # exchange
        key = body[offset + 1 : offset + 1 + body[offset]].decode("utf-8", "replace")
        _, _, head = self._next()
        size, flags = struct.unpack_from("!QH", head, 4)
        while size > 0:
            size -= len(self._next()[2])
        return Message(key, _headers(head, flags))

    def _next(self) -> tuple[int, int, bytes]:
        while True:
            kind, channel, size = struct.unpack("!BHI", self.exactly(7))
            body = self.exactly(size)
            if self.exactly(1) != _END:
                raise ValueError("a frame of AMQP without end")
            if kind != _HEARTBEAT:
                return kind, channel, body


def short(text: str) -> bytes:
    """Return a short string."""
    return bytes([len(text.encode())]) + text.encode()


def long(data: bytes) -> bytes:
    """Return a long string, or a table."""
    return struct.pack("!I", len(data)) + data


def _headers(head: bytes, flags: int) -> dict[str, Any]:
    offset = 14
    for flag in _FIRST_PROPERTIES:
        if flags & flag:
            offset += 1 + head[offset]
    return _table(head, offset)[0] if flags & _HAS_HEADERS else {}


def _table(data: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Return a table, and the offset behind it."""
    end = offset + 4 + struct.unpack_from("!I", data, offset)[0]
    offset += 4
    found: dict[str, Any] = {}
    while offset < end:
        name = data[offset + 1 : offset + 1 + data[offset]].decode("utf-8", "replace")
        found[name], offset = _value(data, offset + 1 + data[offset])
    return found, end


def _value(data: bytes, offset: int) -> tuple[Any, int]:
    """Return a field's value, and the offset behind it."""
    mark, offset = data[offset], offset + 1
    if (form := _NUMBERS.get(mark)) is not None:
        numbers = struct.unpack_from(f"!{form}", data, offset)
        return numbers[0] if numbers else None, offset + struct.calcsize(f"!{form}")
    if mark == ord("D"):
        return None, offset + 5
    if mark == ord("F"):
        return _table(data, offset)
    end = offset + 4 + struct.unpack_from("!I", data, offset)[0]
    if mark in b"Sx":
        return data[offset + 4 : end].decode("utf-8", "replace"), end
    if mark != ord("A"):
        raise ValueError(f"a field of AMQP of type {chr(mark)!r}")
    values, offset = [], offset + 4
    while offset < end:
        value, offset = _value(data, offset)
        values.append(value)
    return values, end
