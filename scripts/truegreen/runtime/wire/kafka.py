"""The protocol of Kafka: which partitions there are, how far they are committed, and the heads of their batches.

Layouts are those of Kafka's protocol guide, in versions that brokers from 0.11 to 4 speak.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from truegreen.runtime.wire.channel import Channel, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_FETCH, _LIST_OFFSETS, _METADATA = 1, 2, 3
_CLIENT = b"truegreen"
_COMMITTED, _LATEST = 1, -1
_BATCH = struct.Struct("!qiibIhiqqqhii")
_TRANSACTIONAL, _CONTROL = 0x10, 0x20
_FETCH_BYTES, _WAIT_MS = 8 << 20, 100
_ERRORS = {1: "the records are gone", 3: "there is no such topic or partition", 6: "another broker leads it"}
_Read = TypeVar("_Read")


class Partition(NamedTuple):
    """One part of a topic."""

    topic: str
    number: int


class Batch(NamedTuple):
    """The head of what a producer sent at once."""

    first: int
    """Offset of its first record."""
    end: int
    """Offset behind its last record."""
    producer: int
    records: int
    transactional: bool
    control: bool
    """True for a marker with which a transaction ended, which is no record of anybody."""


class Aborted(NamedTuple):
    """A transaction that was aborted: what its producer wrote from an offset on, until its end marker."""

    producer: int
    first: int


class Kafka(Channel):
    """One connection to one broker."""

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            OSError: nobody answers there.
        """
        super().__init__(host, port)
        self._number = 0

    def partitions(self) -> tuple[dict[int, tuple[str, int]], dict[Partition, int]]:
        """Return the address of each broker, and the broker that leads each partition; internal topics are left out."""
        answer = self._ask(_METADATA, 1, struct.pack("!i", -1))
        brokers = {node: (host, port) for node, host, port in answer.array(_broker)}
        answer.number("i")  # the controller
        leaders: dict[Partition, int] = {}
        for topic, internal, found in answer.array(_topic):
            leaders.update({} if internal else {Partition(topic, number): leader for number, leader in found})
        return brokers, leaders

    def ends(self, partitions: Iterable[Partition], *, committed: bool = True) -> dict[Partition, int]:
        """Return the offset behind the last record of each partition that is there.

        Args:
            partitions: those that this broker leads.
            committed: whether to stop where a transaction is still open.
        """
        wanted = _by_topic(partitions, lambda one: struct.pack("!iq", one.number, _LATEST))
        body = struct.pack("!ib", -1, _COMMITTED if committed else 0) + wanted
        answer = self._ask(_LIST_OFFSETS, 2, body)
        answer.number("i")  # throttled
        found: dict[Partition, int] = {}
        for topic, ends in answer.array(lambda read: (read.text(), read.array(_end))):
            found.update({Partition(topic, number): end for number, error, end in ends if not error})
        return found

    def fetch(self, partition: Partition, offset: int) -> tuple[list[Batch], list[Aborted]]:
        """Return the batches of a partition from an offset on, and the transactions among them that were aborted."""
        head = struct.pack("!iiiib", -1, _WAIT_MS, 1, _FETCH_BYTES, _COMMITTED)
        answer = self._ask(
            _FETCH, 4, head + _by_topic([partition], lambda one: struct.pack("!iqi", one.number, offset, _FETCH_BYTES))
        )
        answer.number("i")  # throttled
        ((_, ((error, aborted, records),)),) = answer.array(lambda read: (read.text(), read.array(_fetched)))
        if error:
            raise Refused(_ERRORS.get(error, f"error {error} of Kafka"))
        return list(_batches(records)), aborted

    def _ask(self, key: int, version: int, body: bytes) -> _Answer:
        self._number += 1
        head = struct.pack("!hhih", key, version, self._number, len(_CLIENT)) + _CLIENT
        self.send(struct.pack("!i", len(head) + len(body)) + head + body)
        (size,) = struct.unpack("!i", self.exactly(4))
        answer = _Answer(self.exactly(size))
        if answer.number("i") != self._number:
            raise ValueError("an answer of Kafka to something else")
        return answer


class _Answer:
    """Reads an answer from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"!{form}", self._data, self._offset)
        self._offset += struct.calcsize(f"!{form}")
        return int(value)

    def raw(self, form: str = "h") -> bytes:
        size = max(self.number(form), 0)
        self._offset += size
        return self._data[self._offset - size : self._offset]

    def text(self) -> str:
        return self.raw().decode("utf-8", "replace")

    def array(self, read: Callable[[_Answer], _Read]) -> list[_Read]:
        return [read(self) for _ in range(max(self.number("i"), 0))]


def _broker(read: _Answer) -> tuple[int, str, int]:
    found = read.number("i"), read.text(), read.number("i")
    read.raw()  # rack
    return found


def _topic(read: _Answer) -> tuple[str, bool, list[tuple[int, int]]]:
    read.number("h")  # error
    return read.text(), bool(read.number("b")), read.array(_led)


def _led(read: _Answer) -> tuple[int, int]:
    read.number("h")  # error
    found = read.number("i"), read.number("i")
    for _ in ("replicas", "in sync"):
        read.array(lambda one: one.number("i"))
    return found


def _end(read: _Answer) -> tuple[int, int, int]:
    number, error = read.number("i"), read.number("h")
    read.number("q")  # time
    return number, error, read.number("q")


def _fetched(read: _Answer) -> tuple[int, list[Aborted], bytes]:
    read.number("i")  # partition
    error = read.number("h")
    read.number("q"), read.number("q")  # high watermark, last stable offset
    aborted = read.array(lambda one: Aborted(one.number("q"), one.number("q")))
    return error, aborted, read.raw("i")


def _by_topic(partitions: Iterable[Partition], write: Callable[[Partition], bytes]) -> bytes:
    topics: dict[str, list[bytes]] = {}
    for partition in partitions:
        topics.setdefault(partition.topic, []).append(write(partition))
    parts = [struct.pack("!i", len(topics))]
    for topic, written in topics.items():
        parts += [struct.pack("!h", len(topic.encode())), topic.encode(), struct.pack("!i", len(written)), *written]
    return b"".join(parts)


def _batches(data: bytes) -> Iterable[Batch]:
    offset = 0
    while offset + _BATCH.size <= len(data):
        first, size, _, magic, _, flags, last, _, _, producer, _, _, records = _BATCH.unpack_from(data, offset)
        if magic != 2:  # noqa: PLR2004 - the format since 0.11
            raise ValueError(f"records of Kafka in format {magic}, which is not read")
        if offset + 12 + size > len(data):  # the last one may be cut
            return
        yield Batch(first, first + last + 1, producer, records, bool(flags & _TRANSACTIONAL), bool(flags & _CONTROL))
        offset += 12 + size
