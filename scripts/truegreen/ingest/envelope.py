"""Opening the envelope of a scanner's report; shared by its readers, itself no reader."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.finding import Finding
from truegreen.model.scan_envelope import ENVELOPE_VERSION, ScanEnvelope
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from truegreen.model.finding import Severity

LIMIT_BYTES = 128 << 20
_MESSAGE_MAX = 500
_BYTE = re.compile(r"\(byte (\d+)\)")
_T = TypeVar("_T")


class Opened:
    """An envelope whose report has been decoded on request."""

    def __init__(self, path: Path, root: Path) -> None:
        """Read the envelope.

        Raises:
            EvidenceMissing: there is no such file.
            EvidenceUnreadable: truncated, malformed, of another shape or version, or too large.
        """
        self._path = path
        data = read_limited(path, LIMIT_BYTES)
        try:
            self.envelope = msgspec.json.decode(data, type=ScanEnvelope)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._refuse(str(error) or type(error).__name__, _line(data, str(error))) from None
        if self.envelope.schema_version != ENVELOPE_VERSION:
            raise self._refuse(f"its schema_version is {self.envelope.schema_version}, not {ENVELOPE_VERSION}")
        self._roots = (self.envelope.root, str(root))

    def report(self, shape: type[_T], empty: _T) -> _T:
        """Return the tool's report in its shape; `empty` where there is none and the envelope says why.

        Raises:
            EvidenceUnreadable: the report has another shape, or is missing without a reason.
        """
        raw = bytes(self.envelope.report)
        if raw == b"null":
            if not self.envelope.unread:
                raise self._refuse("it holds no report, and no reason for that")
            return empty
        try:
            return msgspec.json.decode(raw, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._refuse(f"the report of {self.envelope.tool}: {error}") from None

    def relative(self, name: str) -> str:
        """Return a path as the project sees it, with `/`; one outside the project stays absolute."""
        for root in self._roots:
            if root and name.startswith(root.rstrip("/") + "/"):
                return posixpath.normpath(name[len(root.rstrip("/")) + 1 :])
        return posixpath.normpath(name) if name else ""

    def finding(self, *, rule: str, severity: Severity, path: str, line: int, message: str, fix: str = "") -> Finding:
        """Return a finding with its fingerprint."""
        place = self.relative(path)
        rule = _short(rule, 120)
        digest = self.envelope.lines.get(f"{place}:{line}", "-")
        return Finding(
            tool=self.envelope.tool,
            rule=rule,
            severity=severity,
            path=place,
            line=max(line, 0),
            message=_short(message),
            fix=_short(fix),
            fingerprint=f"{self.envelope.tool}:{rule}:{place}:{digest}",
        )

    def unread(self, more: Sequence[str] = ()) -> tuple[str, ...]:
        """Return what nobody read: what the stage saw, then what the tool said."""
        return tuple(dict.fromkeys(_short(text) for text in (*self.envelope.unread, *more)))

    def _refuse(self, why: str, line: int = 0) -> EvidenceUnreadable:
        where = f"{self._path}:{line}" if line else str(self._path)
        return EvidenceUnreadable(f"{self._path.name} is no report of a scanner", where=where, why=why)


def _short(text: str, limit: int = _MESSAGE_MAX) -> str:
    """Return one line of at most `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _line(data: bytes, message: str) -> int:
    """Return the line of the byte an error names, the last line of a truncated file, or 0."""
    if "truncated" in message:
        return data.count(b"\n") + 1
    found = _BYTE.search(message)
    return data[: int(found.group(1))].count(b"\n") + 1 if found else 0
