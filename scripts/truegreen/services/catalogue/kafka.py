"""Kafka."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar

from truegreen.services import wire
from truegreen.services.base import Access, NotReady, Server

if TYPE_CHECKING:
    import socket

_METADATA, _VERSIONS = 3, 18
_CLIENT = b"probe"


class Kafka(Server):
    """Kafka as one node with transactions: image `apache/kafka`."""

    kind: ClassVar[str] = "kafka"
    image: ClassVar[str] = "apache/kafka:{version}"
    version: ClassVar[str] = "4.1.0"
    verified: ClassVar[str] = "Kafka 4.1"
    scheme: ClassVar[str] = "kafka"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 9092
    defaults: ClassVar[Access] = Access(port=9092)
    exports: ClassVar[dict[str, str]] = {"KAFKA_BOOTSTRAP_SERVERS": "address"}

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the settings of one node; it tells its clients the address on the host.

        The image drops all of its own settings as soon as one is given, so all are.
        """
        return {
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_LISTENERS": f"PLAINTEXT://:{self.port},CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{access.host}:{access.port}",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        }

    def probe(self, access: Access) -> str:
        """Ask for the cluster's brokers, one of which must lead it; returns the level of its metadata.

        A broker does not tell its version: the level of `metadata.version` is what the protocol offers.
        """
        with wire.connection(access) as sock:
            # Version 3 of ApiVersions names the finalised features; its header and body are the flexible ones.
            about = _ask(sock, _VERSIONS, 3, b"\0" + _compact(_CLIENT) + _compact(b"1") + b"\0")
            # Version 1 of Metadata with no topics: the brokers and the controller alone.
            brokers = _ask(sock, _METADATA, 1, struct.pack("!i", 0))
        count, controller = _cluster(brokers)
        if not count or controller < 0:
            raise NotReady(f"{count} broker(s), and none of them leads the cluster")
        return f"metadata {_level(about)}"


def _ask(sock: socket.socket, key: int, version: int, rest: bytes) -> bytes:
    """Return the answer to a request, its correlation id checked and removed."""
    body = struct.pack("!hhih", key, version, 1, len(_CLIENT)) + _CLIENT + rest
    sock.sendall(struct.pack("!i", len(body)) + body)
    answer = wire.read_exactly(sock, struct.unpack("!i", wire.read_exactly(sock, 4))[0])
    if struct.unpack("!i", answer[:4])[0] != 1:
        raise ValueError("an answer to another question")
    return answer[4:]


def _cluster(answer: bytes) -> tuple[int, int]:
    """Return the number of brokers and the controller's id of a Metadata answer, version 1."""
    count, offset = struct.unpack("!i", answer[:4])[0], 4
    for _ in range(count):
        offset += 4
        offset += 2 + struct.unpack("!h", answer[offset : offset + 2])[0] + 4  # host, then port
        offset += 2 + max(struct.unpack("!h", answer[offset : offset + 2])[0], 0)  # rack, or -1
    return count, struct.unpack("!i", answer[offset : offset + 4])[0]


def _level(answer: bytes) -> int:
    """Return the finalised level of `metadata.version` in an ApiVersions answer, version 3; 0 where it has none."""
    if code := struct.unpack("!h", answer[:2])[0]:
        raise NotReady(f"error {code} of the broker")
    count, offset = _varint(answer, 2)
    offset += (count - 1) * 7 + 4  # key, least and greatest version, no tags; then the throttle time
    tags, offset = _varint(answer, offset)
    for _ in range(tags):
        tag, offset = _varint(answer, offset)
        size, offset = _varint(answer, offset)
        if tag == 2:  # noqa: PLR2004 - FinalizedFeatures
            return _feature(answer[offset : offset + size])
        offset += size
    return 0


def _feature(data: bytes) -> int:
    count, offset = _varint(data, 0)
    for _ in range(count - 1):
        size, offset = _varint(data, offset)
        name, offset = data[offset : offset + size - 1], offset + size - 1
        if name == b"metadata.version":
            return int(struct.unpack("!h", data[offset : offset + 2])[0])
        offset += 5  # two levels, no tags
    return 0


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return value, offset
        shift += 7


def _compact(text: bytes) -> bytes:
    return bytes([len(text) + 1]) + text
