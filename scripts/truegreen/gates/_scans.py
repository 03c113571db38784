"""What the gates over scanners share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.gates.base import count, some
from truegreen.model.finding import RANK, Finding, Scan, Severity
from truegreen.model.verdict import Fact, Item

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNREAD_MAX = 20


def unread(scans: Iterable[Scan]) -> tuple[str, tuple[Item, ...]]:
    """Return why the scans cannot carry a verdict, empty when they can, and what was not read."""
    found = list(scans)
    if not found:
        return "no scanner left a result", ()
    silent = sorted(f"{scan.tool} read no {scan.unit}" for scan in found if scan.scanned <= 0)
    if silent:
        return some(silent), ()
    holes = [(scan.tool, text) for scan in found for text in scan.unread]
    if holes:
        items = tuple(Item(title=text, message=f"not read by {tool}", level="warning") for tool, text in holes)
        return f"{holes[0][0]} could not read {some([text for _, text in holes])}", items[:_UNREAD_MAX]
    return "", ()


def at_least(scans: Iterable[Scan], level: Severity) -> list[Finding]:
    """Return the findings of a severity or worse, the worst first."""
    found = [finding for scan in scans for finding in scan.findings if RANK[finding.severity] >= RANK[level]]
    return sorted(found, key=lambda f: (-RANK[f.severity], f.path, f.line, f.tool, f.rule))


def facts(scans: Iterable[Scan]) -> tuple[Fact, ...]:
    """Return what each tool read and found."""
    return tuple(
        Fact(
            label=f"{scan.tool} {scan.version}".strip(),
            value=f"{count(len(scan.findings), 'finding')} in {scan.scanned:,} {scan.unit}",
        )
        for scan in scans
    )


def item(finding: Finding, level: str) -> Item:
    """Return a finding as an item."""
    title = f"{finding.tool} {finding.rule} ({finding.severity})"
    fix = f" Fix: {finding.fix}" if finding.fix else ""
    return Item(title=title, message=f"{finding.message}{fix}", path=finding.path, line=finding.line, level=level)
