"""Coverage of the whole, of each component and of each changed file, against a run of the base branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import coverage as figures
from truegreen.analysis.paths import matches
from truegreen.model.coverage import Coverage, FileCoverage
from truegreen.model.detail import ChangedFile, CoverageChange, Covered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from truegreen.model.changes import Changes, FileChange
    from truegreen.model.history import PastCoverage

    _Files = Mapping[str, FileCoverage]

FILES_MAX = 500
"""Changed files that are listed, those with most uncovered changed lines first."""
PLACES_MAX = 50
"""Runs of uncovered changed lines that are listed of each."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of the project counts, as the gates on coverage are told."""

    exclude: tuple[str, ...] = ()
    """Files that do not count, as patterns."""
    components: dict[str, tuple[str, ...]] = {}
    """Name → patterns of its files."""


def of(
    now: Coverage,
    past: Sequence[PastCoverage],
    changes: Changes | None,
    patch: Iterable[FileCoverage],
    asked: Asked,
) -> CoverageChange:
    """Return what is covered now, and what was on the base commit, or else in the newest run of its branch.

    Args:
        now: of the run that is judged.
        past: of runs of the default branch, newest first.
        changes: what the change changes; None when there is none, or it is not known.
        patch: the changed lines of each changed file that count, as gate `patch-coverage` counts them.
        asked: what of the project counts.
    """
    exact = next((run for run in past if changes is not None and run.commit == changes.base), None)
    base = exact or next(iter(past), None)
    here, there = _counting(now, asked), _counting(base.coverage if base else Coverage(), asked)
    files = _files(here, there, {file.path: file for file in patch}, changes)
    return CoverageChange(
        base=base.commit if base and there else "",
        exact=exact is not None and bool(there),
        total=_covered("", here.values(), there.values()),
        components=tuple(
            _covered(name, _matching(here, patterns), _matching(there, patterns))
            for name, patterns in asked.components.items()
        ),
        files=files[:FILES_MAX],
        changed_files=len(files),
        changed_lines=sum(file.lines for file in files),
        covered_lines=sum(file.covered for file in files),
    )


def _counting(coverage: Coverage, asked: Asked) -> dict[str, FileCoverage]:
    files = (file for file in coverage.files if file.executable)
    return {file.path: file for file in files if not matches(file.path, asked.exclude)}


def _matching(files: _Files, patterns: tuple[str, ...]) -> list[FileCoverage]:
    return [file for path, file in files.items() if matches(path, patterns)]


def _covered(name: str, now: Iterable[FileCoverage], base: Iterable[FileCoverage]) -> Covered:
    here, there = figures.tally(now), figures.tally(base)
    return Covered(
        name=name, lines=here.lines, covered=here.covered, base_lines=there.lines, base_covered=there.covered
    )


def _files(now: _Files, base: _Files, patch: _Files, changes: Changes | None) -> tuple[ChangedFile, ...]:
    """Return each changed file with changed lines that count, or of which more or less is covered than was."""
    found = [_file(file, now, base, patch) for file in (changes.files if changes else ()) if not file.deleted]
    told = [one for one in found if one.lines or _moved(one.whole)]
    return tuple(sorted(told, key=lambda one: (one.covered - one.lines, one.whole.name)))


def _file(
    file: FileChange,
    now: Mapping[str, FileCoverage],
    base: Mapping[str, FileCoverage],
    patch: Mapping[str, FileCoverage],
) -> ChangedFile:
    here, there, part = now.get(file.path), base.get(file.old_path or file.path), patch.get(file.path)
    blocks = figures.blocks([part], now) if part else []
    return ChangedFile(
        whole=_covered(file.path, [here] if here else [], [there] if there else []),
        lines=part.executable.bit_count() if part else 0,
        covered=part.covered.bit_count() if part else 0,
        uncovered=tuple(sorted((block.first, block.last) for block in blocks)[:PLACES_MAX]),
        places=len(blocks),
    )


def _moved(whole: Covered) -> bool:
    """Return whether a file that was measured there and here has another coverage."""
    return bool(whole.base_lines) and (whole.lines, whole.covered) != (whole.base_lines, whole.base_covered)
