"""Reader of test-style.json: what contradicts itself is refused."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.errors import EvidenceUnreadable
from truegreen.ingest.test_style import StyleReader
from truegreen.model.style import Allowed, Remark, StyleRule
from truegreen.model.style import TestFile as File
from truegreen.model.style import TestFunction as Function
from truegreen.runtime import files

PATH = "tests/test_a.py"


def remark(**more):
    values = {"path": PATH, "line": 3, "rule": StyleRule.SLEEP, "what": "time.sleep(1)", "wait_s": 1.0}
    return Remark(**{**values, **more})


def read(tmp_path, data):
    return StyleReader().read(files.write_atomic(tmp_path / "test-style.json", data), tmp_path)


def test_record_that_was_written_is_read_again(tmp_path):
    allowed = Allowed(path=PATH, line=3, rules=("sleep",), reason="why")
    scan = good.style(remark(), allowed=(allowed,), fixtures_unknown="x", unread=("a.py: no",))
    assert read(tmp_path, msgspec.json.encode(scan)) == scan


@pytest.mark.parametrize(
    "scan",
    [
        good.style(schema_version=2),
        good.style(fixtures=-1),
        good.style(files=(File(PATH, ()), File(PATH, ()))),
        good.style(files=(File("", ()),)),
        good.style(files=(File(PATH, (Function("test_a", 0),)),)),
        good.style(files=(File(PATH, (Function("", 1),)),)),
        good.style(remark(path="other.py")),
        good.style(remark(line=0)),
        good.style(remark(wait_s=-1.0)),
        good.style(allowed=(Allowed(path="other.py", line=1, rules=(), reason=""),)),
    ],
)
def test_record_that_contradicts_itself_is_refused(tmp_path, scan):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(tmp_path, msgspec.json.encode(scan))
    assert caught.value.why


@pytest.mark.parametrize("data", [b"[]", b'{"remarks": [{"rule": "SL9"}]}', b"{", b"\xff"])
def test_text_that_is_no_record_is_refused(tmp_path, data):
    with pytest.raises(EvidenceUnreadable, match="no record of how tests are written"):
        read(tmp_path, data)
