"""More failures than a report lists: every cause is told, every number is the same, what is not listed is said."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, stage
from tests.support.known_reports import judged

from truegreen import registry
from truegreen.analysis import detail
from truegreen.gates import no_failures
from truegreen.model.testrun import TestCase, TestRun
from truegreen.reporters.verdict_json import CUTS, shortened

LOSS = "DataLossError: balance lost"


def case(name, outcome=FAIL, message="", place="") -> TestCase:
    told = f"{place}: in call\nE   {message}" if place else ""
    return TestCase(id=f"tests/{name}", outcome=outcome, message=message, detail=told, file="tests/x.py", line=3)


def down(number: int) -> TestCase:
    return case(f"test_a.py::test_{number:05}", message="ConnectionError: db down", place="src/db.py:7")


def report(*red: TestCase):
    tests = TestRun(cases=(*red, *(case(f"test_p.py::test_{n}", PASS) for n in range(10))))
    return judged(good.run(stage("unit", tests=tests)))


def rendered(name, found) -> str:
    text = registry.load("reporter", name)().render(found).text
    return text.split('id="verdict"')[0]


@pytest.fixture(scope="module")
def lost():
    """Return the report of 1,200 tests with one cause, and five with another that sort behind them all."""
    loss = (case(f"test_money.py::test_{n}", message=LOSS, place="src/money.py:9") for n in range(5))
    return report(*map(down, range(1_200)), *loss)


@pytest.mark.parametrize("name", ["summary", "comment", "terminal", "html", "annotations"])
def test_cause_that_sorts_behind_a_thousand_failures_of_another_is_told(name, lost):
    assert LOSS in rendered(name, lost)


@pytest.mark.parametrize("name", ["summary", "comment", "terminal", "html"])
def test_failures_that_are_not_listed_are_counted_with_their_cause(name, lost):
    text = rendered(name, lost)
    assert "1,205 of 1,215 tests failed" in text
    assert "1,200 tests fail alike" in text
    assert "5 tests fail alike" in text
    assert "causes are not listed" not in text


def test_page_counts_all_failures_and_says_how_many_of_a_cause_it_lists(lost):
    text = rendered("html", lost)
    assert "Failing tests (1,205)" in text
    assert "1,199 more that fail alike, 994 of them listed" in text


def test_annotations_count_all_failures_of_the_stage(lost):
    (unit,) = (one for one in lost.stages if one.stage == "unit")
    alone = msgspec.structs.replace(unit, verdicts=tuple(v for v in unit.verdicts if v.gate == "no-failures"))
    text = rendered("annotations", msgspec.structs.replace(lost, stages=(alone,)))
    shown = len(re.findall(r"(?m)^::error file=tests/x.py", text))
    (more,) = re.findall(r"([\d,]+) more annotations", text)
    assert shown + int(more.replace(",", "")) == 1_205


def test_more_causes_than_are_listed_are_told_as_a_number():
    found = report(*(case(f"test_a.py::test_{n:05}", message=f"assert {n} == -1") for n in range(1_300)))
    for name in ("summary", "terminal", "html"):
        assert "300 more whose causes are not listed" in rendered(name, found)


def test_failures_beyond_those_that_are_read_are_counted_and_a_rare_message_is_read(monkeypatch):
    monkeypatch.setattr(no_failures, "_READ_MAX", 50)
    monkeypatch.setattr(no_failures.NoFailures, "items_max", 20)
    found = report(*map(down, range(100)), case("test_z.py::test_z", message=LOSS, place="src/money.py:9"))
    text = rendered("summary", found)
    assert LOSS in text
    assert "**49 tests fail alike**" in text
    assert "51 more whose causes are not listed" in text


def test_report_that_was_shortened_counts_the_same_failures(lost):
    for cut in CUTS:
        (verdict,) = (v for one in shortened(lost, cut).stages for v in one.verdicts if v.gate == "no-failures")
        assert len(verdict.items) + verdict.unlisted == 1_205


def test_tests_that_failed_and_are_not_listed_are_never_said_to_have_passed(monkeypatch):
    monkeypatch.setattr(detail, "LISTED_MAX", 20)
    monkeypatch.setattr(detail, "_ODD_MAX", 15)
    monkeypatch.setattr(detail, "_SLOWEST_MAX", 1)
    found = report(*map(down, range(25)))
    assert "10 more failed and 10 more passed and are not listed" in rendered("html", found)
    suites = ET.fromstring(registry.load("reporter", "junit")().render(found).body)
    (failed,) = suites.findall(".//property[@name='truegreen.failed-left-out']")
    assert failed.get("value") == "10"
    extra = json.loads(rendered("ctrf", found))["results"]["extra"]
    assert (extra["testsLeftOut"], extra["failedLeftOut"]) == (20, 10)
    assert "20 that the report does not list, 10 of them red" in rendered("sonar-tests", found)


def test_document_of_a_version_that_did_not_count_is_read_and_says_no_more_than_it_knows(lost):
    data = msgspec.to_builtins(lost)
    for one in data["detail"]["tests"]:
        del one["counts"]
    for one in data["stages"]:
        for verdict in one["verdicts"]:
            del verdict["unlisted"]
    assert "Failing tests (1,000)" in rendered("html", msgspec.convert(data, type(lost)))
