"""Reader of `zizmor --format json-v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.ingest.envelope import Opened
from truegreen.model.finding import Scan, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.model.finding import Finding

SEVERITIES = {
    "informational": Severity.INFO,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
}


class _Determinations(msgspec.Struct):
    severity: str


class _Symbolic(msgspec.Struct):
    key: dict[str, Any]
    annotation: str = ""
    kind: str = ""


class _Point(msgspec.Struct):
    row: int = 0


class _Span(msgspec.Struct):
    start_point: _Point


class _Concrete(msgspec.Struct):
    location: _Span


class _Location(msgspec.Struct):
    symbolic: _Symbolic
    concrete: _Concrete


class _Audit(msgspec.Struct):
    ident: str
    desc: str
    determinations: _Determinations
    locations: list[_Location]
    ignored: bool = False
    url: str = ""


class ZizmorReader:
    """Reads audits of workflows and actions; zizmor's own severity is kept, an unknown one is medium."""

    kind: ClassVar[str] = "zizmor"
    part: ClassVar[str] = "scans"

    def read(self, path: Path, root: Path) -> Scan:
        """Return the findings that are not ignored in the workflow itself; `scanned` are the files it completed.

        Raises:
            EvidenceUnreadable: truncated, malformed, or no report of zizmor.
        """
        opened = Opened(path, root)
        envelope = opened.envelope
        report = opened.report(list[_Audit], [])
        return Scan(
            tool=envelope.tool,
            version=envelope.version,
            findings=tuple(_finding(opened, row) for row in report if not row.ignored),
            scanned=len(envelope.scanned),
            unit="workflows",
            unread=opened.unread(),
        )


def _finding(opened: Opened, row: _Audit) -> Finding:
    primary = next((place for place in row.locations if place.symbolic.kind == "Primary"), None)
    place = primary or (row.locations[0] if row.locations else None)
    note = f"{row.desc}: {place.symbolic.annotation}" if place and place.symbolic.annotation else row.desc
    return opened.finding(
        rule=row.ident,
        severity=SEVERITIES.get(row.determinations.severity.lower(), Severity.MEDIUM),
        path=_path(place.symbolic.key) if place else "",
        line=place.concrete.location.start_point.row + 1 if place else 0,
        message=note,
        fix=f"see {row.url}" if row.url else "",
    )


def _path(key: dict[str, Any]) -> str:
    """Return the path out of `{"Local": {"verbatim_path": …}}`."""
    inner = next(iter(key.values()), None)
    if not isinstance(inner, dict):
        return ""
    return str(inner.get("verbatim_path") or inner.get("given_path") or "")
