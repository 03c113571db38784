"""lint-clean and findings."""

from __future__ import annotations

import re

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import finding, scan, stage
from tests.support.reports import report

from truegreen import registry
from truegreen.gates.findings import Findings, FindingsOptions
from truegreen.gates.lint_clean import LintClean, LintCleanOptions
from truegreen.model.finding import Severity
from truegreen.model.verdict import Status


def lint(*scans, **options):
    run = good.run(stage("lint", scans=scans))
    return LintClean().evaluate(run, "lint", LintCleanOptions(**options), good.NO_HISTORY)


def security(*scans, **options):
    run = good.run(stage("security-scan", scans=scans))
    return Findings().evaluate(run, "security-scan", FindingsOptions(**options), good.NO_HISTORY)


def test_lint_without_findings_passes():
    assert lint(scan(), scan(tool="black", scanned=3)).reason == "nothing found by 2 tools in 12 reads of files"


def test_lint_with_a_low_finding_fails_and_shows_its_place():
    verdict = lint(scan(finding(Severity.LOW, fix="remove it")))
    assert (verdict.status, verdict.reason) == (Status.FAIL, "1 finding in 1 file")
    item = verdict.items[0]
    assert (item.title, item.path, item.line) == ("ruff F401 (low)", "src/a.py", 3)
    assert item.message == "unused import Fix: remove it"


def test_lint_with_only_information_passes():
    assert lint(scan(finding(Severity.INFO))).status is Status.PASS


@pytest.mark.parametrize("judge", [lint, security])
def test_scanner_that_read_nothing_is_blind(judge):
    verdict = judge(scan(), scan(tool="bandit", scanned=0))
    assert (verdict.status, verdict.reason) == (Status.BLIND, "bandit read no files")


@pytest.mark.parametrize("judge", [lint, security])
def test_scanner_that_could_not_read_a_file_is_blind_and_names_it(judge):
    verdict = judge(scan(unread=("a.py: syntax error",)))
    assert verdict.status is Status.BLIND
    assert verdict.items[0].title == "a.py: syntax error"


@pytest.mark.parametrize("judge", [lint, security])
def test_no_scan_is_blind(judge):
    assert judge().status is Status.BLIND


@pytest.mark.parametrize("judge", [lint, security])
def test_finding_wins_over_a_hole(judge):
    assert judge(scan(finding(Severity.CRITICAL), unread=("b.py: cut",))).status is Status.FAIL


def test_security_with_a_high_finding_fails_and_puts_the_worst_first():
    verdict = security(scan(finding(Severity.HIGH), finding(Severity.CRITICAL, rule="S1"), finding(Severity.MEDIUM)))
    assert verdict.reason == "2 findings of severity high or worse"
    assert [(item.title, item.level) for item in verdict.items] == [
        ("ruff S1 (critical)", "error"),
        ("ruff F401 (high)", "error"),
        ("ruff F401 (medium)", "warning"),
    ]


def test_security_with_medium_findings_passes_and_shows_them():
    verdict = security(scan(finding(Severity.MEDIUM), finding(Severity.LOW)))
    assert verdict.status is Status.PASS
    assert [item.level for item in verdict.items] == ["warning"]


def test_security_fails_on_medium_where_asked():
    assert security(scan(finding(Severity.MEDIUM)), fail_on=Severity.MEDIUM).status is Status.FAIL


@pytest.mark.parametrize("judged", [lint, security])
def test_findings_that_are_not_listed_are_counted_in_verdict_and_reports(judged):
    found = tuple(finding(Severity.CRITICAL, path=f"src/{n}.py", message=f"m{n}", rule=f"R{n}") for n in range(1_234))
    verdict = judged(scan(*found))
    assert (len(verdict.items), verdict.unlisted) == (200, 1_034)
    told = report(Status.FAIL)
    stage_of = msgspec.structs.replace(told.stages[0], verdicts=(verdict,))
    text = registry.load("reporter", "terminal")().render(msgspec.structs.replace(told, stages=(stage_of,))).text
    (more,) = re.findall(r"([\d,]+) more", text)
    assert len(re.findall(r"src/\d+\.py", text)) + int(more.replace(",", "")) == 1_234
