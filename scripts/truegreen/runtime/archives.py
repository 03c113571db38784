"""The only place that opens an archive somebody else made; nothing of it is ever unpacked to a disk.

One file is read, into memory and within limits. The others are looked at by name alone: an archive that holds
what no honest upload makes (paths that climb, links, names twice) is refused as a whole, and says why.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EvidenceUnreadable

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UNIX = 3
_NAME_LIMIT = 1024
_SHOWN = 80


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an archive is taken."""

    member_bytes: int
    """Most that the one file may hold when it is inflated, whatever the archive declares."""
    members: int = 20_000
    """Most files in the archive."""
    directory_bytes: int = 4 << 20
    """Most that the table of contents may hold: it is read at once."""


def member(path: Path, name: str, limits: Limits) -> bytes:
    """Return the content of one file in a ZIP archive.

    Args:
        path: the archive.
        name: of the file, exactly as it stands there.
        limits: on the file, and on the table of contents.

    Raises:
        EvidenceUnreadable: no archive, no such file, over a limit, or one that no honest upload makes.
    """
    data = optional_member(path, name, limits)
    if data is None:
        raise _refusal(f"it holds no {name}", path)
    return data


def optional_member(path: Path, name: str, limits: Limits) -> bytes | None:
    """Return the content of one file in a ZIP archive, or None where an archive has no such file.

    Args:
        path: the archive.
        name: of the file, exactly as it stands there.
        limits: on the file, and on the table of contents.

    Raises:
        EvidenceUnreadable: no archive, over a limit, or one that no honest upload makes.
    """
    try:
        with path.open("rb") as stream, zipfile.ZipFile(_Sparing(stream, limits.directory_bytes)) as archive:
            found = _only(archive.infolist(), name, limits)
            if found is None:
                return None
            with archive.open(found) as content:
                data = content.read(limits.member_bytes + 1)
    except _REFUSED as error:
        raise _refusal(f"{type(error).__name__}: {error}"[:200], path) from None
    if len(data) > limits.member_bytes:
        raise _refusal(f"{name} holds more than {limits.member_bytes:,} bytes", path)
    return data


_REFUSED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
            OverflowError, IndexError, struct.error)  # fmt: skip
"""What the standard library says of archives that are broken, or of another kind than they claim."""


class _Sparing(io.RawIOBase):
    """A file of which nobody reads much at once: a table of contents of any size would fill the memory."""

    def __init__(self, stream: IO[bytes], most_bytes: int) -> None:
        super().__init__()
        self._stream = stream
        self._most_bytes = most_bytes

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; raises ValueError for a wish beyond the limit."""
        data = self._stream.read(self._most_bytes + 1 if size < 0 else min(size, self._most_bytes + 1))
        if len(data) > self._most_bytes:
            raise ValueError(f"its table of contents has more than {self._most_bytes:,} bytes")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """Return that places can be gone to."""
        return True


def _only(entries: list[zipfile.ZipInfo], name: str, limits: Limits) -> zipfile.ZipInfo | None:
    """Return the one entry of a name, if any, after a look at all of them; raises ValueError with the reason."""
    if len(entries) > limits.members:
        raise ValueError(f"it holds {len(entries):,} files, the limit is {limits.members:,}")
    seen: set[str] = set()
    for entry in entries:
        if why := _odd(entry) or ("a name that is there twice" if entry.filename in seen else ""):
            raise ValueError(f"{entry.filename[:_SHOWN]!a} is {why}")
        seen.add(entry.filename)
    found = next((entry for entry in entries if entry.filename == name), None)
    if found is not None and found.file_size > limits.member_bytes:
        raise ValueError(f"{name} declares {found.file_size:,} bytes, the limit is {limits.member_bytes:,}")
    return found


def _odd(entry: zipfile.ZipInfo) -> str:
    """Return why an entry is none that an upload of plain files makes, or nothing."""
    name = entry.orig_filename
    if not name or len(name) > _NAME_LIMIT or not name.isprintable() or name != entry.filename:
        return "no name of a file"
    if name.startswith("/") or "\\" in name or name[1:2] == ":" or ".." in name.split("/"):
        return "a path that leads out of the archive"
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == _UNIX else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or a device"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    return "" if entry.compress_type in _PLAIN else f"compressed by method {entry.compress_type}"


def _refusal(why: str, path: Path) -> EvidenceUnreadable:
    return EvidenceUnreadable(
        "the archive is not one that a report leaves",
        where=path.name,
        why=why,
        fix="look at the run that uploaded it: nothing in it was unpacked or believed",
    )
