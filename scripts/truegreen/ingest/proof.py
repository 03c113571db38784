"""Reader of `prove.json`, which the prove stage writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis.proof import of_all
from truegreen.ingest import _own
from truegreen.model.proof import PROOF_VERSION, Answer, ProofMutant, ProofResult

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 64 << 20


class ProofReader:
    """Reads what became of the mutants of environment and wiring; a record that contradicts itself is refused."""

    kind: ClassVar[str] = "proof"
    part: ClassVar[str] = "proof"

    def read(self, path: Path, root: Path) -> ProofResult:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or with answers that cannot be.
        """
        return _own.read(path, _LIMIT_BYTES, ProofResult, "record of mutants", _contradiction)


def _contradiction(result: ProofResult) -> str:
    if result.schema_version != PROOF_VERSION:
        return f"schema_version is {result.schema_version}, this reader knows {PROOF_VERSION}"
    if not 0 <= result.committing_tests <= result.persistence_tests or result.wiring_tests < 0:
        return "more tests commit than pass, or a number is below zero"
    if unknown := [name for name in result.asked if name not in result.candidates]:
        return f"{unknown[0]!r} was asked for, and is no mutant"
    names = [mutant.name for mutant in result.mutants]
    if len(set(names)) < len(names) or not set(names) <= set(result.wanted):
        return "a mutant was tried twice, or one that nobody wanted"
    return next((why for mutant in result.mutants if (why := _wrong(mutant))), "")


def _wrong(mutant: ProofMutant) -> str:
    if mutant.answer is Answer.NOTICED and not mutant.having(Answer.NOTICED):
        return f"{mutant.name} was noticed by no test"
    if mutant.tests and mutant.answer is not of_all(mutant.tests):
        return f"{mutant.name} has another answer than its tests"
    if mutant.answer is Answer.MISSED and mutant.ran <= 0:
        return f"{mutant.name} was missed though no test ran"
    return ""
