"""Messages of PostgreSQL's built-in logical decoder `pgoutput`: which rows of which tables a transaction changed.

The layout is that of protocol version 1, in the chapter "Logical Replication Message Formats" of PostgreSQL's manual.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EvidenceUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ROW = {b"I": "insert", b"U": "update", b"D": "delete"}
_SILENT = frozenset({b"O", b"Y", b"M"})
"""Origin, type, message: they change no row."""
_LONG = 4
_ENDED = struct.Struct("!bqq")
_RELATION = struct.Struct("!I")


class Relation(msgspec.Struct, frozen=True):
    """A table, as the decoder names it."""

    oid: int
    schema: str
    name: str


_Rows = Counter[tuple[Relation, str]]


class Transaction(msgspec.Struct, frozen=True):
    """The rows that one transaction changed, by table and kind."""

    committed_at: int
    """Position of its commit record in the log, in bytes from the log's beginning."""
    rows: dict[tuple[Relation, str], int]
    written_before: dict[tuple[Relation, str], int]
    """Rows that it had changed before the position asked for."""


class Decoder:
    """Puts messages together to transactions; a table is described once in a session of decoding."""

    def __init__(self, since: int = 0, parts: Sequence[tuple[int, int]] = ()) -> None:
        """Begin a session.

        Args:
            since: position in bytes; rows that were changed before it are told apart.
            parts: beginning and end of windows before it; rows that were changed in one of them are not.
        """
        self._since = since
        self._parts = tuple(parts)
        self._relations: dict[int, Relation] = {}
        self._rows: tuple[_Rows, _Rows] | None = None
        """Of the transaction that is read: changed since the position, and before it."""

    def _within(self, place: int) -> bool:
        return place >= self._since or any(start <= place < end for start, end in self._parts)

    def transactions(self, messages: Iterable[tuple[int, bytes]]) -> list[Transaction]:
        """Return the transactions whose commits are among the messages, in their order.

        Args:
            messages: each with the position of its record in the log, in bytes.

        Raises:
            EvidenceUnreadable: a message is not of this protocol, or a transaction has no end.
        """
        found: list[Transaction] = []
        for place, message in messages:
            try:
                done = self._take(message[:1], message[1:], 0 if self._within(place) else 1)
            except (struct.error, KeyError, ValueError, UnicodeDecodeError) as error:
                raise _unreadable(f"a message {message[:1]!r}: {type(error).__name__}: {error}") from None
            if done is not None:
                found.append(done)
        if self._rows is not None:
            raise _unreadable("a transaction without an end")
        return found

    def _take(self, kind: bytes, body: bytes, which: int) -> Transaction | None:
        if kind in _SILENT:
            return None
        if kind == b"R":
            self._describe(body)
        elif kind == b"B":
            self._rows = Counter(), Counter()
        elif self._rows is None:
            raise ValueError("outside of a transaction")
        elif kind == b"C":
            _, committed_at, _ = _ENDED.unpack_from(body)
            done, self._rows = Transaction(committed_at, *map(dict, self._rows)), None
            return done
        elif kind == b"T":
            (count,) = _RELATION.unpack_from(body)
            for oid in struct.unpack_from(f"!{count}I", body, _LONG + 1):
                self._rows[which][(self._relations[oid], "truncate")] += 1
        else:
            (oid,) = _RELATION.unpack_from(body)
            self._rows[which][(self._relations[oid], _ROW[kind])] += 1
        return None

    def _describe(self, body: bytes) -> None:
        (oid,) = _RELATION.unpack_from(body)
        schema, name, _ = body[_LONG:].split(b"\0", 2)
        # An empty schema stands for pg_catalog.
        self._relations[oid] = Relation(oid, schema.decode() or "pg_catalog", name.decode())


def _unreadable(why: str) -> EvidenceUnreadable:
    return EvidenceUnreadable("what pgoutput sent could not be read", why=why)
