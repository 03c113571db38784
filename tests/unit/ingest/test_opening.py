"""Telling the kind of a file from its opening."""

from __future__ import annotations

from pathlib import Path

import pytest

from truegreen import registry
from truegreen.ingest import opening


@pytest.mark.parametrize(
    ("content", "root", "keys"),
    [
        ("<x:TestRun xmlns:x='u'>", "TestRun", set()),
        ('\ufeff{"a": {"b": [{"c": 1}]}, "d": "}"', "", {"a", "d"}),
        ('{"a": 1}\n{"z": 2}', "", {"a"}),
        ("[1]", "", set()),
    ],
)
def test_opening_tells_root_and_keys(tmp_path: Path, content: str, root: str, keys: set[str]) -> None:
    path = tmp_path / "f"
    path.write_text(content, encoding="utf-8")
    found = opening.read(path)
    assert (found.root, found.keys) == (root, keys)


def test_opening_of_a_string_without_an_end_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_text("{" + '\\"' * 32_000)
    assert opening.read(path).keys == frozenset()


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        ("cobertura", "nyc.cobertura.xml"),
        ("clover", "nyc.clover.xml"),
        ("clover", "openclover.xml"),
        ("jacoco", "jacoco.xml"),
        ("lcov", "nyc.lcov"),
    ],
)
def test_coverage_is_recognised_as_one_kind(kind: str, sample: str) -> None:
    seen = opening.read(Path(__file__).parents[2] / "samples" / "coverage" / sample)
    readers = {name: registry.load("reader", name) for name in registry.names("reader")}
    assert [n for n, one in readers.items() if hasattr(one, "recognises") and one.recognises(seen)] == [kind]
