"""What `git diff --raw --patch --unified=0` says, as records; pure, in memory that does not grow with the diff."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.changes import FileChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HUNK = re.compile(rb"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_RAW = re.compile(rb":(\d{6}) (\d{6}) \S+ \S+ ([A-Z])\d*\t")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_REGULAR = (b"100644", b"100755")
_ADDED, _DELETED = b"AC", b"D"


class DiffUnreadable(ValueError):
    """The text is no output of `git diff`, or a part of it is missing."""


def parse(lines: Iterable[bytes]) -> tuple[FileChange, ...]:
    r"""Return the changed files in git's order.

    Submodules and symbolic links are named without lines: there is no source line in them.

    Args:
        lines: the output cut at `\n` alone, since source lines may hold any other byte.

    Raises:
        DiffUnreadable: with the line that does not fit.
    """
    stream = iter(lines)
    files, rest = _raw(stream)
    changed: dict[str, set[int]] = {}
    for path, first, number in _hunks(rest, stream):
        if path not in files:
            raise DiffUnreadable(f"lines of {path!r}, which is not among the changed files")
        changed.setdefault(path, set()).update(range(first, first + number))
    return tuple(
        msgspec.structs.replace(file, lines=frozenset(changed.get(path, ()) if plain else ()))
        for path, (file, plain) in files.items()
    )


def _raw(stream: Iterator[bytes]) -> tuple[dict[str, tuple[FileChange, bool]], bytes]:
    """Return path → (file, whether it is a regular file now), and the first line after the list."""
    files: dict[str, tuple[FileChange, bool]] = {}
    line = b""
    for line in stream:
        match = _RAW.match(line)
        if match is None:
            break
        _, mode, status = match.groups()
        names = [unquoted(name) for name in line[match.end() :].rstrip(b"\n").split(b"\t")]
        if status not in b"ACDMRTU" or len(names) != (2 if status in b"RC" else 1):
            raise DiffUnreadable(f"no entry of a changed file: {line[:200]!r}")
        file = FileChange(
            path=names[-1],
            old_path=names[0] if status == b"R" else "",
            added=status in _ADDED,
            deleted=status == _DELETED,
        )
        files[file.path] = (file, mode in _REGULAR)
    return files, line if not _RAW.match(line) else b""


def _hunks(first: bytes, stream: Iterator[bytes]) -> Iterator[tuple[str, int, int]]:
    """Yield (path, first new line, number of new lines) of each hunk.

    The body of a hunk is stepped over by its counts, so that no source line is mistaken for a header.
    """
    path = ""
    line: bytes | None = first
    while line is not None:
        if line.startswith(b"diff --git "):
            path = ""
        elif line.startswith(b"+++ ") and not path:
            path = _target(line)
        elif match := _HUNK.match(line):
            old, start, new = match.groups()
            removed, added = int(old or 1), int(new or 1)
            if added and path:
                yield path, int(start), added
            _skip(stream, removed + added, line)
        elif line.startswith((b"+", b"-", b" ")) and not line.startswith((b"--- ", b"+++ ")):
            raise DiffUnreadable(f"a source line outside a hunk: {line[:200]!r}")
        line = next(stream, None)


def _skip(stream: Iterator[bytes], number: int, hunk: bytes) -> None:
    """Step over the body of a hunk; a note on a missing newline at the end of a file is no line of it."""
    left = number
    while left:
        line = next(stream, None)
        if line is None:
            raise DiffUnreadable(f"it ends within a hunk: {hunk[:200]!r}")
        left -= not line.startswith(b"\\")


def _target(line: bytes) -> str:
    """Return the new path of a `+++` line; empty for a deleted file. A tab marks the end of a name with spaces."""
    name = unquoted(line[4:].rstrip(b"\n").removesuffix(b"\t"))
    return "" if name == "/dev/null" else name.removeprefix("b/")


def unquoted(name: bytes) -> str:
    r"""Return a path as git writes it: quoted like a C string where it holds unusual bytes.

    Bytes that are no UTF-8 are written out as `\xff`, so that two names never become one.
    """
    if name.startswith(b'"') and name.endswith(b'"') and len(name) > 1:
        name = _ESCAPE.sub(_byte, name[1:-1])
    return name.decode("utf-8", "backslashreplace")


def _byte(match: re.Match[bytes]) -> bytes:
    text = match.group(1)
    return bytes([int(text, 8) & 255]) if len(text) > 1 else _LETTERS.get(text, text)
