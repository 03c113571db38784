"""The last lines of the logs of services, for stages that are red."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import TruegreenError
from truegreen.model.verdict import LogTail
from truegreen.runtime import files

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.verdict import KeptFile, Report, StageReport

_FOLDER = "services"
"""Where a stage keeps the logs of its services."""
_LOGS_MAX, _LINES_MAX, _CHARACTERS_MAX = 5, 15, 4_000
_LIMIT_BYTES = 16 << 20


def with_logs(report: Report, place: Path) -> Report:
    """Return the report with the ends of logs.

    A log that is gone, too large or not the one that was written when its stage ended is left out: it is looked at,
    never judged.

    Args:
        report: as it was judged.
        place: the evidence it was judged on.
    """
    stages = tuple(_with_logs(stage, place) if stage.status.red else stage for stage in report.stages)
    return msgspec.structs.replace(report, stages=stages)


def _with_logs(stage: StageReport, place: Path) -> StageReport:
    kept = [file for file in stage.files if file.kind == "log" and PurePosixPath(file.path).parent.name == _FOLDER]
    tails = (_tail(file, place) for file in kept[:_LOGS_MAX])
    return msgspec.structs.replace(stage, logs=tuple(tail for tail in tails if tail))


def _tail(file: KeptFile, place: Path) -> LogTail | None:
    path = place / file.path
    try:
        if not path.resolve().is_relative_to(place.resolve()):
            return None
        data = files.read_limited(path, _LIMIT_BYTES)
    except (TruegreenError, OSError, ValueError):
        return None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        return None
    lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    shown = "\n".join(lines[-_LINES_MAX:])[-_CHARACTERS_MAX:]
    return LogTail(service=PurePosixPath(file.path).stem, text=shown, path=file.path) if shown else None
