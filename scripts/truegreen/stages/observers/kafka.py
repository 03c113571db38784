"""Kafka: how far its partitions are committed, and whose records lie between."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.kafka import Aborted, Batch, Kafka, Partition
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle


_SETTLE_S, _POLL_S = 1.0, 0.005
"""A commit is acknowledged before its markers are in the partitions: where a transaction is open, it gets this time."""


class _Moment(msgspec.Struct, frozen=True):
    """A position: the offset behind the last committed record of each partition, and who leads it."""

    ends: dict[Partition, int]
    leaders: dict[Partition, int]


class KafkaObserver:
    """Records that readers of committed data see.

    - **store**: Kafka
    - **technique**: last stable offsets of all partitions at two positions (`read_committed`), and the heads of the
      batches between them
    - **counts**: records of every topic, as kind `message`, by the topic's name; those of a transaction when it is
      committed; of a topic made meanwhile all the same
    - **does not count**: an aborted or open transaction, the markers that end one, what a retry of an idempotent
      producer sent twice, internal topics; a topic that was deleted meanwhile kept nothing
    - **verified against**: Kafka 4.1.0 (Maven Central), one broker without authentication
    """

    kind: ClassVar[str] = "kafka"
    durable: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("message",)
    tier: str = "A: committed offsets and batches"
    version: str = ""

    def __init__(self, server: ServiceHandle) -> None:
        self._server = server
        self._brokers: dict[int, Kafka] = {}
        try:
            self._any = Kafka(server.host, server.port)
            self.position()
        except (OSError, ValueError, LookupError, Refused) as error:
            raise ServiceNotReady(
                "the topics of Kafka cannot be observed",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix="the recorder needs a listener without encryption or authentication, and brokers from 0.11 on",
            ) from None

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return nothing: a cluster has no databases."""
        del server
        return ()

    def position(self) -> _Moment:
        """Return how far each partition is committed."""
        brokers, leaders = self._any.partitions()
        for node in set(leaders.values()) - self._brokers.keys():
            if node in brokers:
                self._brokers[node] = Kafka(*brokers[node])
        deadline = time.monotonic() + _SETTLE_S
        while True:
            ends = self._ends(leaders, committed=True)
            if ends == self._ends(leaders, committed=False) or time.monotonic() > deadline:
                return _Moment(ends, leaders)
            time.sleep(_POLL_S)

    def between(self, start: _Moment, end: _Moment) -> Window:
        """Return the records committed between two positions."""
        kept: Counter[tuple[str, str, str]] = Counter()
        for partition, now in end.ends.items():
            then = start.ends.get(partition, 0)
            if then > now:  # made anew under its old name
                then = 0
            if now > then and (records := self._records(partition, then, now, end.leaders[partition])):
                kept["", partition.topic, "message"] += records
        return Window(listed(self._server.name, kept))

    def _ends(self, leaders: dict[Partition, int], *, committed: bool) -> dict[Partition, int]:
        found: dict[Partition, int] = {}
        for node, broker in self._brokers.items():
            if mine := [partition for partition, leader in leaders.items() if leader == node]:
                found.update(broker.ends(mine, committed=committed))
        return found

    def close(self) -> None:
        """Hang up."""
        for broker in (self._any, *self._brokers.values()):
            with contextlib.suppress(OSError):
                broker.close()

    def _records(self, partition: Partition, start: int, end: int, leader: int) -> int:
        """Return how many committed records lie between two offsets."""
        count, offset = 0, start
        ended: set[Aborted] = set()
        while offset < end:
            batches, aborted = self._brokers[leader].fetch(partition, offset)
            if not batches:
                raise ValueError(f"records of {partition.topic} are gone")
            for batch in batches:
                if batch.first >= end:
                    return count
                count += 0 if batch.control else _committed(batch, aborted, ended)
                if batch.control:
                    ended.update(one for one in aborted if one.producer == batch.producer and one.first < batch.first)
                offset = max(offset, batch.end)
        return count


def _committed(batch: Batch, aborted: list[Aborted], ended: set[Aborted]) -> int:
    """Return how many records of a batch count; none where its transaction was aborted."""
    if batch.transactional and any(
        one.producer == batch.producer and one.first <= batch.first and one not in ended for one in aborted
    ):
        return 0
    return batch.records
