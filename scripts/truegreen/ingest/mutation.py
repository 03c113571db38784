"""Reader of `mutation.json`, which the mutation stage writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.mutation import MUTATION_VERSION, MutationResult

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 64 << 20


class MutationReader:
    """Reads the fates of mutants; figures that contradict each other are refused."""

    kind: ClassVar[str] = "mutation"
    part: ClassVar[str] = "mutation"

    def read(self, path: Path, root: Path) -> MutationResult:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or with more mutants than candidates.
        """
        return _own.read(path, _LIMIT_BYTES, MutationResult, "record of mutants", _contradiction)


def _contradiction(result: MutationResult) -> str:
    if result.schema_version != MUTATION_VERSION:
        return f"schema_version is {result.schema_version}, this reader knows {MUTATION_VERSION}"
    if not 0 <= result.covered_lines <= result.changed_lines:
        return "more lines are covered than changed, or a number is below zero"
    if result.untried < 0:
        return f"{len(result.mutants)} mutants were tried, and only {result.candidates} could be made"
    if result.candidates > 0 and result.covered_lines == 0:
        return "mutants were made though no changed line is covered"
    return "a mutant has no place" if any(one.line < 1 or not one.path for one in result.mutants) else ""
