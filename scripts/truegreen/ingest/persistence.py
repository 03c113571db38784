"""Reader of the recording of committed changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.persistence import PersistenceEvidence

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 256 << 20
_PHASES = ("setup", "call", "teardown")


class PersistenceReader:
    """Reads the recording; one that cannot be true is refused."""

    kind: ClassVar[str] = "persistence"
    part: ClassVar[str] = "persistence"

    def read(self, path: Path, root: Path) -> PersistenceEvidence:  # noqa: ARG002 - the reader's contract
        """Return the recording; an incomplete one is returned as such.

        Raises:
            EvidenceUnreadable: malformed, of another version, or with counts that cannot be.
        """
        return _own.read(path, _LIMIT_BYTES, PersistenceEvidence, "recording of committed changes", _contradiction)


def _contradiction(evidence: PersistenceEvidence) -> str:
    if evidence.schema_version != 1:
        return f"schema_version is {evidence.schema_version}, this reader knows 1"
    for phase in evidence.phases:
        if phase.phase not in _PHASES:
            return f"unknown phase {phase.phase!r}"
        if any(change.count < 0 for change in (*phase.committed, *phase.rolled_back, *phase.written_before)):
            return f"a count below zero in {phase.test}"
    for test, demand in ((entry.test, entry.demand) for entry in evidence.demands):
        if demand.at_least < (demand.at_most != 0):
            return f"a demand of less than one row in {test}"
        if not demand.allows(demand.at_least):
            return f"a demand that can never be met in {test}"
    return ""
