"""Reader of `wiring.json`, which the wiring stage writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.wiring import WIRING_VERSION, Supply, WiringScan

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 64 << 20


class WiringReader:
    """Reads what was found in the sources; a record that contradicts itself is refused."""

    kind: ClassVar[str] = "wiring"
    part: ClassVar[str] = "wiring"

    def read(self, path: Path, root: Path) -> WiringScan:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or a dependency without a place or call site.
        """
        return _own.read(path, _LIMIT_BYTES, WiringScan, "record of wiring", _contradiction)


def _contradiction(scan: WiringScan) -> str:
    if scan.schema_version != WIRING_VERSION:
        return f"schema_version is {scan.schema_version}, this reader knows {WIRING_VERSION}"
    if min(scan.files, scan.classes) < 0 or (scan.dependencies and not scan.classes):
        return "a number of files or classes cannot be"
    for one in scan.dependencies:
        if one.place.line < 1 or not one.place.path or not one.owner or not one.parameter:
            return "a dependency has no place"
        if (one.supply is Supply.SUPPLIED) != bool(one.suppliers):
            return f"{one.owner}.{one.parameter} is {one.supply} by {len(one.suppliers)} places"
        if one.supply is Supply.NEVER and not one.calls:
            return f"{one.owner}.{one.parameter} is supplied by nobody, and nobody builds {one.owner}"
    return _of_walks(scan)


def _of_walks(scan: WiringScan) -> str:
    roots = [root.name for root in scan.roots]
    walked = [walk.root for walk in scan.walks]
    if len({*roots}) != len(roots) or len({*walked}) != len(walked):
        return "a root is named twice"
    if unknown := sorted({*walked} - {*roots}):
        return f"a walk began at {unknown[0]}, which is no root"
    for walk in scan.walks:
        if walk.objects < 0 or any(not one.path or not one.name for one in walk.flawed):
            return f"the walk from {walk.root} has a number of objects or a path that cannot be"
    return ""
