"""Whether a report of coverage can be one of the sources that are checked out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.errors import EvidenceUnreadable, TruegreenError
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.coverage import Coverage

_LIMIT_BYTES = 64 << 20
_FIX = "measure the commit that is checked out, and bring the report of that run"


def refuse_other_state(coverage: Coverage, path: Path, root: Path) -> Coverage:
    """Return the coverage, where it can be one of the sources as they are.

    Args:
        coverage: what a report says.
        path: the report.
        root: the project.

    Raises:
        EvidenceUnreadable: none of its files is in the project, or a line lies beyond the end of its file.
    """
    known = 0
    for file in coverage.files:
        last = file.executable.bit_length() - 1
        held = _lines(root, file.path)
        if held is None:
            continue
        known += 1
        if last > held:
            raise beyond_end(path, file.path, last, held)
    if not known:
        shown = coverage.files[0].path[:200] if coverage.files else "none"
        raise EvidenceUnreadable(
            f"{path.name} carries no verdict",
            where=str(path),
            why=f"none of its files is in the project: {shown}",
            fix=_FIX,
        )
    return coverage


def beyond_end(report: Path, name: str, line: int, held: int) -> EvidenceUnreadable:
    """Return the refusal of a report that tells of a line which its file does not have."""
    return EvidenceUnreadable(
        f"{report.name} is of another state of the sources",
        where=str(report),
        why=f"{name[:200]} has {held:,} lines, and it tells of line {line:,}",
        fix=_FIX,
    )


def count_lines(data: bytes) -> int:
    """Return how many lines a source has, however they end; what follows the last end counts, though it be empty."""
    alone = data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0
    return data.count(b"\n") + alone + 1


def _lines(root: Path, name: str) -> int | None:
    """Return the number of lines of a file; None where it is not there."""
    try:
        return count_lines(read_limited(root / name, _LIMIT_BYTES)) if (root / name).is_file() else None
    except (TruegreenError, OSError, ValueError):
        return None
