"""Start-up: `truegreen --version` beside a bare interpreter, and a gate command before it reads evidence."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNS = 21


def version() -> Iterator[measure.Row]:
    """Yield the cold start, interleaved with a bare interpreter so that both see the same load."""
    ours, bare = _interleaved(lambda: measure.timed(measure.truegreen("--version"))[0])
    yield measure.row("truegreen --version", 60, ours, note=_beside(ours, bare))


def gate() -> Iterator[measure.Row]:
    """Yield `truegreen gate` on a project without evidence, everything but reading it, interleaved in the same way."""
    with measure.project() as folder:
        command, env = measure.truegreen("gate", "unit", "-q"), measure.plain_env()
        # 3 is the right answer here: a planned stage without evidence is blind.
        ours, bare = _interleaved(lambda: measure.timed(command, cwd=folder, env=env, codes=(3,))[0])
    note = f"configuration, plan, git, judge, report; {_beside(ours, bare)}"
    yield measure.row("truegreen gate, no evidence", 150, ours, note=note)


def _interleaved(ours: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Return our times and those of an interpreter that does nothing, taken in turn."""
    bare = [str(measure.PYTHON), "-I", "-c", "pass"]
    pairs = [(ours(), measure.timed(bare)[0]) for _ in range(RUNS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _beside(ours: list[float], bare: list[float]) -> str:
    """Return the ratio to an interpreter that does nothing: it stays when the whole machine is slow."""
    idle = statistics.median(bare)
    return f"{statistics.median(ours) / idle:.1f} x a bare interpreter ({idle * 1000:.0f} ms)"
