"""Ratios, components and the cheapest lines to cover."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.paths import matches
from truegreen.model.coverage import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.coverage import Coverage, FileCoverage

_RANGES_SHOWN = 6


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
    return whole > 0 and part * 100 >= percent * whole


def percent(part: int, whole: int) -> str:
    """Return a percentage rounded down, so that 79.999 is never shown as the 80 it does not reach."""
    return f"{math.floor(part * 10000 / whole) / 100:.2f} %" if whole else "nothing measured"


def of_component(coverage: Coverage, patterns: Iterable[str]) -> tuple[FileCoverage, ...]:
    """Return the measured files of a component."""
    wanted = tuple(patterns)
    return tuple(file for file in coverage.files if matches(file.path, wanted))


def blocks(files: Iterable[FileCoverage]) -> list[Block]:
    """Return the runs of uncovered lines, the largest first."""
    found = [block for file in files for block in _blocks(file)]
    return sorted(found, key=lambda block: (-block.lines, block.path, block.first))


def _blocks(file: FileCoverage) -> list[Block]:
    found: list[Block] = []
    current: list[int] = []
    missing = set(lines_of(file.missing))
    for line in (*lines_of(file.executable), 0):
        if line in missing:
            current.append(line)
        elif current:
            found.append(Block(path=file.path, first=current[0], last=current[-1], lines=len(current)))
            current = []
    return found


def cheapest(files: Iterable[FileCoverage], percent_wanted: float) -> list[Block]:
    """Return the fewest blocks that would reach a percentage of lines; empty when it is reached."""
    found = list(files)
    total = tally(found)
    lacking = math.ceil(percent_wanted * total.lines / 100 - 1e-9) - total.covered
    chosen: list[Block] = []
    for block in blocks(found):
        if lacking <= 0:
            break
        chosen.append(block)
        lacking -= block.lines
    return chosen


def ranges(file: FileCoverage) -> str:
    """Return the uncovered lines as `12-20, 33`, shortened."""
    texts = [str(b.first) if b.first == b.last else f"{b.first}-{b.last}" for b in _blocks(file)]
    more = f" and {len(texts) - _RANGES_SHOWN} more places" if len(texts) > _RANGES_SHOWN else ""
    return ", ".join(texts[:_RANGES_SHOWN]) + more
