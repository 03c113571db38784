"""Reader of paired-times.json: refused where it contradicts itself."""

from __future__ import annotations

import msgspec
import pytest

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.paired_times import PairedTimesReader
from truegreen.model.pairs import PairedTimes, Pairs
from truegreen.runtime import files

GOOD = PairedTimes(
    base="b" * 40,
    suite=Pairs(base_s=(1.0, 1.1), change_s=(1.2, 1.0)),
    tests={"t.py::test_a": Pairs(base_s=(0.0, 0.1), change_s=(0.1, 0.1))},
)


def read(tmp_path, data):
    return PairedTimesReader().read(files.write_atomic(tmp_path / "paired-times.json", data), tmp_path)


def test_record_is_read_as_it_was_written(tmp_path):
    assert read(tmp_path, msgspec.json.encode(GOOD)) == GOOD


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"suite": Pairs(base_s=(), change_s=())},
        {"suite": Pairs(base_s=(1.0, 1.0), change_s=(1.0,))},
        {"suite": Pairs(base_s=(1.0, 0.0), change_s=(1.0, 1.0))},
        {"suite": Pairs(base_s=(1.0, -1.0), change_s=(1.0, 1.0))},
        {"tests": {"t": Pairs(base_s=(1.0,), change_s=(1.0,))}},
        {"tests": {"t": Pairs(base_s=(1.0, 1.0), change_s=(1.0, -0.5))}},
    ],
)
def test_record_that_cannot_be_true_is_refused(tmp_path, change):
    with pytest.raises(EvidenceUnreadable):
        read(tmp_path, msgspec.json.encode(msgspec.structs.replace(GOOD, **change)))


@pytest.mark.parametrize("value", [b"1e999", b"1e300", b"NaN"])
def test_time_that_is_none_is_refused(tmp_path, value):
    with pytest.raises(EvidenceUnreadable):
        read(tmp_path, msgspec.json.encode(GOOD).replace(b"1.2", value))
