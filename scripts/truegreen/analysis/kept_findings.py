"""Findings of scanners in the form in which the history keeps them: how often each was there, by stage and tool."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.finding import Finding
    from truegreen.model.run import StageEvidence

PART = "findings"
"""Name of the part of a run that holds them."""
_MOST = 5_000
"""Of a stage with more findings none is kept: of a part of them nothing could be said."""
_Times = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Kept = dict[str, dict[str, dict[str, _Times]]]
"""Stage → tool → identity of a finding → how often it was there; a tool that found nothing has an empty entry."""


def key_of(finding: Finding) -> str:
    """Return what stays the same of a finding while lines move, in characters that can be written."""
    known = finding.fingerprint or f"{finding.tool}:{finding.rule}:{finding.path}:{finding.message}"
    return known.encode("utf-8", "backslashreplace").decode()


def of(stages: Iterable[StageEvidence]) -> Kept:
    """Return the findings of all stages in which a scanner ran, of tools that could read all they met.

    What a tool could not read it may have found something in: called new later, that would be told of the wrong change.
    """
    found: Kept = {}
    for stage in stages:
        if stage.scans and sum(len(scan.findings) for scan in stage.scans) <= _MOST:
            tools: dict[str, Counter[str]] = {}
            for scan in stage.scans:
                tools.setdefault(scan.tool, Counter()).update(map(key_of, scan.findings))
            partly = {scan.tool for scan in stage.scans if scan.unread or scan.scanned <= 0}
            found[stage.stage] = {tool: dict(keys) for tool, keys in tools.items() if tool not in partly}
    return found


def packed(kept: Kept) -> bytes:
    """Return findings as bytes."""
    return msgspec.json.encode(kept)


def unpacked(data: bytes) -> Kept:
    """Return what `packed` was given.

    Raises:
        ValueError: it is something else.
    """
    try:
        return msgspec.json.decode(data, type=Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
