"""SARIF: valid against the published schema, within GitHub's limits, and never clean by accident."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from tests.property.reporters.test_hostile_text import everywhere
from tests.support import evidence as good
from tests.support.evidence import stage
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import REPORTS, blind, green, judged

from truegreen import registry
from truegreen.model.detail import Detail, StageFindings
from truegreen.model.finding import Finding, Scan, Severity
from truegreen.model.verdict import Report, Status
from truegreen.reporters import sarif
from truegreen.reporters.verdict_json import CUTS, shortened

SCHEMA = json.loads((Path(__file__).parents[2] / "samples/outputs/sarif-2.1.0.schema.json").read_text())
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def finding(number=0, severity=Severity.HIGH, **more):
    values = {"tool": "bandit", "rule": "B602", "path": "app/run.py", "line": 7 + number, "message": "shell=True"}
    return Finding(severity=severity, **{**values, **more})


def scanned(*found, waivers=()):
    """Return a report on a security scan with findings."""
    seen = stage("security-scan", scans=(Scan(tool="bandit", version="1.8", findings=found, scanned=3),))
    return judged(good.governed(seen, waivers=waivers, requirements=None) if waivers else good.run(seen))


def listing(findings, total=None):
    """Return a report that lists findings and judges nothing."""
    found = StageFindings(stage="lint", total=total or len(findings), findings=tuple(findings))
    return Report(status=Status.PASS, headline="", detail=Detail(findings=(found,)))


def render(report, budget=None):
    document = registry.load("reporter", "sarif")().render(report, budget)
    data = json.loads(document.body.decode("utf-8", "strict"))
    return document, data


def results(data):
    return [result for run in data["runs"] for result in run["results"]]


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "huge"])
def test_log_of_a_known_report_is_valid(name):
    _, data = render(REPORTS[name]())
    VALIDATOR.validate(data)


def test_finding_has_rule_place_level_severity_and_fingerprint():
    document, data = render(scanned(finding(fix="use a list"), finding(1, Severity.LOW)))
    VALIDATOR.validate(data)
    assert not document.omitted
    assert [run["tool"]["driver"]["name"] for run in data["runs"]] == ["truegreen", "bandit"]
    first, second = results(data)
    assert (first["ruleId"], first["level"], second["level"]) == ("B602", "error", "note")
    assert first["message"]["text"] == "shell=True Fix: use a list"
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("app/run.py", 7)
    rule = data["runs"][1]["tool"]["driver"]["rules"][first["ruleIndex"]]
    assert rule["properties"]["security-severity"] == "8.0"


def test_fingerprint_stays_when_lines_move_and_differs_between_findings():
    def prints(report):
        return [one["partialFingerprints"]["primaryLocationLineHash"] for one in results(render(report)[1])]

    before, after = prints(scanned(finding(), finding(1))), prints(scanned(finding(40), finding(50)))
    assert before == after
    assert len(set(before)) == 2


def test_waived_finding_is_suppressed_with_the_waiver_and_others_are_not():
    waiver = good.waiver(gate="findings", stage="security-scan", items=("B602",), line=12)
    report = scanned(finding(), finding(1, Severity.MEDIUM), waivers=(waiver,))
    assert any(verdict.status is Status.WAIVED for one in report.stages for verdict in one.verdicts)
    severe, mild = results(render(report)[1])
    assert severe["suppressions"][0]["status"] == "accepted"
    assert waiver.reason in severe["suppressions"][0]["justification"]
    assert "suppressions" not in mild
    assert not any("suppressions" in one for one in results(render(scanned(finding()))[1]))


@pytest.mark.parametrize("items", [("B602",), ()], ids=["by-rule", "whole"])
def test_every_finding_that_a_waiver_covers_is_suppressed_however_many_the_verdict_lists(items):
    waiver = good.waiver(gate="findings", stage="security-scan", items=items, line=12)
    many = (finding(n, Severity.CRITICAL if n < 30 else Severity.HIGH) for n in range(300))
    report = scanned(*many, *(finding(n, Severity.MEDIUM) for n in range(40)), waivers=(waiver,))
    (verdict,) = (v for one in report.stages for v in one.verdicts if v.gate == "findings")
    assert (verdict.status, len(verdict.items)) == (Status.WAIVED, 200)
    for one in (report, *(shortened(report, cut) for cut in CUTS)):
        found = results(render(one)[1])
        assert all(("suppressions" in result) is (result["level"] == "error") for result in found)


@pytest.mark.parametrize("cut", CUTS, ids=range(len(CUTS)))
def test_every_finding_of_a_waived_linter_is_suppressed_however_many_the_verdict_lists(cut):
    waiver = good.waiver(gate="lint-clean", stage="lint", line=12)
    many = tuple(finding(n, Severity.LOW if n < 280 else Severity.INFO, tool="ruff") for n in range(300))
    seen = stage("lint", scans=(Scan(tool="ruff", version="1", findings=many, scanned=3),))
    report = shortened(judged(good.governed(seen, waivers=(waiver,), requirements=None)), cut)
    found = results(render(report)[1])
    assert sum("suppressions" in one for one in found) == min(cut.tests, 280)
    assert all(("suppressions" in one) is (one["properties"]["severity"] == "low") for one in found)


def test_finding_of_a_scanner_that_was_blind_is_suppressed_by_no_waiver_of_the_blindness():
    waiver = good.waiver(gate="findings", stage="security-scan", line=12)
    scan = Scan(tool="bandit", version="1.8", findings=(finding(0, Severity.MEDIUM),), scanned=3, unread=("a.py",))
    report = judged(good.governed(stage("security-scan", scans=(scan,)), waivers=(waiver,), requirements=None))
    assert any(verdict.status is Status.WAIVED for one in report.stages for verdict in one.verdicts)
    for one in (report, shortened(report, CUTS[-2])):
        assert not any("suppressions" in result for result in results(render(one)[1]))


def test_red_report_without_findings_says_why_in_its_own_run():
    for report in (blind(), Report(status=Status.BLIND, headline="no plan")):
        invocation = render(report)[1]["runs"][0]["invocations"][0]
        assert invocation["executionSuccessful"] is False
        assert invocation["toolExecutionNotifications"]
    assert render(green())[1]["runs"][0]["invocations"] == [{"executionSuccessful": True}]


def test_execution_of_a_run_with_a_blind_stage_is_no_success_whatever_else_failed():
    unread = stage("security-scan", scans=(Scan(tool="bandit", version="1.8", scanned=0),))
    failed = stage(
        "unit", tests=good.cases(good.FAIL), sessions=(good.session(1, exit_code=1, failed=(good.name(0),)),)
    )
    report = judged(good.run(failed, unread))
    assert report.status is Status.FAIL
    assert render(report)[1]["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_at_most_as_many_results_as_github_takes_the_worst_first(monkeypatch):
    monkeypatch.setattr(sarif, "RESULTS_MAX", 10)
    document, data = render(listing([finding(n, Severity.LOW) for n in range(30)] + [finding(99, Severity.CRITICAL)]))
    VALIDATOR.validate(data)
    assert len(results(data)) == 10
    assert results(data)[0]["properties"]["severity"] == "critical"
    assert "21 findings beyond" in document.omitted
    assert "21 findings are not listed" in json.dumps(data["runs"][0]["invocations"])


def test_findings_that_the_report_does_not_list_are_counted():
    assert "70 findings" in render(listing([finding()], total=71))[0].omitted


def test_at_most_as_many_runs_as_github_takes():
    _, data = render(listing([finding(tool=f"tool{n}") for n in range(40)]))
    assert len(data["runs"]) == 20
    assert len(results(data)) == 40


def test_budget_leaves_out_findings_and_says_so():
    document, data = render(listing([finding(n, message="x" * 500) for n in range(3_000)]), 200_000)
    assert len(document.body) <= 200_000
    assert document.omitted
    assert len(results(data)) == 100


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.py", "C:\\x.py", ""])
def test_path_outside_of_the_repository_is_no_location(path):
    assert "locations" not in results(render(listing([finding(path=path)]))[1])[0]


@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=range(len(CORPUS) + 1))
def test_hostile_text_stays_text_and_the_log_stays_valid(text):
    report = everywhere(text)
    found = listing([finding(tool=text, rule=text, path=text, message=text, fix=text)]).detail
    for one in (report, listing(found.findings[0].findings)):
        _, data = render(one)
        VALIDATOR.validate(data)
        for message in (result["message"]["text"] for result in results(data)):
            assert not re.search(r"(?<!\\)\]\(", message)
            assert len(message) <= 2 * 2_000
