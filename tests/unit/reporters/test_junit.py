"""Merged JUnit XML: our own reader counts in it what the report counts, whatever the names hold."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.property.reporters.test_hostile_text import everywhere
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, stage
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import REPORTS, blind, flaky, huge, judged, red

from truegreen import registry
from truegreen.model.detail import StageTests
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Report, Status


def render(report, budget=None):
    return registry.load("reporter", "junit")().render(report, budget)


def read_back(body, folder):
    path = folder / "junit.xml"
    path.write_bytes(body)
    return registry.load("reader", "junit")().read(path, folder)


def letters(tests):
    return Counter(outcome for one in tests for outcome in one.outcomes)


@pytest.mark.parametrize("name", REPORTS)
def test_own_reader_counts_what_the_report_counts(name, tmp_path):
    report = REPORTS[name]()
    found = read_back(render(report).body, tmp_path)
    reasons = sum("truegreen." in id_ for id_ in found.ids()) + sum(id_ == "truegreen::verdict" for id_ in found.ids())
    known = letters(report.detail.tests) if report.detail else Counter()
    assert found.count() - reasons == known.total()
    assert found.count(SKIP) == known["s"]
    assert len(found.bad()) - reasons == known["f"] + known["e"]
    assert sum(one.flaky for one in found.records()) >= known["k"]


def test_ids_outcomes_attempts_messages_and_times_come_back(tmp_path):
    tests = TestRun(
        cases=(
            case(0, duration_s=1.25),
            case(1, FAIL, message='assert "<a>" == 1', detail="E  \x1b[31m]]>\r\n&amp;", attempts=(FAIL, FAIL)),
            case(2, ERROR, message="db gone"),
            case(3, SKIP, message="needs a printer"),
            case(4, attempts=(PASS, FAIL, PASS), message="timeout"),
            case(5, id="tests/test_a.py::TestOne::TestTwo::test_x[a::b\n'\"]"),
            case(6, id="com.acme.LedgerTest::saves()", file=""),
            case(7, id="src/a.test.ts::Ledger::saves", file="src/a.test.ts"),
        )
    )
    report = judged(good.run(stage("unit", tests=tests), planned=("unit",)))
    found = {one.id: one for one in read_back(render(report).body, tmp_path).cases}
    assert set(found) == {one.id for one in tests.cases}
    for one in tests.cases:
        assert found[one.id].outcome is one.outcome
        assert found[one.id].attempts == one.attempts
        assert found[one.id].duration_s == one.duration_s
    assert found[good.name(3)].message == "needs a printer"
    assert "⟨U+001B⟩[31m]]>\r\n&amp;" in found[good.name(1)].detail


def test_reruns_stand_as_surefire_writes_them():
    text = render(flaky()).text
    assert '<flakyFailure message="timeout after 5 s" type="fail"/>' in text
    assert 'name="truegreen.attempts" value="fail,pass"' in text


def test_one_id_in_two_stages_stays_two_tests(tmp_path):
    report = judged(good.run(stage("unit", tests=good.cases(PASS, FAIL)), stage("e2e", tests=good.cases(PASS, PASS))))
    found = read_back(render(report).body, tmp_path)
    assert found.count() - sum("truegreen." in id_ for id_ in found.ids()) == 4
    assert len([one for one in found.bad() if "truegreen." not in one.id]) == 1


def test_stage_that_is_red_without_a_failing_test_is_red_here(tmp_path):
    found = read_back(render(blind()).body, tmp_path)
    assert "truegreen.persistence::stage-complete" in {one.id for one in found.bad()}
    for headline in ("planning failed", ""):
        found = read_back(render(Report(status=Status.BLIND, headline=headline)).body, tmp_path)
        assert [one.id for one in found.bad()] == ["truegreen::verdict"]


def test_properties_name_the_evidence():
    text = render(red()).text
    assert 'name="truegreen.verdict" value="fail"' in text
    assert " sha256:" + "0" * 64 in text


def test_what_is_left_out_is_said_and_failures_come_first(tmp_path):
    report = huge()
    document = render(report, 120_000)
    assert len(document.body) <= 120_000
    assert "tests" in document.omitted
    root = ET.fromstring(document.body)
    missing = root.findall(".//property[@name='truegreen.tests-left-out']")
    assert sum(int(one.get("value")) for one in missing) == 10_000 - int(root.get("tests"))
    assert len(read_back(document.body, tmp_path).bad()) == 100


def test_tests_of_a_stage_that_was_not_judged_are_there_too(tmp_path):
    report = msgspec.structs.replace(flaky(), stages=())
    known = letters(report.detail.tests)
    assert read_back(render(report).body, tmp_path).count() == known.total()


def test_long_names_that_begin_alike_stay_two_tests(tmp_path):
    tests = TestRun(cases=tuple(case(n, id=f"tests/test_a.py::test_x[{'x' * 9_000}{n}]") for n in range(3)))
    report = judged(good.run(stage("unit", tests=tests), planned=("unit",)))
    found = read_back(render(report).body, tmp_path)
    assert sum("test_x" in id_ for id_ in found.ids()) == 3


@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=range(len(CORPUS) + 1))
def test_hostile_text_is_read_back_by_a_strict_parser(text, tmp_path):
    body = render(everywhere(text)).body
    root = ET.fromstring(body)
    allowed = {"testsuites", "testsuite", "testcase", "properties", "property", "failure", "error"}
    assert {element.tag for element in root.iter()} <= allowed
    assert len(read_back(body, tmp_path).bad()) == 1


def test_row_without_time_or_with_a_negative_one_is_zero(tmp_path):
    report = red()
    tests = StageTests(stage="unit", total=1, names=("a",), outcomes="p", durations_s=(-1.0,))
    report = msgspec.structs.replace(report, detail=msgspec.structs.replace(report.detail, tests=(tests,)))
    assert 'name="a" time="0.000"' in render(report).text
