"""Reading and writing files: atomic, digested, and bounded."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.errors import (
    EvidenceMissing,
    EvidenceStale,
    EvidenceUnreadable,
    FileUnusable,
    InternalError,
    LinkedFolder,
    TruegreenError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1 << 20
_MORE_BYTES = 1 << 16
_MACHINE = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO, errno.EFBIG)
)
"""What the machine refuses; any other error of the system may be a bug of ours."""


def unusable(error: OSError, path: Path | str = "", *, verb: str = "written") -> FileUnusable:
    """Return the explanation of a file or folder of our own that the system would not let us use."""
    place = str(path or error.filename or "")
    return FileUnusable(
        f"{Path(place).name or 'a file'} cannot be {verb}", where=place, why=error.strerror or str(error)
    )


def refused_by_machine(error: BaseException) -> FileUnusable | None:
    """Return the explanation when the machine is to blame (no space, no permission), None for anything else."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):  # a copy, file by file
        _, place, why = error.args[0][0]
        return unusable(OSError(str(why)), place)
    if not isinstance(error, OSError):
        return None
    full = error.errno == errno.ENOENT and "temporary directory" in (error.strerror or "")  # there is none to write to
    return unusable(error, verb="used") if full or error.errno in _MACHINE else None


def explained(error: Exception) -> TruegreenError:
    """Return an exception as an error that can be told: the machine's where it is to blame, else a bug of ours."""
    if isinstance(error, TruegreenError):
        return error
    why = f"{type(error).__name__}: {error}"
    return refused_by_machine(error) or InternalError("truegreen stopped on a bug of its own", why=why)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Explain every error of the system while a path is written.

    Raises:
        FileUnusable: it cannot be written; names the path and why.
    """
    try:
        yield
    except OSError as error:
        raise unusable(error, path) from None


def inside(root: Path, path: Path) -> Path:
    """Return a path of our own below the project, refused when any part of it is a symbolic link.

    A repository can commit `.truegreen` as a link; whoever empties or writes through it destroys what it names.

    Raises:
        LinkedFolder: names the link and where it leads.
    """
    place = root
    for part in path.relative_to(root).parts:
        place /= part
        if place.is_symlink():
            raise LinkedFolder(
                f"{place.relative_to(root)} is a symbolic link", where=str(place), why=f"it leads to {place.readlink()}"
            )
    return path


def folder(path: Path) -> Path:
    """Return a folder, made where it is missing.

    Raises:
        FileUnusable: it cannot be made.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_atomic(path: Path, data: bytes | str, *, mode: int = 0o644) -> Path:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Raises:
        FileUnusable: it cannot be written; the old content stays.
    """
    payload = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        _replace(path, handle, name, payload, mode)
    return path


def _replace(path: Path, handle: int, name: str, payload: bytes, mode: int) -> None:
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(payload)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def copy(source: Path, target: Path) -> Path:
    """Copy a plain file, chunk by chunk; the copy is a file of our own, also where the source is a link.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: it is no plain file, or cannot be read.
        FileUnusable: the copy cannot be written.
    """
    try:
        if not stat.S_ISREG(source.stat().st_mode):
            raise EvidenceUnreadable(f"{source.name} is not a plain file", where=str(source))
        stream = source.open("rb")
    except FileNotFoundError:
        raise EvidenceMissing(f"{source.name} is missing", where=str(source), fix="check the file's name") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise EvidenceUnreadable(f"{source.name} cannot be read", where=str(source), why=why) from None
    with stream, writing(target), target.open("wb") as out:
        shutil.copyfileobj(stream, out, CHUNK_BYTES)
    return target


def append_text(path: Path, text: str) -> None:
    """Append text to a file, creating it; for logs and the runner's command files.

    Raises:
        FileUnusable: it cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def read_limited(path: Path | str, limit_bytes: int) -> bytes:
    """Return a file's content.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: it is no plain file, cannot be read, or is larger than the limit.
    """
    try:
        # Not to block at a pipe, or at a device that never ends: what it is, is asked of what was opened.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise EvidenceUnreadable(f"{Path(path).name} is not a plain file", where=str(path))
            # Not at once as much as the limit: room for it costs more than most files.
            data = os.read(descriptor, min(status.st_size, limit_bytes) + 1)
            while (
                len(data) != status.st_size and len(data) <= limit_bytes and (more := os.read(descriptor, _MORE_BYTES))
            ):
                data += more
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise EvidenceMissing(f"{Path(path).name} is missing", where=str(path)) from None
    except OSError as error:
        raise EvidenceUnreadable(
            f"{Path(path).name} cannot be read", where=str(path), why=error.strerror or str(error)
        ) from None
    if len(data) > limit_bytes:
        raise EvidenceUnreadable(
            f"{Path(path).name} has {max(status.st_size, len(data)):,} bytes, the limit is {limit_bytes:,}",
            where=str(path),
            fix="make the tool write less, or split the run into shards",
        )
    return data


def fresh_dir(path: Path) -> Path:
    """Return the folder, emptied; stale evidence must never be found in it.

    Raises:
        EvidenceStale: something in it cannot be removed.
        FileUnusable: it cannot be made.
    """
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
    except NotADirectoryError as error:  # a file stands where its parent should be
        raise unusable(error, path) from None
    except OSError as error:
        raise EvidenceStale(
            f"{path.name} cannot be emptied",
            where=str(path),
            why=error.strerror or str(error),
            fix="remove it by hand; files written in a container may belong to another user",
        ) from None
    with writing(path):
        path.mkdir(parents=True)
    return path
