"""Reading and writing files: atomic, digested, and bounded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

from truegreen.errors import EvidenceMissing, EvidenceStale, EvidenceUnreadable

CHUNK_BYTES = 1 << 20


def write_atomic(path: Path, data: bytes | str, *, mode: int = 0o644) -> Path:
    """Write a file so that a reader sees the old content or the new one, never a part."""
    payload = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(payload)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return path


def append_text(path: Path, text: str) -> None:
    """Append text to a file, creating it; for logs and the runner's command files."""
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


def read_limited(path: Path, limit_bytes: int) -> bytes:
    """Return a file's content.

    Raises:
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: it is no plain file, cannot be read, or is larger than the limit.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, a device would never end
            raise EvidenceUnreadable(f"{path.name} is not a plain file", where=str(path))
        with path.open("rb") as stream:
            data = stream.read(limit_bytes + 1)
    except FileNotFoundError:
        raise EvidenceMissing(f"{path.name} is missing", where=str(path)) from None
    except OSError as error:
        raise EvidenceUnreadable(
            f"{path.name} cannot be read", where=str(path), why=error.strerror or str(error)
        ) from None
    if len(data) > limit_bytes:
        raise EvidenceUnreadable(
            f"{path.name} has {max(status.st_size, len(data)):,} bytes, the limit is {limit_bytes:,}",
            where=str(path),
            fix="make the tool write less, or split the run into shards",
        )
    return data


def fresh_dir(path: Path) -> Path:
    """Return the folder, emptied; stale evidence must never be found in it.

    Raises:
        EvidenceStale: something in it cannot be removed.
    """
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path)
        path.mkdir(parents=True)
    except OSError as error:
        raise EvidenceStale(
            f"{path.name} cannot be emptied",
            where=str(path),
            why=error.strerror or str(error),
            fix="remove it by hand; files written in a container may belong to another user",
        ) from None
    return path
