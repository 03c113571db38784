"""The coverage against the base in figures and plain words, for every markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis import coverage as figures
from truegreen.reporters.words import which_base

if TYPE_CHECKING:
    from truegreen.model.detail import ChangedFile, CoverageChange, Covered

_LINES_MAX = 10**12


def possible(found: CoverageChange) -> bool:
    """Return whether these are numbers of lines: a report may come as an artifact, from whoever wrote it."""
    every = (found.total, *found.components, *(file.whole for file in found.files))
    pairs = [pair for one in every for pair in ((one.covered, one.lines), (one.base_covered, one.base_lines))]
    pairs += [(found.covered_lines, found.changed_lines), *((one.covered, one.lines) for one in found.files)]
    spans = (span for one in found.files for span in one.uncovered)
    numbers = (found.changed_files, *(one.places for one in found.files))
    return (
        all(0 <= part <= whole <= _LINES_MAX for part, whole in pairs)
        and all(0 < first <= last <= _LINES_MAX for first, last in spans)
        and all(0 <= number <= _LINES_MAX for number in numbers)
    )


def worth_telling(found: CoverageChange) -> bool:
    """Return whether there is a base, a component or a changed line that did not run, and the figures can be."""
    return possible(found) and bool(found.base or found.components or told_files(found))


def covered(found: CoverageChange) -> str:
    """Return how much of everything is covered: `90.50 % of 1,000 lines`."""
    total = found.total
    return f"{figures.percent(total.covered, total.lines)} of {total.lines:,} lines" if total.lines else "nothing"


def against(found: CoverageChange) -> tuple[str, str]:
    """Return what stands before and after the commit that is compared with: the difference, and which commit it is."""
    points = f"{_step(found.total)} points against" if found.total.lines else "compared with"
    return points, which_base(exact=found.exact)


def changed_lines(found: CoverageChange) -> str:
    """Return how many of all changed lines ran; empty where none of them can run."""
    return f"{found.covered_lines:,} of {found.changed_lines:,} changed lines" if found.changed_lines else ""


def told_files(found: CoverageChange) -> tuple[ChangedFile, ...]:
    """Return the changed files; without a base to compare with, those of which a changed line did not run."""
    return tuple(one for one in found.files if one.uncovered or found.base)


def untold_files(found: CoverageChange, shown: int) -> int:
    """Return how many changed files there are beside so many that are shown."""
    return max(0, (found.changed_files if found.base else len(told_files(found))) - shown)


def heads(found: CoverageChange) -> tuple[str, ...]:
    """Return the titles of the columns of `cells`."""
    return ("Lines covered", *(("Against the base",) if found.base else ()), "Lines not covered")


def cells(one: Covered, found: CoverageChange) -> tuple[str, ...]:
    """Return of a component or a file the covered share, the points against the base if there is one, and the rest."""
    lacking = one.lines - one.covered
    grown = lacking - (one.base_lines - one.base_covered)
    missing = f"{lacking:,}" + (f" ({grown:+,})" if one.base_lines and grown else "")
    lines = f"{figures.percent(one.covered, one.lines)} of {one.lines:,}" if one.lines else "nothing measured"
    return (lines, *((_apart(one),) if found.base else ()), missing if one.lines else "")


def _apart(one: Covered) -> str:
    if not one.lines:
        return ""
    return _step(one) if one.base_lines else "not measured there"


def _step(one: Covered) -> str:
    """Return by how many points more is covered, to a hundredth; a difference is never shown as none."""
    apart, whole = one.covered * one.base_lines - one.base_covered * one.lines, one.lines * one.base_lines
    if not apart or not whole:
        return "±0"
    hundredths = max(1, (abs(apart) * 20_000 + whole) // (2 * whole))
    return f"{'+' if apart > 0 else '-'}{hundredths // 100}.{hundredths % 100:02}"


def changed(one: ChangedFile) -> str:
    """Return how many changed lines of a file ran; empty where none of them can run."""
    return f"{one.covered:,} of {one.lines:,}" if one.lines else ""


def span(first: int, last: int) -> str:
    """Return a run of lines: `10-11`, or `20` alone."""
    return f"{first}-{last}" if last > first else str(first)
