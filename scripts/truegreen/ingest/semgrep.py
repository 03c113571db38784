"""Reader of `semgrep scan --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path

SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "ERROR": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "LOW": Severity.LOW,
    "INFO": Severity.LOW,
}


class _Start(msgspec.Struct):
    line: int


class _Extra(msgspec.Struct):
    message: str
    severity: str
    fix: str = ""


class _Result(msgspec.Struct):
    check_id: str
    path: str
    start: _Start
    extra: _Extra


class _Error(msgspec.Struct):
    message: str = ""
    path: str = ""
    rule_id: str = ""
    level: str = ""


class _Paths(msgspec.Struct):
    scanned: list[str]


class _Report(msgspec.Struct):
    results: list[_Result]
    errors: list[_Error]
    paths: _Paths
    skipped_rules: list[Any] = []


class SemgrepReader:
    """Reads matches: `ERROR` is high, `WARNING` medium, `INFO` low; names of newer levels are kept.

    A rule is named by the last part of its id: the rest is the path of the rule file on the machine
    that ran. Any error semgrep mentions and any rule it skipped is unread.
    """

    kind: ClassVar[str] = "semgrep"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return the matches; `scanned` counts semgrep's own list of paths.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of semgrep.
        """
        opened = Opened(path, root)
        report = opened.report(_Report, _Report(results=[], errors=[], paths=_Paths(scanned=[])))
        findings = tuple(
            opened.finding(
                rule=row.check_id.rsplit(".", 1)[-1],
                severity=SEVERITIES.get(row.extra.severity.upper(), Severity.INFO),
                path=row.path,
                line=row.start.line,
                message=row.extra.message,
                fix=row.extra.fix,
            )
            for row in report.results
        )
        unread = [_place(opened, row) + row.message for row in report.errors]
        unread += [f"rule skipped: {rule}" for rule in report.skipped_rules]
        return Scan(
            tool=opened.envelope.tool,
            version=opened.envelope.version,
            findings=findings,
            scanned=len(set(report.paths.scanned)),
            unread=opened.unread(unread),
        )


def _place(opened: Opened, row: _Error) -> str:
    subject = opened.relative(row.path) or (f"rule {row.rule_id}" if row.rule_id else "semgrep")
    return f"{subject}: "
