"""Reader of `test-style.json`, which the lint stage writes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.style import STYLE_VERSION, StyleScan

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 256 << 20


class StyleReader:
    """Reads how the tests of a project are written; a record that contradicts itself is refused."""

    kind: ClassVar[str] = "test-style"
    part: ClassVar[str] = "style"

    def read(self, path: Path, root: Path) -> StyleScan:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or something in it has no place.
        """
        return _own.read(path, _LIMIT_BYTES, StyleScan, "record of how tests are written", _contradiction)


def _contradiction(scan: StyleScan) -> str:
    if scan.schema_version != STYLE_VERSION:
        return f"schema_version is {scan.schema_version}, this reader knows {STYLE_VERSION}"
    known = {file.path for file in scan.files}
    if scan.fixtures < 0 or len(known) != len(scan.files) or "" in known:
        return "a number of fixtures cannot be, or a file is named twice"
    for file in scan.files:
        if any(one.line < 1 or not one.name for one in file.tests):
            return f"a test of {file.path} has no place"
    places = [(one.path, one.line) for one in scan.remarks] + [(one.path, one.line) for one in scan.allowed]
    if stray := next((path for path, line in places if line < 1 or path not in known), None):
        return f"{stray} is no file that was read, or the line cannot be"
    waits = all(0 <= one.wait_s < math.inf for one in scan.remarks)
    return "" if waits else "a wait has a time that cannot be"
