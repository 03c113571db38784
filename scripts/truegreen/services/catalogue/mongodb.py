"""MongoDB."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar

from truegreen.services import wire
from truegreen.services.base import Access, NotReady, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

_OP_MSG = 2013
_DOUBLE, _STRING, _BOOLEAN, _INT32 = 1, 2, 8, 16
# Width of the values of BSON that have a fixed one: double, object id, boolean, date, null, int, timestamp, long.
_WIDTHS = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
_NESTED = (3, 4)
Value = str | float | bool | None


class MongoDb(Server):
    """MongoDB as a replica set of one, so that transactions and change streams work: image `mongo`."""

    kind: ClassVar[str] = "mongodb"
    image: ClassVar[str] = "mongo:{version}"
    version: ClassVar[str] = "8"
    scheme: ClassVar[str] = "mongodb"
    port: ClassVar[int] = 27017
    default_database: ClassVar[str] = "test"
    defaults: ClassVar[Access] = Access(port=27017, database="app")
    exports: ClassVar[dict[str, str]] = {"MONGODB_URL": "url", "MONGO_URL": "url"}
    prepared: ClassVar[bool] = True

    def url(self, access: Access) -> str:
        """Return a URL that goes to this one member, whatever name the set knows it by."""
        return f"{super().url(access)}?directConnection=true"

    def container_args(self) -> list[str]:
        """Return the flags of a replica set."""
        return ["--replSet", "rs0", "--bind_ip_all"]

    def probe(self, access: Access) -> str:
        """Ask whether this member takes writes, and for its version."""
        hello = _command(access, "hello")
        if hello.get("isWritablePrimary") is not True:
            raise NotReady("the server is no primary yet")
        return str(_command(access, "buildInfo").get("version", "unknown"))

    def prepare(self, access: Access) -> None:
        """Initiate the replica set, where the server waits for that; databases make themselves."""
        if _command(access, "hello").get("isreplicaset") is True:
            _command(access, "replSetInitiate")


def _command(access: Access, name: str) -> dict[str, Value]:
    """Return the top level of the answer to a command.

    Raises:
        NotReady: no connection, or the server refuses the command.
    """
    # For `replSetInitiate` an empty document: the server then takes its own address.
    value = (b"\x03", b"\x05\0\0\0\0") if name == "replSetInitiate" else (b"\x10", struct.pack("<i", 1))
    text = b"admin\0"
    elements = value[0] + name.encode() + b"\0" + value[1] + b"\x02$db\0" + struct.pack("<i", len(text)) + text
    document = struct.pack("<i", len(elements) + 5) + elements + b"\0"
    body = struct.pack("<iii", 1, 0, _OP_MSG) + struct.pack("<iB", 0, 0) + document
    with wire.connection(access) as sock:
        sock.sendall(struct.pack("<i", len(body) + 4) + body)
        size = struct.unpack("<i", wire.read_exactly(sock, 4))[0]
        answer = wire.read_exactly(sock, size - 4)
        if struct.unpack("<i", answer[8:12])[0] != _OP_MSG:
            raise ValueError("no message of MongoDB")
        found = dict(_elements(answer[17:]))
    if found.get("ok") != 1:
        raise NotReady(str(found.get("errmsg", "the server refuses")))
    return found


def _elements(document: bytes) -> Iterator[tuple[str, Value]]:
    """Yield names and plain values of a BSON document's top level; of others the name alone."""
    offset = 4
    while document[offset]:
        kind, end = document[offset], document.index(b"\0", offset + 1)
        name, offset = document[offset + 1 : end].decode("utf-8", "replace"), end + 1
        size = _size(kind, document, offset)
        data, offset = document[offset : offset + size], offset + size
        yield name, _value(kind, data)


def _size(kind: int, document: bytes, offset: int) -> int:
    if kind in _WIDTHS:
        return _WIDTHS[kind]
    length = int(struct.unpack("<i", document[offset : offset + 4])[0])
    if length < 0:
        raise ValueError("a negative length")
    if kind in _NESTED:
        return max(length, 5)
    if kind in (2, 13, 14):
        return 4 + length
    if kind == 5:  # noqa: PLR2004 - binary, with a byte for its own kind
        return 5 + length
    raise ValueError(f"a value of kind {kind}")


def _value(kind: int, data: bytes) -> Value:
    if kind == _DOUBLE:
        return float(struct.unpack("<d", data)[0])
    if kind == _STRING:
        return data[4:-1].decode("utf-8", "replace")
    if kind == _BOOLEAN:
        return data == b"\x01"
    return float(struct.unpack("<i", data)[0]) if kind == _INT32 else None
