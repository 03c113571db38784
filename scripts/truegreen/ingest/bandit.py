"""Reader of `bandit -f json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path

SEVERITIES = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}


class _Error(msgspec.Struct):
    filename: str
    reason: str


class _Result(msgspec.Struct):
    filename: str
    test_id: str
    issue_severity: str
    issue_text: str
    line_number: int
    test_name: str = ""
    more_info: str = ""


class _Report(msgspec.Struct):
    errors: list[_Error]
    results: list[_Result]
    metrics: dict[str, dict[str, Any]]


class BanditReader:
    """Reads issues; bandit's own severity is kept, `UNDEFINED` is info.

    bandit ends with 0 for a file it cannot parse and for a path that is not there; both stand in its
    list of errors only, and are unread here.
    """

    kind: ClassVar[str] = "bandit"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return the issues; `scanned` counts the files it has metrics of and no error about.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of bandit.
        """
        opened = Opened(path, root)
        report = opened.report(_Report, _Report(errors=[], results=[], metrics={}))
        failed = {opened.relative(row.filename): row.reason for row in report.errors}
        seen = {opened.relative(name) for name in report.metrics if name != "_totals"}
        findings = tuple(
            opened.finding(
                rule=row.test_id,
                severity=SEVERITIES.get(row.issue_severity, Severity.INFO),
                path=row.filename,
                line=row.line_number,
                message=row.issue_text,
                fix=f"see {row.more_info}" if row.more_info else "",
            )
            for row in report.results
        )
        return Scan(
            tool=opened.envelope.tool,
            version=opened.envelope.version,
            findings=findings,
            scanned=len(seen - set(failed)),
            unread=opened.unread([f"{name}: {reason}" for name, reason in failed.items()]),
        )
