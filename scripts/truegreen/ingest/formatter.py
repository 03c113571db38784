"""Reader of what a formatter left to do: ruff format, black or prettier."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity
from truegreen.model.scan_envelope import FormatterReport

if TYPE_CHECKING:
    from pathlib import Path

_COMMAND = {"ruff-format": "ruff format", "black": "black", "prettier": "npx prettier --write"}


class FormatterReader:
    """Reads the list of files that are not formatted; each is a finding of low severity."""

    kind: ClassVar[str] = "formatter"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return one finding a file; a file the formatter could not parse is unread.

        Raises:
            EvidenceUnreadable: truncated, malformed, or of another shape.
        """
        opened = Opened(path, root)
        envelope = opened.envelope
        report = opened.report(FormatterReport, FormatterReport(formatter=envelope.tool))
        command = _COMMAND.get(envelope.tool, envelope.tool)
        findings = tuple(
            opened.finding(
                rule="unformatted",
                severity=Severity.LOW,
                path=name,
                line=0,
                message=f"{envelope.tool} would reformat it",
                fix=f"run: {command} {opened.relative(name)}",
            )
            for name in report.unformatted
        )
        return Scan(
            tool=envelope.tool,
            version=envelope.version,
            findings=findings,
            scanned=len(envelope.scanned),
            unread=opened.unread(report.failed),
        )
