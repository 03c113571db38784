"""The binary log of MySQL and MariaDB in row format: which rows each event says were changed.

Layouts are those of the replication protocol as MySQL's and MariaDB's documentation describe it. An event holds rows
without saying how many: they are counted by walking over their values, whose lengths follow from the column types.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from typing import NamedTuple, TypeAlias

from truegreen.runtime.wire.mysql import length

HEADER_BYTES = 19
_CHECKSUM_BYTES, _CRC32 = 4, 1
_QUERY, _ROTATE, _FORMAT, _XID, _TABLE_MAP, _XA_PREPARE = 2, 4, 15, 16, 19, 38
_ROWS = {
    first + number: kind
    for first in (20, 23, 30)  # before MySQL 5.1.16, version 1, version 2
    for number, kind in enumerate(("insert", "update", "delete"))
}
_SECOND_VERSION = 30
_UNREADABLE = {
    39: "rows with partial values",
    40: "compressed transactions",
    **dict.fromkeys(range(165, 169), "compressed events"),
}
_FIXED = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 0, 7: 4, 8: 8, 9: 3, 10: 3, 11: 3, 12: 8, 13: 1, 14: 3}
_FRACTIONAL = {17: 4, 18: 5, 19: 3}
_VARCHAR, _BIT, _DECIMAL, _STRING = (15, 141, 253), 16, 246, 254
_ENUM_OR_SET = (247, 248)
_BLOBS = (140, 242, 245, 249, 250, 251, 252, 255)
_METADATA_BYTES = {
    **dict.fromkeys((4, 5, 17, 18, 19, *_BLOBS), 1),
    **dict.fromkeys((*_VARCHAR, _BIT, _DECIMAL, _STRING, *_ENUM_OR_SET), 2),
}
_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of so many decimal digits."""
_SHORT_LENGTH = 255
_TRUNCATE = re.compile(r"\s*TRUNCATE\s+(?:TABLE\s+)?(?:`?([^`.\s]+)`?\s*\.\s*)?`?([^`\s;]+)`?", re.IGNORECASE)
_XA_END = re.compile(r"XA\s+(COMMIT|ROLLBACK)\s+(X'.*)", re.IGNORECASE)
_SYSTEM = frozenset({"mysql", "sys", "information_schema", "performance_schema"})

Counts: TypeAlias = "Counter[tuple[str, str, str]]"


class _Table(NamedTuple):
    database: str
    name: str
    columns: tuple[tuple[int, bytes], ...]
    """Type and metadata of each column."""


class Binlog:
    """Where in the log we are, and which rows the transactions up to there changed."""

    def __init__(self, file: str, position: int, *, checksums: bool) -> None:
        """Begin at a position.

        Args:
            file: name of the log.
            position: in bytes.
            checksums: whether events end with four bytes that vouch for the rest.
        """
        self._checksums = checksums
        self.file = file
        self.position = position
        self._tables: dict[int, _Table] = {}
        self._open: Counts = Counter()
        self._prepared: dict[str, Counts] = {}
        self._committed: Counts = Counter()
        self._rolled_back: Counts = Counter()

    def reached(self, file: str, position: int) -> bool:
        """Return whether everything before a position was fed."""
        return self.file == file and self.position >= position

    def taken(self) -> tuple[Counts, Counts]:
        """Return what was committed and what was not since the last call, by (database, table, kind)."""
        taken = self._committed, self._rolled_back
        self._committed, self._rolled_back = Counter(), Counter()
        for rows in self._prepared.values():
            taken[1].update(rows)
        return taken

    def feed(self, event: bytes) -> None:
        """Take one event.

        Raises:
            ValueError: it holds rows in a form that cannot be counted.
        """
        kind, end = event[4], struct.unpack("<I", event[13:17])[0]
        if kind == _FORMAT:
            self._checksums = event[-_CHECKSUM_BYTES - 1] == _CRC32
        body = event[HEADER_BYTES : -_CHECKSUM_BYTES if self._checksums else None]
        if kind in _UNREADABLE:
            raise ValueError(f"the binary log holds {_UNREADABLE[kind]}, which are not read")
        if kind == _ROTATE:
            self.file, self.position = body[8:].decode(), struct.unpack("<Q", body[:8])[0]
            return
        if kind == _TABLE_MAP:
            self._tables[int.from_bytes(body[:6], "little")] = _table(body)
        elif kind in _ROWS:
            self._rows(kind, body)
        elif kind == _XID:
            self._end(self._committed)
        elif kind == _XA_PREPARE:
            self._prepare(body)
        elif kind == _QUERY:
            self._query(body)
        self.position = end or self.position

    def _rows(self, kind: int, body: bytes) -> None:
        table = self._tables.get(int.from_bytes(body[:6], "little"))
        if table is not None and table.database not in _SYSTEM:
            start = 8 + (struct.unpack("<H", body[8:10])[0] if kind >= _SECOND_VERSION else 0)
            word = _ROWS[kind]
            self._open[table.database, table.name, word] += _count(table, body, start, updates=word == "update")

    def _query(self, body: bytes) -> None:
        database_bytes, status_bytes = body[8], struct.unpack("<H", body[11:13])[0]
        start = 13 + status_bytes
        database = body[start : start + database_bytes].decode("utf-8", "replace")
        text = body[start + database_bytes + 1 :].decode("utf-8", "replace").strip()
        word = text[:8].upper()
        if word == "COMMIT":
            self._end(self._committed)
        elif word == "ROLLBACK":  # rows of engines without transactions are in the log all the same
            self._end(self._rolled_back)
        elif match := _XA_END.match(text):
            rows = self._prepared.pop(match.group(2).replace(" ", "").lower(), Counter())
            (self._committed if match.group(1).upper() == "COMMIT" else self._rolled_back).update(rows)
        elif match := _TRUNCATE.match(text):
            self._committed[match.group(1) or database, match.group(2), "truncate"] += 1

    def _prepare(self, body: bytes) -> None:
        """Keep the rows of a transaction that was prepared, until somebody decides."""
        form, first, second = struct.unpack("<III", body[1:13])
        name = body[13 : 13 + first].hex(), body[13 + first : 13 + first + second].hex()
        if body[0]:  # in one phase: committed
            self._end(self._committed)
        else:
            self._end(self._prepared.setdefault(f"x'{name[0]}',x'{name[1]}',{form}", Counter()))

    def _end(self, counts: Counts) -> None:
        counts.update(self._open)
        self._open.clear()


