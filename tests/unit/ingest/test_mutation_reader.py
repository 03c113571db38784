"""Reader of mutation.json: refused where it contradicts itself."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.evidence import mutant, mutation

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest.mutation import MutationReader
from truegreen.runtime import files


def read(tmp_path, data):
    return MutationReader().read(files.write_atomic(tmp_path / "mutation.json", data), tmp_path)


def test_record_that_was_written_is_read_again(tmp_path):
    result = mutation(mutant(), candidates=3)
    assert read(tmp_path, msgspec.json.encode(result)) == result


@pytest.mark.parametrize(
    "result",
    [
        mutation(mutant(), candidates=0),
        mutation(mutant(line=0)),
        mutation(mutant(path="")),
        mutation(changed_lines=3),
        mutation(covered_lines=-1),
        mutation(mutant(), covered_lines=0),
        mutation(schema_version=2),
    ],
)
def test_record_that_contradicts_itself_is_refused(tmp_path, result):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, msgspec.json.encode(result))
    assert caught.value.why
    assert caught.value.where.endswith("mutation.json")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"{" * 9000, b"\xff\xfe", b'{"mutants": [{"fate": "alive"}]}'])
def test_what_is_no_record_is_refused(tmp_path, data):
    with pytest.raises(EvidenceUnreadable):
        read(tmp_path, data)


def test_missing_record_is_said_to_be_missing(tmp_path):
    with pytest.raises(EvidenceMissing):
        MutationReader().read(tmp_path / "mutation.json", tmp_path)
