"""The last lines of the logs of services, for stages that are red."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.verdict import LogTail
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.model.verdict import KeptFile, Report, StageReport

_FOLDER = "services"
"""Where a stage keeps the logs of its services."""
_LOGS_MAX, _LINES_MAX, _CHARACTERS_MAX = 5, 15, 4_000
_END_BYTES = 1 << 20
"""In which the last lines are looked for, however large the log is."""


def with_logs(report: Report, place: Path) -> Report:
    """Return the report with the ends of logs.

    A log beyond the first few, and one that is gone or not the one that was written when its stage ended, is named with
    the reason: it is looked at, never judged.

    Args:
        report: as it was judged.
        place: the evidence it was judged on.
    """
    stages = tuple(_with_logs(stage, place) if stage.status.red else stage for stage in report.stages)
    return msgspec.structs.replace(report, stages=stages)


def _with_logs(stage: StageReport, place: Path) -> StageReport:
    return msgspec.structs.replace(stage, logs=tuple(_tails(stage, place)))


def _tails(stage: StageReport, place: Path) -> Iterator[LogTail]:
    shown = 0
    for file in stage.files:
        if file.kind != "log" or PurePosixPath(file.path).parent.name != _FOLDER:
            continue
        beyond = f"more than {_LOGS_MAX} logs" if file.size_bytes else ""
        text, why = _end(file, place) if shown < _LOGS_MAX else ("", beyond)
        if text or why:
            shown += bool(text)
            yield LogTail(service=PurePosixPath(file.path).stem, text=text, path=file.path, left_out=why)


def _end(file: KeptFile, place: Path) -> tuple[str, str]:
    """Return the last lines of a log, or why they are left out; neither where it holds nothing but empty lines."""
    path = place / file.path
    try:
        if not path.resolve().is_relative_to(place.resolve()):
            return "", "it leads out of the evidence"
        digest, end = _read(path)
    except FileNotFoundError:
        return "", "it is gone"
    except (OSError, ValueError):
        return "", "it cannot be read"
    if digest != file.sha256:
        return "", "it is not the one that was written when the stage ended"
    lines = [line for line in end.decode("utf-8", "replace").splitlines() if line.strip()]
    return "\n".join(lines[-_LINES_MAX:])[-_CHARACTERS_MAX:], ""


def _read(path: Path) -> tuple[str, bytes]:
    """Return the digest of a file and its end, read piece by piece.

    Raises:
        OSError: it cannot be read, or is no plain file.
    """
    digest, end = hashlib.sha256(), b""
    # Not to block at a pipe: what it is, is asked of what was opened.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb", buffering=0) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a plain file")
        left = status.st_size  # a file that grows is read no further
        while left > 0 and (piece := stream.read(min(left, files.CHUNK_BYTES))):
            digest.update(piece)
            left -= len(piece)
            end = (end + piece)[-_END_BYTES:]
    return digest.hexdigest(), end
