"""Reader of prove.json: refused where it contradicts itself."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.evidence import proof, proof_answer, proof_mutant

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.proof import ProofReader
from truegreen.model.proof import Answer
from truegreen.runtime import files

SEEN, MISSED, UNKNOWN = Answer.NOTICED, Answer.MISSED, Answer.UNKNOWN


def read(tmp_path, data):
    return ProofReader().read(files.write_atomic(tmp_path / "prove.json", data), tmp_path)


def test_record_that_was_written_is_read_again(tmp_path):
    one, two = proof_mutant("one"), proof_mutant("two", UNKNOWN, tests=(), ran=0)
    result = proof(one, two, candidates=("one", "two", "three"))
    assert read(tmp_path, msgspec.json.encode(result)) == result
    assert result.untried == ("three",)


@pytest.mark.parametrize(
    "result",
    [
        proof(schema_version=2),
        proof(committing_tests=4),
        proof(committing_tests=-1),
        proof(wiring_tests=-1),
        proof(asked=("x",)),
        proof(proof_mutant(), candidates=("other",)),
        proof(proof_mutant(), candidates=("forgetful-database", "b"), asked=("b",)),
        proof(proof_mutant(), proof_mutant()),
        proof(proof_mutant(tests=())),
        proof(proof_mutant(answer=MISSED, tests=(proof_answer("a", SEEN),))),
        proof(proof_mutant(answer=UNKNOWN, tests=(proof_answer("a", MISSED),))),
        proof(proof_mutant(answer=MISSED, ran=0)),
    ],
)
def test_record_that_contradicts_itself_is_refused(tmp_path, result):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, msgspec.json.encode(result))
    assert caught.value.why


def test_text_that_is_no_record_is_refused(tmp_path):
    with pytest.raises(EvidenceUnreadable, match="no record of mutants"):
        read(tmp_path, b"[]")
