"""Data of coverage.py over several shards is read together, and one of them that cannot be read is told."""

from __future__ import annotations

from pathlib import Path

import coverage
import pytest
from tests.support.app_evidence import leave, pytest_files

from truegreen.app import evidence as loading

SOURCE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRUEGREEN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "m.py").write_text(SOURCE)
    return tmp_path


def data(project: Path, *lines: int) -> bytes:
    path = project / "data"
    path.unlink(missing_ok=True)
    written = coverage.CoverageData(str(path))
    written.add_lines({str(project / "src" / "m.py"): lines})
    written.write()
    return path.read_bytes()


def shards(project: Path, *contents: bytes) -> Path:
    folder = project / ".truegreen"
    for number, content in enumerate(contents, 1):
        files = {**pytest_files(f"test_{number}"), ".coverage": ("coverage-data", content)}
        leave(folder, "unit", files, commit="c" * 40, shard=str(number))
    return folder


def test_coverage_data_of_shards_is_their_union(project: Path) -> None:
    folder = shards(project, data(project, 1, 2, 5), data(project, 1, 5, 6))
    unit = loading.load_all(folder, project)[0]
    assert unit.problems == ()
    assert unit.coverage is not None
    assert (unit.coverage.covered_lines, unit.coverage.lines) == (4, 4)


def test_shard_that_left_no_coverage_beside_another_is_told(project: Path) -> None:
    folder = shards(project, data(project, 1, 2, 5))
    leave(folder, "unit", pytest_files("test_2"), commit="c" * 40, shard="2")
    leave(folder, "unit", pytest_files("test_3"), commit="c" * 40)
    assert loading.load_all(folder, project)[0].unmeasured == ("(none)", "2")


def test_coverage_data_that_is_none_in_one_shard_is_a_problem_with_its_name(project: Path) -> None:
    folder = shards(project, data(project, 1, 2, 5), b"SQLite format 3\0 cut")
    unit = loading.load_all(folder, project)[0]
    assert [(problem.kind, problem.path) for problem in unit.problems] == [
        ("coverage", str(folder / "unit-2" / ".coverage"))
    ]
    assert unit.coverage is None
