"""A producer of Kafka, with and without transactions: as much of it as tests of the observer need."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from truegreen.runtime.wire.kafka import Kafka, Partition

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRODUCE, _COORDINATOR, _CREATE, _DELETE, _INIT, _ADD, _END = 0, 10, 19, 20, 22, 24, 26
_AGAIN = (14, 15, 16, 51)  # a coordinator that loads, is not there yet, or still ends the last transaction
_SETTLE_S = 10.0
_TRANSACTIONAL = 0x10


class Producer(Kafka):
    """One connection to the only broker."""

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic, and wait until the broker takes records for it: it answers before that."""
        body = struct.pack("!i", 1) + _text(topic) + struct.pack("!ihiiib", partitions, 1, 0, 0, 9000, 0)
        answer = self._ask(_CREATE, 2, body)
        answer.number("i")
        errors = answer.array(lambda read: (read.text(), read.number("h"), read.text())[1])
        assert errors == [0], errors
        wanted = [Partition(topic, number) for number in range(partitions)]
        deadline = time.monotonic() + _SETTLE_S
        while len(self.ends(wanted)) < partitions:
            assert time.monotonic() < deadline, f"{topic} is made, but takes no records"

    def delete(self, topic: str) -> None:
        self._ask(_DELETE, 1, struct.pack("!i", 1) + _text(topic) + struct.pack("!i", 9000))

    def begin(self, name: str) -> tuple[int, int]:
        """Return producer and epoch of a transactional producer."""
        while True:
            self._ask(_COORDINATOR, 1, _text(name) + b"\x01")  # who asks first has the broker make its own topic
            answer = self._ask(_INIT, 0, _text(name) + struct.pack("!i", 60_000))
            answer.number("i")
            error = answer.number("h")
            if error not in _AGAIN:
                assert error == 0, error
                return answer.number("q"), answer.number("h")

    def add(self, name: str, who: tuple[int, int], topic: str, partition: int = 0) -> None:
        head = _text(name) + struct.pack("!qhi", *who, 1) + _text(topic) + struct.pack("!ii", 1, partition)
        while True:
            answer = self._ask(_ADD, 0, head)
            answer.number("i")
            ((error,),) = answer.array(lambda read: (read.text(), read.array(_error))[1])
            if error not in _AGAIN:
                assert error == 0, error
                return

    def end(self, name: str, who: tuple[int, int], *, commit: bool) -> None:
        while True:
            answer = self._ask(_END, 0, _text(name) + struct.pack("!qhb", *who, commit))
            answer.number("i")
            error = answer.number("h")
            if error not in _AGAIN:
                assert error == 0, error
                return

    def publish(
        self,
        topic: str,
        values: Iterable[bytes],
        partition: int = 0,
        *,
        name: str = "",
        who: tuple[int, int] = (-1, -1),
        sequence: int = -1,
    ) -> int:
        """Send records as one batch; return the broker's error."""
        records = _batch(list(values), who, sequence, _TRANSACTIONAL if name else 0)
        head = (_text(name) if name else struct.pack("!h", -1)) + struct.pack("!hii", -1, 9000, 1) + _text(topic)
        answer = self._ask(_PRODUCE, 3, head + struct.pack("!iii", 1, partition, len(records)) + records)
        ((error,),) = answer.array(lambda read: (read.text(), read.array(_produced))[1])
        return error


def _error(read) -> int:
    read.number("i")
    return read.number("h")


def _produced(read) -> int:
    error = _error(read)
    read.number("q"), read.number("q")
    return error


def _text(text: str) -> bytes:
    return struct.pack("!h", len(text)) + text.encode()


def _batch(values: list[bytes], who: tuple[int, int], sequence: int, flags: int) -> bytes:
    records = b"".join(_record(number, value) for number, value in enumerate(values))
    last = len(values) - 1
    body = struct.pack("!hiqqqhii", flags, last, 0, 0, *who, sequence, len(values)) + records
    return struct.pack("!qiibI", 0, len(body) + 9, -1, 2, _crc32c(body)) + body


def _record(number: int, value: bytes) -> bytes:
    body = b"\0" + _varint(0) + _varint(number) + _varint(-1) + _varint(len(value)) + value + _varint(0)
    return _varint(len(body)) + body


def _varint(value: int) -> bytes:
    value = value << 1 ^ value >> 63
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)
    return crc ^ 0xFFFFFFFF
