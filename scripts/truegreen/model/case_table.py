"""Many test results in little memory: columns for all, a record only for each that did not simply pass."""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from heapq import nlargest
from itertools import chain, compress
from typing import TYPE_CHECKING, overload

import msgspec

from truegreen.model.case_columns import Columns
from truegreen.model.testrun import Outcome, TestCase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_AT_ONCE = 200_000
"""Ids that are compared in one piece; more are compared in four parts, to hold but one of them in memory."""
_WHOLE = (bytes([1]) * 256,)
_QUARTERS = tuple(bytes(byte % 4 == number for byte in range(256)) for number in range(4))
"""For each part of the ids: whether a hash that ends with a byte belongs to it."""
_LAST_BYTE = 0 if sys.byteorder == "little" else 7
_BLOCK = 4096


class CaseTable(Sequence[TestCase]):
    """A sequence of cases that makes most records when they are asked for; never changed once it is built.

    Args:
        columns: the rows, in parts; tables share them.
        records: the cases that did not simply pass, by row; they stand for what the columns say.
        ordered: whether the sequence is in order of id, whatever the order of the rows.
        unique: whether it is known that no two cases have one id.
    """

    def __init__(
        self,
        columns: Sequence[Columns] = (),
        records: Mapping[int, TestCase] | None = None,
        *,
        ordered: bool = False,
        unique: bool = False,
    ) -> None:
        self._columns = [part for part in columns if len(part)]
        self._starts: list[int] = []
        self._size = 0
        for part in self._columns:
            self._starts.append(self._size)
            self._size += len(part)
        self._records = dict(records or {})
        self._ordered = ordered
        self._unique = unique
        self._order: array[int] | None = None

    @classmethod
    def of(cls, cases: Iterable[TestCase]) -> CaseTable:
        """Return the cases as a table, in their order."""
        if isinstance(cases, CaseTable):
            return cases
        columns = Columns()
        heads: dict[tuple[str, str], int] = {}
        records: dict[int, TestCase] = {}
        for row, case in enumerate(cases):
            head, name = split(case.id)
            place = (head, case.file)
            if place not in heads:
                heads[place] = columns.add_heads([head], {0: case.file})
            columns.extend([heads[place]], [name], [case.duration_s], [case.line])
            if case.outcome is not Outcome.PASS or case.message or case.detail or case.attempts:
                records[row] = case
        return cls([columns], records)

    @classmethod
    def joined(cls, tables: Sequence[CaseTable]) -> CaseTable:
        """Return the cases of all tables, ordered by id."""
        records: dict[int, TestCase] = {}
        start = 0
        for table in tables:
            records.update((start + row, case) for row, case in table._records.items())  # noqa: SLF001 - its own kind
            start += len(table)
        columns = [part for table in tables for part in table._columns]  # noqa: SLF001
        unique = len(tables) == 1 and tables[0]._unique  # noqa: SLF001
        return cls(columns, records, ordered=True, unique=unique)

    def replaced(self, cases: Mapping[int, TestCase], drop: Collection[int] = ()) -> CaseTable:
        """Return a table with other cases in some rows, and without some rows."""
        whole = CaseTable(self._columns, {**self._records, **cases}, ordered=self._ordered)
        return CaseTable.of(whole.row(row) for row in range(len(self)) if row not in drop) if drop else whole

    def labelled(self, suffix: str) -> CaseTable:
        """Return the same cases with something behind each id."""
        records = {row: msgspec.structs.replace(case, id=f"{case.id}{suffix}") for row, case in self._records.items()}
        return CaseTable([part.labelled(suffix) for part in self._columns], records, ordered=self._ordered)

    # --- the sequence -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[TestCase]:
        return map(self.row, self._rows())

    @overload
    def __getitem__(self, index: int) -> TestCase: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TestCase, ...]: ...
    def __getitem__(self, index: int | slice) -> TestCase | tuple[TestCase, ...]:
        rows = self._rows()
        return tuple(map(self.row, rows[index])) if isinstance(index, slice) else self.row(rows[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CaseTable | tuple):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"CaseTable({list(self)!r})"

    def _rows(self) -> Sequence[int]:
        if not self._ordered:
            return range(len(self))
        if self._order is None:
            ids = [self.id_of(row) for row in range(len(self))]
            self._order = array("I", sorted(range(len(ids)), key=ids.__getitem__))
        return self._order

    # --- rows, numbered as they were appended -----------------------------------------------------------------------

    def row(self, row: int) -> TestCase:
        """Return the case of a row."""
        if row in self._records:
            return self._records[row]
        part, own = self._at(row)
        return TestCase(
            id=part.id_of(own),
            outcome=Outcome.PASS,
            duration_s=part.durations_s[own],
            file=part.file_of(own),
            line=part.line_of(own),
        )

    def id_of(self, row: int) -> str:
        """Return the id of a row."""
        if row in self._records:
            return self._records[row].id
        part, own = self._at(row)
        return part.id_of(own)

    def rows_of(self, ids: Collection[str]) -> dict[str, int]:
        """Return the row of each of the ids that is here."""
        if not ids:
            return {}
        wanted = {hash(test) for test in ids}
        found = {self.id_of(row): row for row, key in enumerate(self._keys()) if key in wanted}
        return {test: found[test] for test in ids if test in found}

    def others(self, known: set[int]) -> list[str]:
        """Return the ids whose hash is not among some, in the order of the rows."""
        found: list[str] = []
        start = 0
        for keys in self._key_columns():
            if new := set(keys).difference(known):
                found += [self.id_of(row) for row, key in enumerate(keys, start) if key in new]
            start += len(keys)
        return found

    def twice(self) -> list[list[int]]:
        """Return the rows of each id that several cases have, in the order of the rows."""
        if self._unique:
            return []
        columns = self._key_columns()
        whole = len(self) <= _AT_ONCE
        if whole and len(set[int]().union(*columns)) == len(self):
            return []
        parts = _WHOLE if whole else _QUARTERS
        again = set[int]().union(*(_repeated(columns, part) for part in parts))
        groups: dict[str, list[int]] = {}
        for row in [row for row, key in enumerate(self._keys()) if key in again] if again else []:
            groups.setdefault(self.id_of(row), []).append(row)
        return [rows for rows in groups.values() if len(rows) > 1]

    def _at(self, row: int) -> tuple[Columns, int]:
        number = bisect_right(self._starts, row) - 1
        return self._columns[number], row - self._starts[number]

    def _keys(self) -> Iterable[int]:
        """Yield the hash of each row's id."""
        return chain.from_iterable(self._key_columns())

    def _key_columns(self) -> list[array[int]]:
        """Return the hashes of the rows' ids, in parts."""
        columns = [part.keys for part in self._columns]
        if not self._records:
            return columns
        keys = columns[0] if len(columns) == 1 else array("q", b"".join(columns))
        named_anew = {row: key for row, case in self._records.items() if keys[row] != (key := hash(case.id))}
        if not named_anew:
            return columns
        keys = array("q", keys)
        for row, key in named_anew.items():
            keys[row] = key
        return [keys]

    # --- looking for a few among many -------------------------------------------------------------------------------

    def ids(self) -> Iterator[str]:
        """Yield each id, in no particular order, without making records."""
        return map(self.id_of, range(len(self)))

    def count(self, value: object) -> int:
        """Return how many cases have an outcome, or equal a case."""
        if not isinstance(value, Outcome):
            return sum(1 for case in self if case == value)
        others = sum(1 for case in self._records.values() if (case.outcome is value) != (value is Outcome.PASS))
        return len(self) - others if value is Outcome.PASS else others

    def records(self) -> list[TestCase]:
        """Return the cases that did not simply pass at once, in order; among them all that failed or were repeated."""
        if self._ordered:
            return sorted(self._records.values(), key=lambda case: case.id)
        return [self._records[row] for row in sorted(self._records)]

    def slowest(self, number: int, above_s: float = 0.0) -> list[TestCase]:
        """Return the slowest tests that took longer than some seconds, and were not skipped, slowest first.

        Of equally slow ones, those with the smaller id come first.
        """
        if number <= 0:
            return []
        rows = self._slow(self._threshold(number, above_s), strictly=False)
        slow = [case for case in map(self.row, rows) if case.duration_s > above_s]
        return sorted(slow, key=lambda case: (-case.duration_s, case.id))[:number]

    def slower(self, above_s: float) -> Iterator[tuple[str, float]]:
        """Yield id and seconds of each test that passed and took longer than some seconds; no record is made of it."""
        for row in self._slow(above_s, strictly=True):
            record = self._records.get(row)
            if record is None:
                part, own = self._at(row)
                yield part.id_of(own), part.durations_s[own]
            elif record.outcome is Outcome.PASS:
                yield record.id, record.duration_s

    def count_slower(self, above_s: float) -> int:
        """Return how many tests took longer than some seconds, and were not skipped."""
        return sum(1 for _ in self._slow(above_s, strictly=True))

    def total_s(self) -> float:
        """Return the sum of the seconds that all tests took."""
        return math.fsum(sum(block) for _, block in self._blocks())

    def _threshold(self, number: int, above_s: float) -> float:
        """Return the seconds of the last among the slowest."""
        found: list[float] = []
        least = above_s
        for start, block in self._blocks():
            if max(block) > least:
                rows = range(start, start + len(block))
                new = [took for row, took in zip(rows, block, strict=True) if took > least and self._ran(row)]
                found = nlargest(number, found + new)
                least = found[-1] if len(found) == number else above_s
        return least

    def _slow(self, least_s: float, *, strictly: bool) -> Iterator[int]:
        for start, block in self._blocks():
            if max(block) >= least_s:
                rows = [row for row, took in enumerate(block, start) if took >= least_s]
                yield from (row for row in rows if (block[row - start] > least_s or not strictly) and self._ran(row))

    def _ran(self, row: int) -> bool:
        record = self._records.get(row)
        return record is None or record.outcome is not Outcome.SKIP

    def _blocks(self) -> Iterator[tuple[int, Sequence[float]]]:
        """Yield the first row of some, and their seconds."""
        for first, part in zip(self._starts, self._columns, strict=True):
            for start in range(0, len(part), _BLOCK):
                yield first + start, part.durations_s[start : start + _BLOCK]


def split(test: str) -> tuple[str, str]:
    """Return what an id shares with its neighbours, and the rest; parameters belong to the rest."""
    bracket = test.find("[")
    cut = test.rfind("::", 0, bracket if bracket > 0 else len(test))
    return (test[: cut + 2], test[cut + 2 :]) if cut >= 0 else ("", test)


def _repeated(columns: Sequence[array[int]], part: bytes) -> set[int]:
    """Return the keys that occur more than once, among those whose last byte belongs to a part."""
    chosen = [keys.tobytes()[_LAST_BYTE :: keys.itemsize].translate(part) for keys in columns]
    found: set[int] = set()
    for keys, here in zip(columns, chosen, strict=True):
        found.update(compress(keys, here))
    if len(found) == sum(here.count(1) for here in chosen):
        return set()
    times = Counter(key for keys, here in zip(columns, chosen, strict=True) for key in compress(keys, here))
    return {key for key, number in times.items() if number > 1}
