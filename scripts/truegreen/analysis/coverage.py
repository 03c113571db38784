"""Ratios, components and runs of uncovered lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.paths import matches
from truegreen.model.coverage import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.model.coverage import Coverage, FileCoverage

_RANGES_SHOWN = 6
_PARTS = 10**9
"""Thresholds are compared as whole numbers of such parts of a percent: 8.8 % of 750 lines are 66, not a bit more."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and branches of a set of files."""

    lines: int = 0
    covered: int = 0
    branches: int = 0
    covered_branches: int = 0


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring executable lines that no test ran; usually one test covers all of them."""

    path: str
    first: int
    last: int
    lines: int
    """Executable lines in it."""


def tally(files: Iterable[FileCoverage]) -> Tally:
    """Return the sums over files."""
    found = list(files)
    return Tally(
        lines=sum(f.executable.bit_count() for f in found),
        covered=sum(f.covered.bit_count() for f in found),
        branches=sum(f.branches for f in found),
        covered_branches=sum(f.covered_branches for f in found),
    )


def reaches(part: int, whole: int, percent: float) -> bool:
    """Return whether part of whole is at least a percentage; nothing out of nothing never is."""
    return whole > 0 and lacking(part, whole, percent) == 0


def lacking(part: int, whole: int, percent: float) -> int:
    """Return how much more of a whole reaches a percentage; 0 when it is reached."""
    wanted = -(-round(percent * _PARTS) * whole // (100 * _PARTS))
    return max(0, wanted - part)


def percent(part: int, whole: int) -> str:
    """Return a percentage rounded down, so that 79.999 is never shown as the 80 it does not reach."""
    if not whole:
        return "nothing measured"
    hundredths = part * 10_000 // whole
    return f"{hundredths // 100}.{hundredths % 100:02} %"


def of_component(coverage: Coverage, patterns: Iterable[str]) -> tuple[FileCoverage, ...]:
    """Return the measured files of a component."""
    wanted = tuple(patterns)
    return tuple(file for file in coverage.files if matches(file.path, wanted))


def blocks(files: Iterable[FileCoverage], measured: Mapping[str, FileCoverage] | None = None) -> list[Block]:
    """Return the runs of uncovered lines, the largest first.

    Args:
        files: whose lines count.
        measured: path → the whole file, where only some lines of it count: one that ran parts two runs too.
    """
    whole = measured or {}
    found = [block for file in files for block in _blocks(file, whole[file.path].covered if file.path in whole else 0)]
    return sorted(found, key=lambda block: (-block.lines, block.path, block.first))


def _blocks(file: FileCoverage, covered: int = 0) -> list[Block]:
    found: list[Block] = []
    current: list[int] = []
    missing = set(lines_of(file.missing))
    for line in (*lines_of(file.executable | covered), 0):
        if line in missing:
            current.append(line)
        elif current:
            found.append(Block(path=file.path, first=current[0], last=current[-1], lines=len(current)))
            current = []
    return found


def ranges(file: FileCoverage) -> str:
    """Return the uncovered lines as `12-20, 33`, shortened."""
    texts = [str(b.first) if b.first == b.last else f"{b.first}-{b.last}" for b in _blocks(file)]
    more = f" and {len(texts) - _RANGES_SHOWN} more places" if len(texts) > _RANGES_SHOWN else ""
    return ", ".join(texts[:_RANGES_SHOWN]) + more
