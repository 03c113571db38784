"""What the stores need of a database, and the rows of a run in it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from truegreen.model.history import PastRun, PastStage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.model.results import RunResults

Row = tuple[Any, ...]
HEADER = (
    "run_key, commit_sha, created, status, duration_s, tests, failed, flaky, line_ratio, tree, environment, branch, "
    "base, repository, ref, event, run_url"
)
"""Columns of a run, in the order of `header`."""
STAGE = "stage, status, duration_s, tests, infrastructure"
"""Columns of a stage, in the order of `stage_row`."""
NEWEST = "SELECT id FROM runs ORDER BY created DESC, id DESC LIMIT ?"


class Connection(Protocol):
    """A connection to a database; statements have `?` where a value goes."""

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a statement; none for one that gives none."""
        ...

    def many(self, statement: str, values: Iterable[Sequence[object]]) -> None:
        """Run a statement for each tuple of values."""
        ...


def header(results: RunResults) -> Row:
    """Return the columns of a run."""
    run = results.run
    numbers = (run.duration_s, run.tests, run.failed, run.flaky, run.line_ratio)
    code = (run.tree, run.environment, run.branch, int(run.base))
    origin = (results.repository, results.ref, results.event, results.run_url)
    return (run.run, run.commit, run.created, run.status, *numbers, *code, *origin)


def stage_row(stage: PastStage) -> Row:
    """Return the columns of a stage."""
    return (stage.stage, stage.status, stage.duration_s, stage.tests, stage.infrastructure)


def past_run(row: Row, stages: Iterable[Row], **more: Any) -> PastRun:
    """Return a run from its columns and those of its stages."""
    run, commit, created, status, duration_s, tests, failed, flaky, line_ratio, tree, environment, branch, base = row[
        :13
    ]
    return PastRun(
        run=run,
        commit=commit,
        created=created,
        status=status,
        duration_s=duration_s,
        tests=tests,
        failed=failed,
        flaky=flaky,
        line_ratio=line_ratio,
        tree=tree,
        environment=environment,
        branch=branch,
        base=bool(base),
        stages=tuple(
            PastStage(stage=name, status=verdict, duration_s=seconds, tests=ran, infrastructure=broken)
            for name, verdict, seconds, ran, broken in stages
        ),
        **more,
    )


def checksum(row: Row, stages: list[Row], attempts: list[Row]) -> int:
    """Return the checksum of the rows of a run: its columns, those of its stages, and what did not pass."""
    return zlib.crc32(msgspec.msgpack.encode((row, stages, attempts)))