def _table(body: bytes) -> _Table:
    """Return the table of a table map."""
    size = body[8]
    database = body[9 : 9 + size].decode("utf-8", "replace")
    offset = 10 + size
    name = body[offset + 1 : offset + 1 + body[offset]].decode("utf-8", "replace")
    count, offset = length(body, offset + body[offset] + 2)
    types = body[offset : offset + count]
    _, offset = length(body, offset + count)
    columns = []
    for kind in types:
        width = _METADATA_BYTES.get(kind, 0)
        columns.append((kind, body[offset : offset + width]))
        offset += width
    return _Table(database, name, tuple(columns))


def _count(table: _Table, body: bytes, start: int, *, updates: bool) -> int:
    """Return how many rows an event holds; at least one, also where a type is not known."""
    try:
        columns, offset = length(body, start)
        width = (columns + 7) // 8
        images = [body[offset : offset + width]]
        offset += width
        if updates:
            images.append(body[offset : offset + width])
            offset += width
        rows = 0
        while offset < len(body):
            for present in images:
                offset = _skip(table, present, body, offset)
            rows += 1
    except (LookupError, struct.error):
        return 1
    return rows if rows and offset == len(body) else 1


def _skip(table: _Table, present: bytes, body: bytes, offset: int) -> int:
    """Return the offset behind one image of a row."""
    held = [column for number, column in enumerate(table.columns) if present[number // 8] >> number % 8 & 1]
    nulls = body[offset : offset + (len(held) + 7) // 8]
    offset += len(nulls)
    for number, (kind, metadata) in enumerate(held):
        if not nulls[number // 8] >> number % 8 & 1:
            offset += _width(kind, metadata, body, offset)
    return offset


def _width(kind: int, metadata: bytes, body: bytes, offset: int) -> int:
    """Return the bytes of one value that is not NULL."""
    if kind in _FRACTIONAL:
        return _FRACTIONAL[kind] + (metadata[0] + 1) // 2
    if kind in _VARCHAR:
        return _prefixed(int.from_bytes(metadata, "little"), body, offset)
    if kind in _BLOBS:
        return metadata[0] + int.from_bytes(body[offset : offset + metadata[0]], "little")
    if kind == _STRING and metadata[0] not in _ENUM_OR_SET:
        return _prefixed(metadata[1] | ((metadata[0] & 0x30) ^ 0x30) << 4, body, offset)
    return _packed(kind, metadata)


def _packed(kind: int, metadata: bytes) -> int:
    """Return the bytes of a value whose type alone tells them."""
    if kind == _BIT:
        return metadata[1] + (metadata[0] > 0)
    if kind == _DECIMAL:
        parts = metadata[0] - metadata[1], metadata[1]  # digits before and after the point
        return sum(digits // 9 * 4 + _DIGIT_BYTES[digits % 9] for digits in parts)
    return metadata[1] if kind == _STRING else _FIXED[kind]


def _prefixed(longest: int, body: bytes, offset: int) -> int:
    if longest > _SHORT_LENGTH:
        return 2 + int.from_bytes(body[offset : offset + 2], "little")
    return 1 + body[offset]
