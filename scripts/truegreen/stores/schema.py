"""The tables of a history, in the dialects of the stores, and how older ones become the present ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.model.history import PastRun, PastStage
from truegreen.model.results import RunResults
from truegreen.stores import content, tally, writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truegreen.stores.database import Connection

VERSION_1 = (
    """CREATE TABLE runs (
        id {key}, run_key TEXT NOT NULL UNIQUE, commit_sha TEXT NOT NULL, created TEXT NOT NULL, status TEXT NOT NULL,
        duration_s {real} NOT NULL, tests {integer} NOT NULL, failed {integer} NOT NULL, flaky {integer} NOT NULL,
        line_ratio {real}, repository TEXT NOT NULL, ref TEXT NOT NULL, event TEXT NOT NULL, run_url TEXT NOT NULL,
        stages TEXT NOT NULL
    ){strict}""",
    "CREATE INDEX runs_by_time ON runs (created DESC, id DESC)",
    "CREATE TABLE incidents (key TEXT PRIMARY KEY, value TEXT NOT NULL){strict}",
)
"""Runs and incidents; the stages of a run as JSON, no single results."""

VERSION_2 = (
    "ALTER TABLE runs RENAME TO runs_1",
    "DROP INDEX runs_by_time",
    """CREATE TABLE runs (
        id {key}, run_key TEXT NOT NULL UNIQUE, commit_sha TEXT NOT NULL, created TEXT NOT NULL, status TEXT NOT NULL,
        duration_s {real} NOT NULL, tests {integer} NOT NULL, failed {integer} NOT NULL, flaky {integer} NOT NULL,
        line_ratio {real}, tree TEXT NOT NULL, environment TEXT NOT NULL, branch TEXT NOT NULL,
        base {integer} NOT NULL, repository TEXT NOT NULL, ref TEXT NOT NULL, event TEXT NOT NULL,
        run_url TEXT NOT NULL, digest {bytes} NOT NULL, checksum {integer} NOT NULL
    ){strict}""",
    "CREATE INDEX runs_by_time ON runs (created DESC, id DESC)",
    # `present` and `skipped` name sets of tests; `durations` holds one byte for each test that is present,
    # `failed` the numbers of the tests that failed, once more, so that counting them reads no other row.
    """CREATE TABLE stages (
        id {key}, run_id {integer} NOT NULL, stage TEXT NOT NULL, status TEXT NOT NULL, duration_s {real} NOT NULL,
        tests {integer} NOT NULL, infrastructure TEXT NOT NULL, present {integer}, skipped {integer},
        durations {bytes}, failed {bytes}, UNIQUE (run_id, stage)
    ){strict}""",
    # One row for each test that neither simply passed nor was simply skipped.
    """CREATE TABLE attempts (
        stage_id {integer} NOT NULL, test {integer} NOT NULL, attempts TEXT NOT NULL, fingerprint {integer} NOT NULL,
        PRIMARY KEY (stage_id, test)
    ){clustered}""",
    # `step` is the usual duration of a test, from which its durations are counted.
    "CREATE TABLE tests (id {key}, name TEXT NOT NULL UNIQUE, step {integer} NOT NULL){strict}",
    "CREATE TABLE fingerprints (id {key}, name TEXT NOT NULL UNIQUE){strict}",
    "CREATE TABLE test_sets (id {key}, digest {bytes} NOT NULL UNIQUE, spans {bytes} NOT NULL){strict}",
    """CREATE TABLE parts (
        run_id {integer} NOT NULL, name TEXT NOT NULL, content {bytes} NOT NULL, PRIMARY KEY (run_id, name)
    ){clustered}""",
)
"""Single results: a row for each run and stage with compressed columns, and one for each test that did not pass."""

VERSION_3 = ("CREATE TABLE tally (runs {integer} NOT NULL, mark {bytes} NOT NULL){strict}",)
"""How many runs there are, so that one that is gone is missed."""


_VERSIONS = (VERSION_1, VERSION_2, VERSION_3)


def migrations(dialect: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Return the statements of each version in a dialect; each brings a store one version further.

    Versions are added, never changed: the number a store holds means the same wherever it lies.
    """
    return tuple(tuple(statement.format(**dialect) for statement in version) for version in _VERSIONS)


def migrate(connection: Connection, version: int, wanted: Sequence[Sequence[str]]) -> None:
    """Bring tables from a version (0: there are none) to the newest, inside a transaction of the caller."""
    for number, statements in enumerate(wanted[version:], start=version + 1):
        for statement in statements:
            connection.rows(statement)
        if number == 2:  # noqa: PLR2004 - the version that keeps single results
            _from_version_1(connection)
        if number == 3:  # noqa: PLR2004 - the version that counts the runs
            tally.write(connection)


def _from_version_1(connection: Connection) -> None:
    """Move the runs of version 1: they know their stages, and no single test."""
    columns = "run_key, commit_sha, created, status, duration_s, tests, failed, flaky, line_ratio"
    more = "repository, ref, event, run_url, stages"
    for row in connection.rows(f"SELECT {columns}, {more} FROM runs_1 ORDER BY id"):  # noqa: S608 - our own names
        stages = msgspec.json.decode(row[13], type=dict[str, str])
        run = PastRun(
            **dict(zip(("run", "commit", *columns.split(", ")[2:]), row, strict=False)),
            branch=row[10].removeprefix("refs/heads/") if row[10].startswith("refs/heads/") else "",
            stages=tuple(PastStage(stage=stage, status=status) for stage, status in stages.items()),
        )
        whole = RunResults(run=run, repository=row[9], ref=row[10], event=row[11], run_url=row[12])
        writing.put(connection, content.normal(whole))
    connection.rows("DROP TABLE runs_1")
