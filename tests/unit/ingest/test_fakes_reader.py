"""Reader of fakes.json, and what a session says of replacements: refused where they contradict themselves."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.evidence import session
from tests.support.stand_ins import fake, fakes, name, replacement

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.fakes import FakesReader
from truegreen.ingest.pytest_session import PytestSessionReader
from truegreen.model.mocks import MockUse
from truegreen.runtime import files


def read(tmp_path, data):
    return FakesReader().read(files.write_atomic(tmp_path / "fakes.json", data), tmp_path)


def test_record_that_was_written_is_read_again(tmp_path):
    scan = fakes(fake(), unread=("a.py: no",))
    assert read(tmp_path, msgspec.json.encode(scan)) == scan


@pytest.mark.parametrize(
    "scan",
    [
        fakes(schema_version=2),
        fakes(files=-1),
        fakes(tests=-1),
        fakes(fake(), files=0),
        fakes(fake(path="")),
        fakes(fake(line=0)),
        fakes(fake(tests=())),
    ],
)
def test_record_that_contradicts_itself_is_refused(tmp_path, scan):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, msgspec.json.encode(scan))
    assert caught.value.why


@pytest.mark.parametrize("data", [b"[]", b'{"files": 1, "tests": 1, "uses": [{"rule": "NM99"}]}', b"{"])
def test_text_that_is_no_record_is_refused(tmp_path, data):
    with pytest.raises(EvidenceUnreadable, match="no record of stand-ins"):
        read(tmp_path, data)


@pytest.mark.parametrize("more", [{"watched": -1}, {"replaced": (replacement(uses=(MockUse(name(0), "call", -1),)),)}])
def test_session_that_counts_below_zero_is_refused(tmp_path, more):
    path = files.write_atomic(tmp_path / "session.json", msgspec.json.encode(session(**more)))
    with pytest.raises(EvidenceUnreadable):
        PytestSessionReader().read(path, tmp_path)


def test_session_keeps_what_was_replaced(tmp_path):
    one = session(replaced=(replacement(0, 1),))
    path = files.write_atomic(tmp_path / "session.json", msgspec.json.encode(one))
    assert PytestSessionReader().read(path, tmp_path) == one


def test_scans_of_shards_are_joined_by_stand_in():
    one, two = fakes(fake(0), unread=("a.py: no",)), fakes(fake(1, 0), fake(2, line=9), files=4, unread=("b.py: no",))
    merged = merge.fakes([one, two])
    assert (merged.files, merged.tests, merged.unread) == (4, 6, ("a.py: no", "b.py: no"))
    assert [(use.line, use.tests) for use in merged.uses] == [(4, (name(0), name(1))), (9, (name(2),))]
    with pytest.raises(ValueError, match="nothing"):
        merge.fakes([])
