"""Reader of wiring.json: refused where it contradicts itself."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.evidence import dependency, wiring

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.wiring import WiringReader
from truegreen.model.wiring import Flaw, Flawed, Place, Root, Supply, Walk
from truegreen.runtime import files

ROOT = Root(name="app.di:get_service")
WALK = Walk(root=ROOT.name, objects=1)


def read(tmp_path, data):
    return WiringReader().read(files.write_atomic(tmp_path / "wiring.json", data), tmp_path)


def test_record_that_was_written_is_read_again(tmp_path):
    scan = wiring(dependency(), dependency(Supply.NEVER), unread=("a.py: no",), roots=(ROOT,), walks=(WALK,))
    assert read(tmp_path, msgspec.json.encode(scan)) == scan


@pytest.mark.parametrize(
    "scan",
    [
        wiring(schema_version=1),
        wiring(files=-1),
        wiring(dependency(), classes=0),
        wiring(dependency(place=Place("", 1))),
        wiring(dependency(place=Place("a.py", 0))),
        wiring(dependency(owner="")),
        wiring(dependency(suppliers=())),
        wiring(dependency(Supply.NEVER, suppliers=(Place("a.py", 1),))),
        wiring(dependency(Supply.NEVER, calls=())),
        wiring(roots=(ROOT, ROOT)),
        wiring(roots=(ROOT,), walks=(WALK, WALK)),
        wiring(walks=(WALK,)),
        wiring(roots=(ROOT,), walks=(Walk(root=ROOT.name, objects=-1),)),
        wiring(roots=(ROOT,), walks=(Walk(root=ROOT.name, flawed=(Flawed(flaw=Flaw.MISSING, path="", name="x"),)),)),
    ],
)
def test_record_that_contradicts_itself_is_refused(tmp_path, scan):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, msgspec.json.encode(scan))
    assert caught.value.why


def test_text_that_is_no_record_is_refused(tmp_path):
    with pytest.raises(EvidenceUnreadable, match="no record of wiring"):
        read(tmp_path, b"[]")
