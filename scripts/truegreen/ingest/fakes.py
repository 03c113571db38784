"""Reader of `fakes.json`, which every stage with pytest writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.mocks import FAKES_VERSION, FakeScan

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 256 << 20


class FakesReader:
    """Reads which stand-ins the sources of tests use; a record that contradicts itself is refused."""

    kind: ClassVar[str] = "fakes"
    part: ClassVar[str] = "fakes"

    def read(self, path: Path, root: Path) -> FakeScan:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or a stand-in that no test uses.
        """
        return _own.read(path, _LIMIT_BYTES, FakeScan, "record of stand-ins", _contradiction)


def _contradiction(scan: FakeScan) -> str:
    if scan.schema_version != FAKES_VERSION:
        return f"schema_version is {scan.schema_version}, this reader knows {FAKES_VERSION}"
    if min(scan.files, scan.tests) < 0 or (scan.uses and not scan.files):
        return "a number of files or tests cannot be"
    for use in scan.uses:
        if use.line < 1 or not use.path or not use.tests:
            return f"{use.what} has no place, or no test uses it"
    return ""
