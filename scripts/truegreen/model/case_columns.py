"""Columns of test results: what a test that simply passed costs is its name and 24 bytes."""

from __future__ import annotations

import struct
import sys
from array import array
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LAST_LINE = (1 << 32) - 1
"""A line beyond it is no line of a file, and would not fit."""


class Columns:
    """Rows of tests that are only ever appended; an id is a head, which many tests share, a name and a suffix."""

    def __init__(self) -> None:
        self.durations_s = array("d")
        self.keys = array("q")
        """A hash of each id: equal ids are found without holding them all."""
        self._suffix = ""
        self._heads: list[str] = []
        self._files: dict[int, str] = {}
        """The file of each head, by its number, where it is known."""
        self._head = array("I")
        self._names = bytearray()
        self._ends = array("I")
        self._lines = array("I")
        """As long as there are lines; rows after the last one that is known have none."""

    def __len__(self) -> int:
        return len(self._head)

    def add_heads(self, texts: Sequence[str], files: Mapping[int, str]) -> int:
        """Take heads, each what many ids begin with; returns the first one's number, the others' follow.

        Args:
            texts: one each.
            files: the file that its tests stand in, by its place among the texts, where it is known.
        """
        first = len(self._heads)
        self._heads.extend(map(sys.intern, texts))  # shards of one suite share its classes
        self._files.update((first + place, file) for place, file in files.items() if file)
        return first

    def extend(
        self, heads: Sequence[int], names: Sequence[str], durations_s: Sequence[float], lines: Sequence[int] = ()
    ) -> int:
        """Append tests; returns how many bytes the rests of their ids take.

        Args:
            heads: the number of each one's head.
            names: the rest of each id.
            durations_s: seconds.
            lines: 1-based, 0 where unknown; none at all when no line is known.
        """
        if any(lines):
            self._lines.extend([0] * (len(self) - len(self._lines)))
            self._lines.extend(line if 0 <= line <= _LAST_LINE else 0 for line in lines)
        _append(self._head, heads)
        _append(self.keys, list(map(hash, map(add, map(self._heads.__getitem__, heads), names))))
        _append(self.durations_s, durations_s)
        text = "".join(names)
        if text.isascii():
            lengths, blob = map(len, names), text.encode()
        else:
            # A lone surrogate cannot come from XML, and must not stop a table all the same.
            encoded = [name.encode("utf-8", "surrogatepass") for name in names]
            lengths, blob = map(len, encoded), b"".join(encoded)
        _, *ends = accumulate(lengths, initial=len(self._names))
        _append(self._ends, ends)
        self._names += blob
        return len(blob)

    def id_of(self, row: int) -> str:
        """Return the id of a row."""
        start = self._ends[row - 1] if row else 0
        name = self._names[start : self._ends[row]].decode("utf-8", "surrogatepass")
        return f"{self._heads[self._head[row]]}{name}{self._suffix}"

    def ids(self) -> Iterator[str]:
        """Yield the id of each row, in order."""
        return map(self.id_of, range(len(self)))

    def file_of(self, row: int) -> str:
        """Return the file of a row; empty when unknown."""
        return self._files.get(self._head[row], "")

    def line_of(self, row: int) -> int:
        """Return the line of a row; 0 when unknown."""
        return self._lines[row] if row < len(self._lines) else 0

    def labelled(self, suffix: str) -> Columns:
        """Return the same rows, with something behind each id."""
        other = Columns()
        other.__dict__.update(self.__dict__)
        other._suffix = f"{self._suffix}{suffix}"
        other.keys = array("q", map(hash, other.ids()))
        return other


def _append(column: array[int] | array[float], values: Sequence[float]) -> None:
    """Append many numbers to a column: packed in one call, for an array takes them one by one."""
    column.frombytes(struct.pack(f"{len(values)}{column.typecode}", *values))
