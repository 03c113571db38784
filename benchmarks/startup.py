"""Start-up: `truegreen --version` beside a bare interpreter, and a gate command before it reads evidence."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNS = 21


def version() -> Iterator[measure.Row]:
    """Yield the cold start, interleaved with a bare interpreter so that both see the same load."""
    ours, bare = _interleaved(measure.truegreen("--version"), [str(measure.PYTHON), "-I", "-c", "pass"])
    times = statistics.median(ours) / statistics.median(bare)
    note = f"{times:.1f} x a bare interpreter ({statistics.median(bare) * 1000:.0f} ms)"
    yield measure.row("truegreen --version", 60, ours, note=note)


def gate() -> Iterator[measure.Row]:
    """Yield `truegreen gate` on a project without evidence: everything but reading it."""
    with measure.project() as folder:
        # 3 is the right answer here: a planned stage without evidence is blind.
        times = [
            measure.timed(measure.truegreen("gate", "unit", "-q"), cwd=folder, env=measure.plain_env(), codes=(3,))[0]
            for _ in range(RUNS)
        ]
    yield measure.row("truegreen gate, no evidence", 150, times, note="configuration, plan, git, judge, report")


def _interleaved(*commands: Sequence[str]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for found, command in zip(times, commands, strict=True):
            found.append(measure.timed(command)[0])
    return times
