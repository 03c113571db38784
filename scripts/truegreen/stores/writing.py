"""Writing runs into the tables of a store; each function works inside a transaction of its caller."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from truegreen.analysis import kept_parts
from truegreen.model.testrun import Outcome
from truegreen.stores import content
from truegreen.stores.columns import code, pack, pairs, shifted, spans
from truegreen.stores.database import HEADER, STAGE, checksum, header, stage_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.model.results import RunResults, TestResult
    from truegreen.stores.database import Connection, Row

_SIMPLE = ((Outcome.PASS,), (Outcome.SKIP,))
_PUT_RUN = (
    f"INSERT INTO runs ({HEADER}, digest, checksum) "  # noqa: S608 - our own names
    f"VALUES ({', '.join('?' * (HEADER.count(',') + 3))}) RETURNING id"
)
_PUT_STAGE = (
    f"INSERT INTO stages (run_id, {STAGE}, present, skipped, durations, failed) "  # noqa: S608 - our own names
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)
_PUT_ATTEMPTS = "INSERT INTO attempts (stage_id, test, attempts, fingerprint) VALUES (?, ?, ?, ?)"

_ROOM = 200
"""Of a part of many runs a 200th more may lie there: to look for the oldest at each run costs ten times the rest."""


def put(connection: Connection, run: RunResults, known: dict[str, tuple[int, int]] | None = None) -> None:
    """Write a run in its normal form; what was kept under its identity is replaced.

    `known` remembers the numbers of tests from one run to the next of the same transaction.
    """
    found = connection.rows("SELECT id FROM runs WHERE run_key = ?", (run.run.run,))
    forget(connection, [number for (number,) in found])
    tests = _tests(connection, run, {} if known is None else known)
    fingerprints = _fingerprints(connection, run)
    head = header(run)
    number = connection.rows(_PUT_RUN, (*head, content.digest(run), 0))[0][0]
    stages: list[Row] = []
    odd: list[Row] = []
    for stage in run.run.stages:
        row = stage_row(stage)
        stages.append(row)
        results = sorted(run.results.get(stage.stage, ()), key=lambda result: tests[result.test][0])
        kept = [one for one in results if one.attempts not in _SIMPLE]
        failed = content.failed((tests[one.test][0], one.attempts) for one in kept)
        columns = (*_columns(connection, results, tests), failed)
        place = connection.rows(_PUT_STAGE, (number, *row, *columns))[0][0]
        words = [(one.test, content.letters(one.attempts), one.fingerprint) for one in kept]
        rows = ((place, tests[test][0], letters, fingerprints.get(mark, 0)) for test, letters, mark in words)
        connection.many(_PUT_ATTEMPTS, rows)
        odd += [(stage.stage, *one) for one in words]
    connection.rows("UPDATE runs SET checksum = ? WHERE id = ?", (checksum(head, stages, odd), number))
    _put_parts(connection, number, run.parts)


def forget(connection: Connection, runs: Iterable[int]) -> None:
    """Take runs out, with all that belongs to them alone."""
    numbers = [(number,) for number in runs]
    connection.many("DELETE FROM attempts WHERE stage_id IN (SELECT id FROM stages WHERE run_id = ?)", numbers)
    connection.many("DELETE FROM stages WHERE run_id = ?", numbers)
    connection.many("DELETE FROM parts WHERE run_id = ?", numbers)
    connection.many("DELETE FROM runs WHERE id = ?", numbers)


def forget_unused(connection: Connection) -> None:
    """Take out sets of tests, tests and fingerprints that no run mentions any more.

    Names that are made anew for every run (a date or a random number in a parameter) would otherwise stay for good.
    """
    used = " UNION ".join(f"SELECT {one} FROM stages WHERE {one} IS NOT NULL" for one in ("present", "skipped"))  # noqa: S608
    connection.rows(f"DELETE FROM test_sets WHERE id NOT IN ({used})")  # noqa: S608 - our own names
    connection.rows("DELETE FROM fingerprints WHERE id NOT IN (SELECT fingerprint FROM attempts)")
    _forget_tests(connection)


def _forget_tests(connection: Connection) -> None:
    """Take out the tests that are in no set; what is between two spans is unused, whatever number it has."""
    sets = connection.rows("SELECT spans FROM test_sets")
    after = 0
    gaps = []
    for first, end in sorted({pair for (blob,) in sets for pair in pairs(blob)}):
        if first > after:
            gaps.append((after, first))
        after = max(after, end)
    connection.many("DELETE FROM tests WHERE id >= ? AND id < ?", gaps)
    connection.rows("DELETE FROM tests WHERE id >= ?", (after,))


def _put_parts(connection: Connection, number: int, parts: dict[str, bytes]) -> None:
    if not parts:
        return
    rows = [(number, name, pack(data)) for name, data in parts.items()]
    connection.many("INSERT INTO parts (run_id, name, content) VALUES (?, ?, ?)", rows)
    newest = (
        "SELECT id FROM runs WHERE id IN (SELECT run_id FROM parts WHERE name = ?) "
        "ORDER BY base DESC, created DESC, id DESC LIMIT ?"
    )
    old = f"DELETE FROM parts WHERE name = ? AND run_id NOT IN ({newest})"  # noqa: S608 - our own names
    for name in parts:
        limit = kept_parts.RUNS.get(name, kept_parts.RUNS_OF_OTHERS)
        ((held,),) = connection.rows("SELECT count(*) FROM parts WHERE name = ?", (name,))
        if held > limit + limit // _ROOM:
            connection.rows(old, (name, name, limit))


def _columns(
    connection: Connection, results: Sequence[TestResult], tests: dict[str, tuple[int, int]]
) -> tuple[int | None, int | None, bytes | None]:
    """Return which tests were present, which of them were skipped, and how long each took."""
    if not results:
        return None, None, None
    present = [tests[result.test][0] for result in results]
    skipped = [tests[result.test][0] for result in results if not result.ran]
    steps = [code(result.duration_s) for result in results]
    usual = [tests[result.test][1] for result in results]
    return _test_set(connection, present), _test_set(connection, skipped) if skipped else None, shifted(steps, usual)


def _test_set(connection: Connection, numbers: Sequence[int]) -> int:
    """Return the number of a set of tests, which is kept once."""
    packed = spans(numbers)
    digest = hashlib.blake2b(packed, digest_size=16).digest()
    connection.rows(
        "INSERT INTO test_sets (digest, spans) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", (digest, packed)
    )
    return int(connection.rows("SELECT id FROM test_sets WHERE digest = ?", (digest,))[0][0])


def _tests(connection: Connection, run: RunResults, known: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return test → number and usual step, with a number for each that has none; `known` is brought up to date."""
    wanted = {result.test: code(result.duration_s) for results in run.results.values() for result in results}
    if wanted and not known:
        known.update(_known_tests(connection))
    new = [(name, step) for name, step in sorted(wanted.items()) if name not in known]
    if new:
        connection.many("INSERT INTO tests (name, step) VALUES (?, ?)", new)
        known.update(_known_tests(connection))
    return known


def _known_tests(connection: Connection) -> dict[str, tuple[int, int]]:
    return {name: (number, step) for name, number, step in connection.rows("SELECT name, id, step FROM tests")}


def _fingerprints(connection: Connection, run: RunResults) -> dict[str, int]:
    """Return fingerprint → number; the empty one has 0 and is not kept."""
    wanted = {result.fingerprint for results in run.results.values() for result in results} - {""}
    put_name = "INSERT INTO fingerprints (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
    connection.many(put_name, [(name,) for name in sorted(wanted)])
    find = "SELECT id FROM fingerprints WHERE name = ?"
    return {name: int(connection.rows(find, (name,))[0][0]) for name in wanted}
