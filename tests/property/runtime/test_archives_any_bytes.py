"""Whatever the bytes of an archive: its one file comes out as it went in, or there is a reason."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from truegreen.errors import EvidenceUnreadable
from truegreen.runtime.archives import Limits, member

CONTENT = b'{"status": "pass"}' * 30
LIMITS = Limits(member_bytes=10_000, members=50, directory_bytes=5_000)


def honest(force_zip64: bool) -> bytes:  # noqa: FBT001 - two archives, one line
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("verdict.json", "w", force_zip64=force_zip64) as stream:
            stream.write(CONTENT)
        archive.writestr("summary.md", b"# pass")
    return target.getvalue()


WHOLE = (honest(force_zip64=False), honest(force_zip64=True))
PLACES = st.integers(0, max(map(len, WHOLE)))
PIECES = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\xff" * 8, b"\x01\x00\x18\x00"]),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(PLACES, PIECES, st.booleans()), max_size=6))
def test_member_of_any_bytes_is_the_content_or_a_reason(whole: bytes, changes: list[tuple[int, bytes, bool]]) -> None:
    data = whole
    for at, piece, insert in changes:
        data = data[:at] + piece + data[at + (0 if insert else len(piece)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(data)
        try:
            found = member(path, "verdict.json", LIMITS)
        except EvidenceUnreadable as error:
            found = CONTENT if error.why else b""
    assert found == CONTENT
