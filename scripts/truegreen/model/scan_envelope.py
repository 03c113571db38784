"""What a stage writes about one scanner: its report as it is, and what the report does not say."""

from __future__ import annotations

import msgspec

ENVELOPE_VERSION = 1


class ScanEnvelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of `<tool>.json` in a stage's folder; the reader of the tool's kind opens it."""

    schema_version: int
    tool: str
    version: str
    root: str
    """Absolute path of the project while the tool ran; readers make paths relative to it."""
    unit: str = "files"
    """What `scanned` lists: `files`, `packages` or `workflows`."""
    scanned: tuple[str, ...] = ()
    """What the tool read, as far as the stage could find out by itself."""
    unread: tuple[str, ...] = ()
    """What the stage saw that the tool could not, each as `path: reason`."""
    lines: dict[str, str] = {}
    """`path:line` → digest of that line of code; no code itself is kept."""
    report: msgspec.Raw
    """The tool's own JSON; `null` when it gave none, and then `unread` says why."""


class FormatterReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ruff format, black and prettier say, in one shape."""

    formatter: str
    unformatted: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Files it could not read, each as `path: reason`."""
