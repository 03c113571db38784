"""Uncovered lines of unchanged files, now and before; chance is told apart from change."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.model.coverage import Coverage, FileCoverage
    from truegreen.model.history import PastCoverage


class FileStep(msgspec.Struct, frozen=True, kw_only=True):
    """One unchanged file, as bit sets of lines; lines that flicker are in neither set of uncovered lines."""

    path: str
    before: int
    """Uncovered on the base."""
    now: int
    flickering: int = 0

    @property
    def growth(self) -> int:
        """Return how many more lines are uncovered; below zero when there are fewer."""
        return self.now.bit_count() - self.before.bit_count()


def flicker(runs: Iterable[PastCoverage]) -> dict[tuple[str, int], int]:
    """Return the lines that ran in some runs of a tree and not in others.

    Returns:
        (path, executable lines) → bit set. The executable lines stand for the text of the file: where they
        differ, line numbers of one text say nothing about the other.
    """
    by_tree: dict[str, list[PastCoverage]] = defaultdict(list)
    for run in runs:
        if run.tree:
            by_tree[run.tree].append(run)
    found: dict[tuple[str, int], int] = defaultdict(int)
    for same in by_tree.values():
        if len(same) == 1:
            continue
        seen: dict[tuple[str, int], list[FileCoverage]] = defaultdict(list)
        for file in (file for run in same for file in run.coverage.files):
            seen[file.path, file.executable].append(file)
        for key, files in seen.items():
            ever, always = 0, -1
            for file in files:
                ever, always = ever | file.covered, always & file.covered
            found[key] |= ever & ~always
    return {key: lines for key, lines in found.items() if lines}


def steps(base: Coverage, now: Coverage, runs: Sequence[PastCoverage], changed: frozenset[str]) -> list[FileStep]:
    """Return the unchanged files that both runs measured, in the order of now.

    A file counts as unchanged when it is not among the changed ones and has the executable lines it had.
    """
    chance = flicker(runs)
    before = {file.path: file for file in base.files}
    found = []
    for file in now.files:
        past = before.get(file.path)
        if past is None or file.path in changed or past.executable != file.executable:
            continue
        doubtful = chance.get((file.path, file.executable), 0)
        found.append(
            FileStep(
                path=file.path,
                before=past.missing & ~doubtful,
                now=file.missing & ~doubtful,
                flickering=doubtful,
            )
        )
    return found
