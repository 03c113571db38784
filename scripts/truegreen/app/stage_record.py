"""Writing and reading `stage.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.evidence import SCHEMA_VERSION, EvidenceFile, StageRecord
from truegreen.runtime import files

if TYPE_CHECKING:
    from pathlib import Path

NAME = "stage.json"
_LIMIT_BYTES = 16 << 20


def describe(out: Path, listed: tuple[tuple[str, str], ...]) -> tuple[EvidenceFile, ...]:
    """Return the files of a stage with digests; files nobody listed are kept as logs."""
    kinds = dict(listed)
    found = []
    for path in sorted(p for p in out.rglob("*") if p.is_file() and not p.is_symlink()):
        name = path.relative_to(out).as_posix()
        if name == NAME:
            continue
        kind = kinds.get(name, "log")
        found.append(EvidenceFile(path=name, kind=kind, sha256=files.sha256(path), size_bytes=path.stat().st_size))
    return tuple(found)


def write(out: Path, record: StageRecord) -> None:
    """Write the record atomically; it is the last file a stage leaves."""
    files.write_atomic(out / NAME, msgspec.json.format(msgspec.json.encode(record), indent=2))


def read(path: Path) -> StageRecord:
    """Return a record.

    Raises:
        EvidenceMissing: no such file.
        EvidenceUnreadable: not a record of this version.
    """
    data = files.read_limited(path, _LIMIT_BYTES)
    try:
        record = msgspec.json.decode(data, type=StageRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceUnreadable(f"{path.name} is not a stage record", where=str(path), why=str(error)) from None
    if record.schema_version != SCHEMA_VERSION:
        why = f"it has version {record.schema_version}, this is version {SCHEMA_VERSION}"
        raise EvidenceUnreadable(f"{path.name} is of another version", where=str(path), why=why)
    return record
