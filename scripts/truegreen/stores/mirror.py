"""Rows of runs whose tests are known by name, put into tables in memory, so that one way of reading serves all."""

from __future__ import annotations

import binascii
import sqlite3
from base64 import b64decode
from typing import TYPE_CHECKING

import msgspec

from truegreen.stores import content, schema
from truegreen.stores.columns import Damaged, numbers, pairs, spans, unpack
from truegreen.stores.database import HEADER, STAGE
from truegreen.stores.reading import outcomes
from truegreen.stores.sqlite_file import MIGRATIONS, SqliteConnection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_PUT_RUN = f"INSERT INTO runs ({HEADER}, digest, checksum) VALUES ({', '.join('?' * 19)}) RETURNING id"  # noqa: S608
_PUT_STAGE = (
    f"INSERT INTO stages (run_id, {STAGE}, present, skipped, durations, failed) "  # noqa: S608 - our own names
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)


class StageRow(msgspec.Struct, frozen=True, array_like=True):
    """A stage of a run; packed columns are in base64, the tests in the order of their names."""

    stage: str
    status: str
    duration_s: float
    tests: int
    infrastructure: str
    test_set: str
    """Digest of the names of the tests that were there; empty without any."""
    skipped: str
    """Places of those of them that were skipped, as spans; empty without any."""
    durations: str
    """Steps of the durations."""


class OddRow(msgspec.Struct, frozen=True, array_like=True):
    """A test that neither simply passed nor was simply skipped."""

    stage: str
    test: str
    attempts: str
    fingerprint: str


class RunRow(msgspec.Struct, frozen=True, array_like=True):
    """A run, in one row."""

    header: tuple[str, str, str, str, float, int, int, int, float | None, str, str, str, int, str, str, str, str]
    """Columns of `database.HEADER`."""
    digest: str
    """Of its content, as hexadecimal digits."""
    checksum: int
    stages: list[StageRow]
    odd: list[OddRow]


def memory() -> tuple[sqlite3.Connection, SqliteConnection]:
    """Return empty tables in memory, and the way to them."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    connection = SqliteConnection(database)
    database.execute("BEGIN")
    schema.migrate(connection, 0, MIGRATIONS)
    return database, connection


def fill(connection: SqliteConnection, runs: Iterable[RunRow], sets: Mapping[str, tuple[str, ...]]) -> None:
    """Put runs into empty tables, in the order in which they were written.

    A run that cannot be unpacked is put so that its checksums do not fit: whoever reads it is told.

    Args:
        connection: to the tables.
        runs: what was kept of each.
        sets: digest → names of tests, sorted.
    """
    given = list(runs)
    # In the order of their names, so that the numbers of every set rise with its names.
    names = sorted({name for one in sets.values() for name in one})
    # The usual step of each test is 0, so that durations need not be packed anew.
    connection.many("INSERT INTO tests (id, name, step) VALUES (?, ?, 0)", enumerate(names))
    marks = sorted({odd.fingerprint for run in given for odd in run.odd} - {""})
    connection.many("INSERT INTO fingerprints (id, name) VALUES (?, ?)", enumerate(marks, start=1))
    filler = _Filler(connection, {name: number for number, name in enumerate(names)}, sets)
    filler.marks.update({mark: number for number, mark in enumerate(marks, start=1)})
    for run in given:
        filler.put(run)


class _Filler:
    """Puts runs into the tables, each set of tests once."""

    def __init__(
        self, connection: SqliteConnection, tests: Mapping[str, int], sets: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.marks: dict[str, int] = {"": 0}
        self._connection = connection
        self._tests = tests
        self._numbers = {digest: [tests[name] for name in names] for digest, names in sets.items()}
        self._sets: dict[tuple[str, str], int] = {}

    def put(self, run: RunRow) -> None:
        """Put one run."""
        by_stage: dict[str, list[OddRow]] = {}
        for odd in run.odd:
            by_stage.setdefault(odd.stage, []).append(odd)
        try:
            digest = bytes.fromhex(run.digest)
            stages = [self._stage(stage, by_stage.pop(stage.stage, [])) for stage in run.stages]
            whole = not by_stage
        except (Damaged, ValueError, KeyError, IndexError):
            digest, stages, whole = b"", [], False
        checksum = run.checksum if whole else -1
        (number,) = self._connection.rows(_PUT_RUN, (*run.header, digest, checksum))[0]
        for row, columns, attempts in stages:
            place = self._connection.rows(_PUT_STAGE, (number, *row, *columns))[0][0]
            put = "INSERT INTO attempts (stage_id, test, attempts, fingerprint) VALUES (?, ?, ?, ?)"
            self._connection.many(put, [(place, *one) for one in attempts])

    def _stage(
        self, given: StageRow, odd: list[OddRow]
    ) -> tuple[tuple[object, ...], tuple[object, ...], list[tuple[int, str, int]]]:
        """Return the columns of a stage: named, packed, and the rows of what did not pass."""
        row = (given.stage, given.status, given.duration_s, given.tests, given.infrastructure)
        attempts = [(self._tests[one.test], one.attempts, self.marks[one.fingerprint]) for one in odd]
        failed = content.failed((test, outcomes(letters)) for test, letters, _ in attempts)
        if not given.test_set:
            return row, (None, None, None, failed), attempts
        present = self._set(given.test_set, "")
        skipped = self._set(given.test_set, given.skipped) if given.skipped else None
        return row, (present, skipped, unbased(given.durations), failed), attempts

    def _set(self, digest: str, places: str) -> int:
        """Return the number of a set of tests: all of a list of names, or those at some places of it."""
        if (digest, places) not in self._sets:
            every = self._numbers[digest]
            chosen = [every[place] for place in numbers(pairs(unbased(places)))] if places else every
            put = "INSERT INTO test_sets (digest, spans) VALUES (?, ?) RETURNING id"
            mark = f"{digest} {places}".encode()
            self._sets[digest, places] = int(self._connection.rows(put, (mark, spans(chosen)))[0][0])
        return self._sets[digest, places]


def unbased(text: str) -> bytes:
    """Return the bytes of a text in base64.

    Raises:
        Damaged: it is none.
    """
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise Damaged(f"a packed column is not what was written ({error})") from None


def part(text: str) -> bytes:
    """Return the bytes of a part of a run; nothing, which is no part, where they are not what was written."""
    try:
        return unbased(text)
    except Damaged:
        return b""


def unpacked_names(text: str) -> tuple[str, ...]:
    """Return the names of a set of tests.

    Raises:
        Damaged: they are not what was written.
    """
    try:
        return msgspec.msgpack.decode(unpack(unbased(text)), type=tuple[str, ...])
    except msgspec.MsgspecError as error:
        raise Damaged(f"names of tests are not what was written ({error})") from None
