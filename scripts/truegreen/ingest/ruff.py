"""Reader of `ruff check --output-format json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path

_IO_ERROR = "E902"


class _Location(msgspec.Struct):
    row: int = 0


class _Fix(msgspec.Struct):
    message: str | None = None


class _Violation(msgspec.Struct):
    filename: str
    message: str
    code: str | None = None
    location: _Location | None = None
    fix: _Fix | None = None


class RuffReader:
    """Reads violations.

    Ruff has no severities. Here: code that does not parse is high; what is wrong rather than unlovely
    (`F`, `PLE`, `S`, `B`) is medium; the rest is low. A file that could not be opened is unread.
    """

    kind: ClassVar[str] = "ruff"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return the violations; `scanned` are the files that ruff says it looks at.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of ruff.
        """
        opened = Opened(path, root)
        report = opened.report(list[_Violation], [])
        missing = [f"{opened.relative(row.filename)}: {row.message}" for row in report if row.code == _IO_ERROR]
        findings = tuple(
            opened.finding(
                rule=row.code or "invalid-syntax",
                severity=severity(row.code),
                path=row.filename,
                line=row.location.row if row.location else 0,
                message=row.message,
                fix=(row.fix.message or "") if row.fix else "",
            )
            for row in report
            if row.code != _IO_ERROR
        )
        envelope = opened.envelope
        return Scan(
            tool=envelope.tool,
            version=envelope.version,
            findings=findings,
            scanned=len(envelope.scanned),
            unread=opened.unread(missing),
        )


def severity(code: str | None) -> Severity:
    """Return how much a rule weighs."""
    if not code or code == "invalid-syntax" or code.startswith("E9"):
        return Severity.HIGH
    letters = code.rstrip("0123456789")
    return Severity.MEDIUM if letters in ("F", "PLE", "S", "B") else Severity.LOW
