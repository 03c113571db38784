"""Reading and writing files: atomic, digested, and bounded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from truegreen.errors import EvidenceMissing, EvidenceUnreadable

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
        EvidenceUnreadable: it cannot be read, or is larger than the limit.
    """
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise EvidenceUnreadable(
                f"{path.name} has {size:,} bytes, the limit is {limit_bytes:,}",
                where=str(path),
                fix="make the tool write less, or split the run into shards",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise EvidenceMissing(f"{path.name} is missing", where=str(path)) from None
    except OSError as error:
        raise EvidenceUnreadable(
            f"{path.name} cannot be read", where=str(path), why=error.strerror or str(error)
        ) from None


def fresh_dir(path: Path) -> Path:
    """Return the folder, emptied; stale evidence must never be found in it."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path
