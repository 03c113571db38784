"""The fewest places whose lines or branches bring a coverage to its threshold.

Lines and branches are counted, and not the work that a test of them takes: that is not in any file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import coverage as figures
from truegreen.analysis.coverage import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truegreen.model.coverage import FileCoverage


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a threshold can be reached."""

    unit: str
    """What is counted: `line` or `branch`."""
    lacking: int
    """So many more of them reach the threshold; 0 when it is reached."""
    places: tuple[Block, ...] = ()
    """The fewest that hold so many, the largest first; all there are where the report names too few."""

    @property
    def counted(self) -> int:
        """Lines or branches in these places."""
        return sum(place.lines for place in self.places)

    @property
    def whole(self) -> bool:
        """False where the report does not say where everything lies that is lacking."""
        return self.counted >= self.lacking


def lines(files: Iterable[FileCoverage], percent: float, measured: Mapping[str, FileCoverage] | None = None) -> Way:
    """Return the fewest runs of uncovered lines that reach a percentage of all lines.

    Args:
        files: whose lines count.
        percent: the threshold.
        measured: path → the whole file, where only some lines of it count.
    """
    found = list(files)
    sums = figures.tally(found)
    return _way("line", figures.lacking(sums.covered, sums.lines, percent), figures.blocks(found, measured))


def branches(files: Iterable[FileCoverage], percent: float) -> Way:
    """Return the fewest lines whose branches reach a percentage of all branches.

    A report that counts branches by file alone names none of them.
    """
    found = list(files)
    sums = figures.tally(found)
    places = sorted(
        (place for file in found for place in _untaken(file)), key=lambda one: (-one.lines, one.path, one.first)
    )
    return _way("branch", figures.lacking(sums.covered_branches, sums.branches, percent), places)


def _untaken(file: FileCoverage) -> Iterable[Block]:
    """Yield each line that some branch does not leave, with the number of these branches."""
    left = Counter(first for first, _ in file.untaken)
    for line, taken, total in file.counted:  # one that is both named and counted is one
        left[line] = max(left[line], total - taken)
    found = ((line, number) for line, number in left.items() if number > 0)
    return (Block(path=file.path, first=line, last=line, lines=number) for line, number in found)


def _way(unit: str, lacking: int, places: Sequence[Block]) -> Way:
    """Return the first places that hold what is lacking, the last of them as small as it may be.

    No fewer places do: any others of the same number hold at most as much as the largest.

    Args:
        unit: what is counted.
        lacking: how many are.
        places: the largest first.
    """
    chosen: list[Block] = []
    left = lacking
    for place in places:
        if left <= 0:
            break
        chosen.append(place)
        left -= place.lines
    if chosen and left <= 0:
        left += chosen.pop().lines
        enough = [place for place in places[len(chosen) :] if place.lines >= left]
        chosen.append(min(enough, key=lambda place: place.lines))
    return Way(unit=unit, lacking=lacking, places=tuple(chosen))
