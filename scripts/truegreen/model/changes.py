"""What a change changes: files and lines, against the point where it left the base branch."""

from __future__ import annotations

import msgspec


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a change; a deleted file has no lines."""

    path: str
    """As it is called now, relative to the repository, with `/`; of a deleted file, as it was called."""
    old_path: str = ""
    """As it was called before, where a rename was found; else empty."""
    added: bool = False
    """True for a file that the base does not have."""
    deleted: bool = False
    lines: frozenset[int] = frozenset()
    """1-based lines of the new content that are new or changed."""
    code: frozenset[int] | None = None
    """Lines that can run, of a file that no coverage tells about; None where that was not looked up."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """A whole change."""

    base: str
    """Commit it is compared with."""
    head: str = ""
    """Commit that was compared; empty for the work tree as it stands."""
    files: tuple[FileChange, ...] = ()
    ancestors: frozenset[str] | None = None
    """The base and the newest commits before it; None where the clone does not hold them all."""

    def of(self, path: str) -> FileChange | None:
        """Return the change of a file, or None when it is unchanged."""
        return next((file for file in self.files if file.path == path), None)
