"""Reader of `actionlint -format '{{json .}}'`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path


class _Problem(msgspec.Struct):
    message: str
    filepath: str
    line: int
    kind: str


class ActionlintReader:
    """Reads problems in workflows.

    actionlint has no severities. Here: a workflow that cannot be parsed, a credential in the open and an
    untrusted value in a script are high, everything else is medium.
    """

    kind: ClassVar[str] = "actionlint"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return the problems; `scanned` are the workflows it was given.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of actionlint.
        """
        opened = Opened(path, root)
        envelope = opened.envelope
        findings = tuple(
            opened.finding(
                rule=row.kind, severity=_severity(row), path=row.filepath, line=row.line, message=row.message
            )
            for row in opened.report(list[_Problem], [])
        )
        return Scan(
            tool=envelope.tool,
            version=envelope.version,
            findings=findings,
            scanned=len(envelope.scanned),
            unit="workflows",
            unread=opened.unread(),
        )


def _severity(row: _Problem) -> Severity:
    grave = row.kind in ("syntax-check", "credentials") or "potentially untrusted" in row.message
    return Severity.HIGH if grave else Severity.MEDIUM
