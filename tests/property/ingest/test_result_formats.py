"""Files of test results cut anywhere, or changed anywhere, never read as fewer red tests."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import dialects

from truegreen import registry
from truegreen.app.ingest import recognise
from truegreen.errors import EvidenceUnreadable, UsageError
from truegreen.model.testrun import TestRun

if TYPE_CHECKING:
    from pathlib import Path

FILES = [dialects.FOLDER / name for name in dialects.rows() if "-junit-" not in name]
KINDS = {path: recognise(path) for path in FILES}
ANY = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read(path: Path, kind: str) -> TestRun:
    found: TestRun = registry.load("reader", kind)().read(path, path.parent)
    return found


@ANY
@given(data=st.data())
def test_file_cut_anywhere_is_refused(data: st.DataObject, tmp_path: Path) -> None:
    path = data.draw(st.sampled_from(FILES))
    content = path.read_bytes()
    end = len(content.rstrip())
    cut = tmp_path / path.name
    cut.write_bytes(content[: data.draw(st.integers(0, end - 1))])
    with pytest.raises(EvidenceUnreadable) as caught:
        read(cut, KINDS[path])
    assert str(cut) in caught.value.where


@ANY
@given(data=st.data())
def test_file_changed_anywhere_is_read_or_refused_and_never_crashes(data: st.DataObject, tmp_path: Path) -> None:
    path = data.draw(st.sampled_from(FILES))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    changed = tmp_path / path.name
    changed.write_bytes(bytes(content))
    with contextlib.suppress(EvidenceUnreadable):
        assert isinstance(read(changed, KINDS[path]), TestRun)


@ANY
@given(content=st.binary(max_size=400))
def test_any_bytes_have_one_kind_or_a_remedy(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_bytes(content)
    with contextlib.suppress(UsageError):
        assert recognise(path) in registry.names("reader")


def test_lost_line_of_a_go_stream_is_never_green(tmp_path: Path, subtests: pytest.Subtests) -> None:
    path = dialects.FOLDER / "unit-go-test" / "go-test.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    red = read(path, "go-test-json").count(*dialects.RED)
    for number in range(len(lines)):
        with subtests.test(line=number + 1):
            cut = tmp_path / "cut.jsonl"
            cut.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))
            try:
                assert read(cut, "go-test-json").count(*dialects.RED) >= red - 1
            except EvidenceUnreadable:
                continue
