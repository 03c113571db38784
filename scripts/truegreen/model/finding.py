"""Findings of linters and scanners."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """Ordered from least to most severe by `RANK`."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


RANK = {severity: rank for rank, severity in enumerate(Severity)}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a tool complained about."""

    tool: str
    rule: str
    severity: Severity
    path: str = ""
    line: int = 0
    message: str = ""
    fix: str = ""
    fingerprint: str = ""
    """Stable identity without line numbers; `tool:rule:path:hash`."""


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one tool said, and what it could not see."""

    tool: str
    version: str = ""
    findings: tuple[Finding, ...] = ()
    scanned: int = 0
    """Files, packages or workflows it really read; 0 is blind."""
    unit: str = "files"
    """What `scanned` counts."""
    unread: tuple[str, ...] = ()
    """What it met and could not read, each as `path: reason`; any is blind."""
