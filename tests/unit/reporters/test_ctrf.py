"""CTRF: valid against the published schema, and our own reader counts in it what the report counts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import jsonschema
import msgspec
import pytest
from tests.property.reporters.test_hostile_text import everywhere
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, stage
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import REPORTS, blind, huge, judged, red

from truegreen import registry
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Report, Status

SCHEMA = json.loads((Path(__file__).parents[2] / "samples/outputs/ctrf.schema.json").read_text())
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def render(report, budget=None):
    return registry.load("reporter", "ctrf")().render(report, budget)


def read_back(body, folder):
    path = folder / "ctrf.json"
    path.write_bytes(body)
    return registry.load("reader", "ctrf")().read(path, folder)


@pytest.mark.parametrize("name", REPORTS)
def test_document_is_valid_and_own_reader_counts_what_the_report_counts(name, tmp_path):
    report = REPORTS[name]()
    body = render(report).body
    data = json.loads(body)
    VALIDATOR.validate(data)
    reasons = sum(test["name"].startswith("truegreen ") for test in data["results"]["tests"])
    letters = Counter(letter for tests in (report.detail.tests if report.detail else ()) for letter in tests.outcomes)
    found = read_back(body, tmp_path)
    assert found.count() - reasons == letters.total()
    assert found.count(SKIP) == letters["s"]
    assert len(found.bad()) - reasons == letters["f"] + letters["e"]
    assert data["results"]["summary"]["flaky"] == letters["k"]


def test_outcomes_attempts_messages_and_places_come_back(tmp_path):
    tests = TestRun(
        cases=(
            case(0, duration_s=1.25),
            case(1, FAIL, message="assert 0", detail="E  assert 0", attempts=(FAIL, FAIL)),
            case(2, ERROR, message="db gone"),
            case(3, SKIP, message="needs a printer"),
            case(4, attempts=(FAIL, PASS), message="timeout"),
            case(5, FAIL, attempts=(PASS, FAIL)),
        )
    )
    found = read_back(render(judged(good.run(stage("unit", tests=tests), planned=("unit",)))).body, tmp_path).cases
    known = {one.id.removeprefix("tests/test_a.py::unit::").removeprefix("unit::"): one for one in found}
    assert len(known) == 6
    for one in tests.cases:
        back = known[one.id]
        assert back.outcome is (FAIL if one.outcome is ERROR else one.outcome)
        assert back.attempts == one.attempts
        assert (back.duration_s, back.file) == (one.duration_s, one.file)
    assert known[good.name(1)].detail == "E  assert 0"


def test_error_is_a_failure_with_its_own_word():
    tests = json.loads(render(red()).body)["results"]["tests"]
    assert [test["status"] for test in tests if test.get("rawStatus") == "error"] == ["failed"]


def test_stage_that_is_red_without_a_failing_test_is_red_here():
    tests = json.loads(render(blind()).body)["results"]["tests"]
    reason = next(
        test for test in tests if test["name"] == "truegreen stage-complete" and test["suite"] == ["persistence"]
    )
    assert (reason["status"], reason["rawStatus"]) == ("failed", "blind")
    for headline in ("planning failed", ""):
        data = json.loads(render(Report(status=Status.BLIND, headline=headline)).body)
        VALIDATOR.validate(data)
        assert data["results"]["summary"]["failed"] == 1


@pytest.mark.parametrize("created", ["", "yesterday", "0001-01-01T00:00:00", "9999-12-31T23:59:59Z"])
def test_time_that_nobody_can_read_leaves_a_valid_document(created):
    report = red()
    origin = msgspec.structs.replace(report.provenance, created=created)
    VALIDATOR.validate(json.loads(render(msgspec.structs.replace(report, provenance=origin)).body))


def test_what_is_left_out_is_counted():
    document = render(huge(), 120_000)
    results = json.loads(document.body)["results"]
    assert len(document.body) <= 120_000
    assert document.omitted
    assert results["extra"]["testsLeftOut"] == 10_000 - results["summary"]["tests"]


@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=range(len(CORPUS) + 1))
def test_hostile_text_leaves_a_valid_document(text, tmp_path):
    body = render(everywhere(text)).body
    VALIDATOR.validate(json.loads(body.decode("utf-8", "strict")))
    assert len(read_back(body, tmp_path).bad()) == 1


@pytest.mark.parametrize("seconds", [1e306, 1.7e308])
def test_time_beyond_all_measure_leaves_a_valid_document(seconds):
    report = red()
    (tests, *rest) = report.detail.tests
    tests = msgspec.structs.replace(tests, durations_s=(seconds,) * len(tests.names))
    behind = msgspec.structs.replace(report.detail, tests=(tests, *rest))
    for name in registry.names("reporter"):
        assert (
            registry.load("reporter", name)()
            .render(msgspec.structs.replace(report, detail=behind, duration_s=seconds))
            .body
        )
    VALIDATOR.validate(json.loads(render(msgspec.structs.replace(report, detail=behind, duration_s=seconds)).body))
