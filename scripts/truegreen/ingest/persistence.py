"""Reader of the recording of committed changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import EvidenceUnreadable
from truegreen.model.persistence import PersistenceEvidence
from truegreen.runtime.files import read_limited

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
        try:
            evidence = msgspec.json.decode(read_limited(path, _LIMIT_BYTES), type=PersistenceEvidence)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceUnreadable(
                f"{path.name} is no recording of committed changes", where=str(path), why=str(error)
            ) from None
        if problem := _contradiction(evidence):
            raise EvidenceUnreadable(f"{path.name} contradicts itself", where=str(path), why=problem)
        return evidence


def _contradiction(evidence: PersistenceEvidence) -> str:
    if evidence.schema_version != 1:
        return f"schema_version is {evidence.schema_version}, this reader knows 1"
    for phase in evidence.phases:
        if phase.phase not in _PHASES:
            return f"unknown phase {phase.phase!r}"
        if any(change.count < 0 for change in (*phase.committed, *phase.rolled_back)):
            return f"a count below zero in {phase.test}"
    if any(entry.demand.at_least < 1 for entry in evidence.demands):
        return "a demand of less than one row"
    return ""
