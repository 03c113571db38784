"""Readers, lock files and fingerprints hold for any input: refusal or a true count, never a crash, never a guess."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scans import envelope_file

from truegreen import registry
from truegreen.errors import EvidenceUnreadable
from truegreen.stages.common.scan_bench import batches, line_digests
from truegreen.stages.common.scan_locks import read_locks, requirements

KINDS = ("ruff", "formatter", "actionlint", "zizmor", "bandit", "semgrep", "pip-audit")
KEYS = (
    "filename",
    "code",
    "message",
    "location",
    "row",
    "results",
    "errors",
    "metrics",
    "paths",
    "scanned",
    "vulns",
    "name",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
LINE = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30).filter(
    str.strip
)


def reader(kind: str) -> Any:
    return registry.load("reader", kind)()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(report=JSON, unread=st.lists(TEXT, max_size=2))
def test_any_report_is_read_or_refused(kind: str, report: Any, unread: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = envelope_file(Path(folder), report, unread=unread)
        try:
            scan = reader(kind).read(path, Path(folder))
        except EvidenceUnreadable:
            return
    assert scan.scanned >= 0
    assert len(scan.unread) >= bool(unread)
    assert report is not None or unread


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(kind: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        path.write_bytes(data)
        with pytest.raises(EvidenceUnreadable):
            reader(kind).read(path, Path(folder))


@settings(max_examples=60)
@given(cut=st.integers(min_value=0, max_value=10_000))
def test_report_cut_anywhere_is_refused(cut: int) -> None:
    row = {"filename": "a.py", "code": "F401", "message": "unused", "location": {"row": 1}, "fix": None}
    with tempfile.TemporaryDirectory() as folder:
        path = envelope_file(Path(folder), [row])
        whole = path.read_bytes()
        path.write_bytes(whole[: cut % len(whole)])
        with pytest.raises(EvidenceUnreadable):
            reader("ruff").read(path, Path(folder))


@settings(max_examples=60)
@given(lines=st.lists(LINE, min_size=1, max_size=8, unique=True), above=st.integers(0, 20), indent=st.integers(0, 8))
def test_identity_of_a_line_survives_moving_and_indenting(lines: list[str], above: int, indent: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "a.py").write_text("\n".join(lines) + "\n")
        before = line_digests(root, [("a.py", number) for number in range(1, len(lines) + 1)])
        (root / "a.py").write_text("\n" * above + "\n".join(" " * indent + line for line in lines) + "\n")
        after = line_digests(root, [("a.py", number + above) for number in range(1, len(lines) + 1)])
    assert list(before.values()) == list(after.values())
    assert len(set(before.values())) == len({" ".join(line.split()) for line in lines})


@settings(max_examples=100)
@given(text=st.text(max_size=200))
def test_any_requirements_text_gives_pins_or_reasons(text: str) -> None:
    found = requirements(Path(), "requirements.txt", text)
    assert all(pin.name and pin.version and pin.line >= 1 for pin in found.pins)
    assert all(reason.startswith("requirements.txt:") for reason in found.loose)


@settings(max_examples=60)
@given(name=st.sampled_from(("uv.lock", "poetry.lock", "pylock.toml")), package=JSON)
def test_any_lock_file_is_read_without_a_crash(name: str, package: Any) -> None:
    key = "packages" if name == "pylock.toml" else "package"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(f"{key} = {json.dumps(package)}")
        locked = read_locks(Path(folder))
    assert locked.files == (name,)


@given(names=st.lists(st.text(min_size=1, max_size=30), max_size=30), limit=st.integers(1, 100))
def test_batches_lose_and_repeat_nothing(names: list[str], limit: int) -> None:
    assert [name for group in batches(names, limit) for name in group] == names
