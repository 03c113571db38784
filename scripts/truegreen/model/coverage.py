"""Line and branch coverage by file."""

from __future__ import annotations

import msgspec


class FileCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage of one source file; line numbers are 1-based."""

    path: str
    """Relative to the repository, with `/`."""
    covered: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    branches: int = 0
    covered_branches: int = 0
    taken: frozenset[tuple[int, int]] = frozenset()
    """Branches as (from line, to line), where the tool names them; makes a merge over shards exact."""
    untaken: frozenset[tuple[int, int]] = frozenset()


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage of a stage, merged over shards; a line is covered if any shard covered it."""

    files: tuple[FileCoverage, ...] = ()
    has_branches: bool = False

    @property
    def lines(self) -> int:
        """Number of executable lines."""
        return sum(len(f.covered) + len(f.missing) for f in self.files)

    @property
    def covered_lines(self) -> int:
        """Number of executed lines."""
        return sum(len(f.covered) for f in self.files)
