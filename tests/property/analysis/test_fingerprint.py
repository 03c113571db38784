"""Fingerprints of any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.fingerprint import normalised, parts

ANY = st.text(st.characters(codec=None), max_size=400)


@given(ANY, ANY)
def test_any_text_has_one_line_and_a_stable_key(message, detail):
    found = parts(message, detail)
    assert "\n" not in found.message
    assert len(found.message) <= 300
    assert found.key == parts(message, detail).key


@given(st.integers(1024, 65535), st.integers(0, 2**64), st.uuids(), st.floats(0.001, 99).map(lambda s: f"{s:.3f}"))
def test_what_changes_from_run_to_run_changes_nothing(port, address, uuid, duration):
    def told(port, address, uuid, duration):
        return f"db:{port} refused <Row at 0x{address:x}> {uuid} after {duration} s in /tmp/run{address}/{uuid}/a.db"

    first = told(5432, 255, "123e4567-e89b-12d3-a456-426614174000", "1.250")
    assert normalised(told(port, address, uuid, duration)) == normalised(first)
