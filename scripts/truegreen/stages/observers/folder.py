"""Files in a folder: what is new in it, or other than it was."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

import msgspec

from truegreen.model.persistence import Window
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.service import ServiceHandle

_CHUNK_BYTES = 1 << 20


class _File(msgspec.Struct, frozen=True):
    """One file as it was."""

    inode: int
    size: int
    changed_ns: tuple[int, int]
    """When its content and when anything about it changed."""
    digest: bytes = b""


class FolderObserver:
    """Files that were really left behind.

    - **store**: files in one of the stage's `folders`
    - **technique**: inode and SHA-256 of every file, at two positions
    - **counts**: a file that is there and was not, or has another inode (written beside and renamed) or other content,
      as kind `write`, by its path in the folder; a file that went is a `removal`
    - **does not count**: a file written and deleted again, one that was there already, a new date alone, folders,
      symbolic links and what they point to; an empty file has kind `empty-write`, which only
      `persists(kind="empty-write")` accepts
    - **verified against**: the file system of Linux
    """

    kind: ClassVar[str] = "folder"
    durable: ClassVar[bool] = False
    tier: str = "A: inodes and digests of files"
    version: str = ""

    def __init__(self, server: ServiceHandle) -> None:
        self._name = server.name
        self._folder = Path(unquote(urlsplit(server.url).path))
        self._known: dict[str, _File] = {}
        self.position()

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return nothing: a folder has no databases."""
        del server
        return ()

    def position(self) -> dict[str, _File]:
        """Return what is in the folder; only files that changed since the last call are read."""
        found: dict[str, _File] = {}
        for path in self._paths():
            try:
                state = path.lstat()
                if S_ISREG(state.st_mode):
                    file = _File(state.st_ino, state.st_size, (state.st_mtime_ns, state.st_ctime_ns))
                    found[path.relative_to(self._folder).as_posix()] = self._digested(path, file)
            except FileNotFoundError:  # it went while we looked
                continue
        self._known = found
        return found

    def between(self, start: dict[str, _File], end: dict[str, _File]) -> Window:
        """Return the files left between two positions."""
        changed: Counter[tuple[str, str, str]] = Counter()
        for name, file in end.items():
            before = start.get(name)
            if before is None or (before.inode, before.digest) != (file.inode, file.digest):
                changed["", _told(name), "write" if file.size else "empty-write"] += 1
        for name in start.keys() - end.keys():
            changed["", _told(name), "removal"] += 1
        return Window(listed(self._name, changed))

    def close(self) -> None:
        """Do nothing."""

    def _paths(self) -> Iterator[Path]:
        for folder, _, names in os.walk(self._folder, onerror=_raise):
            yield from (Path(folder, name) for name in names)

    def _digested(self, path: Path, file: _File) -> _File:
        known = self._known.get(path.relative_to(self._folder).as_posix())
        if known is not None and msgspec.structs.replace(known, digest=b"") == file:
            return known
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        return msgspec.structs.replace(file, digest=digest.digest())


def _told(name: str) -> str:
    """Return a name that can be written down: the system takes any bytes for one."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _raise(error: OSError) -> None:
    """Let a folder be missing; what cannot be read is no silence."""
    if not isinstance(error, FileNotFoundError):
        raise error
