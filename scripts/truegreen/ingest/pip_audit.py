"""Reader of `pip-audit --format json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path


class _Vulnerability(msgspec.Struct):
    id: str
    fix_versions: list[str]
    aliases: list[str] = []
    description: str = ""


class _Dependency(msgspec.Struct):
    name: str
    version: str = ""
    skip_reason: str = ""
    vulns: list[_Vulnerability] | None = None
    source: str = ""
    """Added by the stage: lock file that names the package."""
    line: int = 0
    """Added by the stage: line in that file."""


class _Report(msgspec.Struct):
    dependencies: list[_Dependency]


class PipAuditReader:
    """Reads known vulnerabilities; pip-audit gives no severity, each counts as high.

    pip-audit calls a package it could not look up "skipped" and ends with 0; here it is unread.
    """

    kind: ClassVar[str] = "pip-audit"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return one finding a vulnerability; `scanned` counts packages that were really looked up.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of pip-audit.
        """
        opened = Opened(path, root)
        report = opened.report(_Report, _Report(dependencies=[]))
        found = [(row, vuln) for row in report.dependencies for vuln in row.vulns or ()]
        return Scan(
            tool=opened.envelope.tool,
            version=opened.envelope.version,
            findings=tuple(
                opened.finding(
                    rule=vuln.id,
                    severity=Severity.HIGH,
                    path=row.source,
                    line=row.line,
                    message=_message(row, vuln),
                    fix=_fix(row, vuln),
                )
                for row, vuln in found
            ),
            scanned=sum(row.vulns is not None for row in report.dependencies),
            unit="packages",
            unread=opened.unread([_skip(row) for row in report.dependencies if row.vulns is None]),
        )


def _message(row: _Dependency, vuln: _Vulnerability) -> str:
    known_as = f" ({', '.join(vuln.aliases)})" if vuln.aliases else ""
    return f"{row.name} {row.version} has {vuln.id}{known_as}: {vuln.description}"


def _fix(row: _Dependency, vuln: _Vulnerability) -> str:
    if not vuln.fix_versions:
        return f"no fixed version of {row.name} is known"
    return f"upgrade {row.name} to {' or '.join(vuln.fix_versions)}"


def _skip(row: _Dependency) -> str:
    return f"{row.name}: {row.skip_reason or 'pip-audit says nothing about it'}"
