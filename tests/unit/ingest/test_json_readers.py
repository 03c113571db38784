"""pytest-session, coverage-json, persistence."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest.coverage_json import CoverageJsonReader
from truegreen.ingest.persistence import PersistenceReader
from truegreen.ingest.pytest_session import PytestSessionReader
from truegreen.model.coverage import bits_of

SAMPLES = Path(__file__).parents[2] / "samples" / "coverage"
READERS = [PytestSessionReader, CoverageJsonReader, PersistenceReader]


def read(reader, tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return reader().read(path, project(tmp_path))


def project(folder, lines=9):
    """Return a project that has the measured sources."""
    for name in ("src/m.py", "src/unused.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x = 1\n" * lines)
    return folder


def refused(reader, tmp_path, content):
    with pytest.raises(EvidenceUnreadable) as caught:
        read(reader, tmp_path, content)
    return caught.value.why


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"files": 3}', b"[" * 100_000])
def test_file_of_another_shape_is_refused(reader, tmp_path, content):
    if reader is not CoverageJsonReader and content == b'{"files": 3}':
        content = b'{"ids": 3, "phases": 3}'
    assert refused(reader, tmp_path, content)


@pytest.mark.parametrize("reader", READERS)
def test_missing_file_is_missing(reader, tmp_path):
    with pytest.raises(EvidenceMissing):
        reader().read(tmp_path / "none.json", tmp_path)


def test_session_is_read_as_written(tmp_path):
    session = good.session(2)
    assert read(PytestSessionReader, tmp_path, msgspec.json.encode(session)) == session


def test_session_that_never_finished_is_returned_as_such(tmp_path):
    session = good.session(1, finished=False, exit_code=None)
    assert read(PytestSessionReader, tmp_path, msgspec.json.encode(session)) == session


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"selected": 3}, "3 tests selected, 2 named"),
        ({"collected": 1}, "2 tests selected of 1 collected"),
        ({"deselected": -1}, "below zero"),
        ({"exit_code": None}, "finished without an exit code"),
    ],
)
def test_session_that_contradicts_itself_is_refused(tmp_path, change, told):
    content = {**msgspec.to_builtins(good.session(2)), **change}
    assert told in refused(PytestSessionReader, tmp_path, content)


def test_session_with_a_number_as_text_is_refused(tmp_path):
    content = {**msgspec.to_builtins(good.session(2)), "collected": "2"}
    assert "collected" in refused(PytestSessionReader, tmp_path, content)


def test_coverage_of_lines_and_branches_is_read(tmp_path):
    measured = CoverageJsonReader().read(SAMPLES / "branches.json", project(tmp_path))
    file = next(file for file in measured.files if file.path == "src/m.py")
    assert measured.has_branches
    assert (file.covered, file.missing) == (bits_of((1, 2, 3, 6)), bits_of((4, 7)))
    assert (file.branches, file.covered_branches) == (2, 1)
    assert (file.taken, file.untaken) == (frozenset({(2, 3)}), frozenset({(2, 4)}))


def test_coverage_without_branches_says_so(tmp_path):
    assert not CoverageJsonReader().read(SAMPLES / "lines.json", project(tmp_path)).has_branches


@pytest.fixture
def report():
    return json.loads((SAMPLES / "lines.json").read_text())


def test_coverage_that_measured_nothing_is_refused(tmp_path, report):
    assert "measured nothing" in refused(CoverageJsonReader, tmp_path, {**report, "files": {}})


def test_coverage_whose_totals_do_not_add_up_is_refused(tmp_path, report):
    report["totals"]["num_statements"] += 1
    assert "its total declares" in refused(CoverageJsonReader, tmp_path, report)


def test_coverage_whose_file_lists_other_lines_than_it_counts_is_refused(tmp_path, report):
    report["files"]["src/m.py"]["executed_lines"].append(99)
    assert "lists" in refused(CoverageJsonReader, tmp_path, report)


def test_coverage_line_both_covered_and_not_is_refused(tmp_path, report):
    report["files"]["src/m.py"]["missing_lines"].append(1)
    assert "both covered and not" in refused(CoverageJsonReader, tmp_path, report)


def test_coverage_of_a_file_outside_the_project_is_refused(tmp_path, report):
    report["files"]["../x.py"] = report["files"].pop("src/m.py")
    assert "outside the project" in refused(CoverageJsonReader, tmp_path, report)


@pytest.mark.parametrize("name", ["{root}/src/m.py", "src\\m.py"])
def test_coverage_paths_are_made_relative(tmp_path, report, name):
    report["files"][name.format(root=tmp_path)] = report["files"].pop("src/m.py")
    assert "src/m.py" in [file.path for file in read(CoverageJsonReader, tmp_path, report).files]


def test_recording_is_read_as_written(tmp_path):
    recording = good.recording(2, complete=False)
    assert read(PersistenceReader, tmp_path, msgspec.json.encode(recording)) == recording


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (good.recording(schema_version=2), "schema_version is 2"),
        (good.recording(phases=(good.phase(0, phase="middle"),)), "unknown phase 'middle'"),
        (good.recording(phases=(good.phase(0, good.change(-1)),)), "below zero"),
        (good.recording(demands=(good.demand(0, demand={"at_least": 0}),)), "less than one row"),
        (good.recording(demands=(good.demand(0, demand={"at_least": 0, "at_most": 2}),)), "less than one row"),
        (good.recording(demands=(good.demand(0, demand={"at_least": -1, "at_most": 0}),)), "less than one row"),
        (good.recording(demands=(good.demand(0, demand={"at_least": 3, "at_most": 2}),)), "can never be met"),
    ],
)
def test_recording_that_cannot_be_true_is_refused(tmp_path, broken, told):
    assert told in refused(PersistenceReader, tmp_path, msgspec.json.encode(broken))


def test_coverage_of_lines_beyond_the_end_of_their_file_is_of_another_state(tmp_path):
    with pytest.raises(EvidenceUnreadable, match="another state of the sources") as caught:
        CoverageJsonReader().read(SAMPLES / "lines.json", project(tmp_path, 2))
    assert "src/m.py has 3 lines, and it tells of line " in caught.value.why


def test_coverage_of_no_file_of_the_project_is_refused(tmp_path, report):
    report["files"] = {f"other/{name}": told for name, told in report["files"].items()}
    assert "none of its files is in the project: other/" in refused(CoverageJsonReader, tmp_path, report)


def test_lines_that_were_left_out_on_purpose_are_told(tmp_path, report):
    report["files"]["src/m.py"]["excluded_lines"] = [8, 9]
    told = {file.path: file.excluded for file in read(CoverageJsonReader, tmp_path, report).files}
    assert told["src/m.py"] == bits_of((8, 9))
    del report["files"]["src/m.py"]["excluded_lines"]
    assert {file.path: file.excluded for file in read(CoverageJsonReader, tmp_path, report).files}["src/m.py"] is None
    report["files"]["src/m.py"]["excluded_lines"] = [-1]
    assert "a line number is impossible" in refused(CoverageJsonReader, tmp_path, report)
