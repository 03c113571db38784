"""SonarQube's generic formats: as its documentation describes them, and told what they lack."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.property.reporters.test_hostile_text import everywhere
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, SKIP, case, stage
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import REPORTS, green, huge, judged

from truegreen import registry
from truegreen.analysis import detail
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.detail import Detail, MeasuredFile
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Report, Status

OUTCOMES = ("skipped", "failure", "error")


def render(name, report, budget=None):
    document = registry.load("reporter", f"sonar-{name}")().render(report, budget)
    return document, ET.fromstring(document.body)


def check_tests(root):
    """Check what the documentation of `testExecutions` says."""
    assert (root.tag, root.get("version")) == ("testExecutions", "1")
    for file in root:
        assert (file.tag, set(file.attrib)) == ("file", {"path"})
        for one in file:
            assert (one.tag, set(one.attrib)) == ("testCase", {"name", "duration"})
            assert int(one.get("duration")) >= 0
            assert len(one) <= 1
            assert all(told.tag in OUTCOMES and set(told.attrib) == {"message"} for told in one)


def check_coverage(root):
    """Check what the documentation of `coverage` says."""
    assert (root.tag, root.get("version")) == ("coverage", "1")
    paths = [file.get("path") for file in root]
    assert len(set(paths)) == len(paths)
    for file in root:
        lines = [int(line.get("lineNumber")) for line in file]
        assert lines == sorted(set(lines))
        assert {line.get("covered") for line in file} <= {"true", "false"}
        assert {line.tag for line in file} <= {"lineToCover"}


@pytest.mark.parametrize("name", REPORTS)
def test_documents_of_known_reports_are_as_documented(name):
    check_tests(render("tests", REPORTS[name]())[1])
    check_coverage(render("coverage", REPORTS[name]())[1])


def test_tests_stand_in_their_files_with_outcome_message_and_milliseconds():
    tests = TestRun(
        cases=(
            case(0, duration_s=1.25),
            case(1, FAIL, message="assert 0", detail="E  <assert> 0"),
            case(2, ERROR, message="db gone"),
            case(3, SKIP, message="needs a printer"),
            case(4, id="com.acme.LedgerTest::saves", file=""),
        )
    )
    document, root = render("tests", judged(good.run(stage("unit", tests=tests), planned=("unit",))))
    assert [file.get("path") for file in root] == ["tests/test_a.py"]
    found = {one.get("name"): one for one in root[0]}
    assert found["test_0"].get("duration") == "1250"
    assert len(found["test_0"]) == 0
    assert [found[f"test_{n}"][0].tag for n in (1, 2, 3)] == ["failure", "error", "skipped"]
    assert found["test_1"][0].text == "E  <assert> 0"
    assert document.omitted == "tests of which no file is known: 1"
    assert "left out: 1 tests without a file" in document.text


def test_tests_that_do_not_fit_are_counted_and_failures_stay():
    document, root = render("tests", huge(), 120_000)
    assert len(document.body) <= 120_000
    assert document.omitted
    assert len(root.findall(".//failure")) == 100
    assert "that the report does not list" in document.text


def test_lines_are_those_that_were_measured():
    files = (
        FileCoverage(path="src/a.py", covered=bits_of([1, 2, 3, 7]), missing=bits_of([4, 9])),
        FileCoverage(path="src/b.py", missing=bits_of([5])),
    )
    unit = stage("unit", coverage=Coverage(files=files))
    document, root = render("coverage", judged(good.run(unit, planned=("unit",))))
    check_coverage(root)
    lines = {file.get("path"): [(int(one.get("lineNumber")), one.get("covered")) for one in file] for file in root}
    covered = [(n, "true") for n in (1, 2, 3)]
    assert lines["src/a.py"] == [*covered, (4, "false"), (7, "true"), (9, "false")]
    assert lines["src/b.py"] == [(5, "false")]
    assert not document.omitted


def test_too_many_files_are_none_and_said(monkeypatch):
    unit = stage("unit", coverage=Coverage(files=tuple(FileCoverage(path=f"{n}.py", covered=2) for n in range(9))))
    monkeypatch.setattr(detail, "FILES_MAX", 8)
    document, root = render("coverage", judged(good.run(unit)))
    assert (len(root), document.omitted) == (0, "all 9 measured files")
    monkeypatch.undo()
    whole, root = render("coverage", judged(good.run(unit)))
    assert (len(root), whole.omitted) == (9, "")
    document, root = render("coverage", judged(good.run(unit)), len(whole.body) - 1)
    assert (len(root), document.omitted) == (0, "all 9 measured files")


@pytest.mark.parametrize("ranges", ["", "-", "3-", "a-b", "5-1", "1-99999999999", "999999999-999999999", "²", "0"])
def test_made_up_ranges_break_nothing(ranges):
    found = Detail(coverage=(MeasuredFile("a.py", ranges, ranges), MeasuredFile("../b.py", "1")))
    _, root = render("coverage", Report(status=Status.PASS, headline="", detail=found))
    check_coverage(root)
    assert [file.get("path") for file in root] == ["a.py"]


def test_line_that_is_claimed_both_ways_is_covered_once():
    found = Detail(coverage=(MeasuredFile("a.py", "1-2", "2-3"),))
    _, root = render("coverage", Report(status=Status.PASS, headline="", detail=found))
    assert [line.get("covered") for line in root[0]] == ["true", "true", "false"]


@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=range(len(CORPUS) + 1))
def test_hostile_text_is_read_back_by_a_strict_parser(text):
    report = everywhere(text)
    told = msgspec.structs.replace(report.detail, coverage=(MeasuredFile(text, "1", "2"),))
    report = msgspec.structs.replace(report, detail=told)
    check_tests(render("tests", report)[1])
    check_coverage(render("coverage", report)[1])


def test_same_report_gives_the_same_bytes():
    for name in ("tests", "coverage"):
        assert render(name, green())[0].body == render(name, green())[0].body
