"""coverage: total, components, branches."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support import evidence as good
from tests.support.evidence import coverage, stage

from truegreen.config.schema import Component
from truegreen.gates.coverage import CoverageGate, CoverageOptions
from truegreen.model.coverage import Coverage, FileCoverage
from truegreen.model.verdict import Status

TWO = Coverage(files=(*coverage(95, 5, "src/a/x.py").files, *coverage(70, 30, "src/b/y.py").files))


def judged(measured, **options):
    run = good.run(stage("unit", coverage=measured))
    return CoverageGate().evaluate(run, "unit", CoverageOptions(**options), good.NO_HISTORY)


def test_coverage_at_the_threshold_passes():
    verdict = judged(coverage(80, 20))
    assert (verdict.status, verdict.reason) == (Status.PASS, "80.00 % of 100 lines covered")


def test_coverage_a_hair_below_the_threshold_fails_and_is_not_rounded_up():
    verdict = judged(coverage(79_999, 20_001))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "the project has 79.99 % of its lines covered, 80 % are asked for"


def test_coverage_that_fails_lists_the_cheapest_lines_first():
    verdict = judged(coverage(70, 30))
    assert verdict.items[0].message == "cover lines 71-100: 30 lines towards the threshold"
    assert verdict.items[1].message == "30 of 100 lines not covered: 71-100"
    assert (verdict.items[0].path, verdict.items[0].line, verdict.items[0].level) == ("src/a.py", 71, "warning")


def test_component_below_its_threshold_fails_while_the_total_passes():
    verdict = judged(TWO, components={"billing": Component(paths=["src/b"], line=90)})
    assert verdict.status is Status.FAIL
    assert verdict.reason == "component billing has 70.00 % of its lines covered, 90 % are asked for"
    assert [fact.label for fact in verdict.facts] == ["lines", "billing: lines"]


def test_component_that_matches_no_file_is_blind():
    verdict = judged(TWO, components={"gone": Component(paths=["src/gone/**"])})
    assert verdict.status is Status.BLIND
    assert "component gone matches no measured line (src/gone/**)" in verdict.reason


def test_component_without_paths_is_blind():
    assert judged(TWO, components={"empty": Component(paths=[])}).status is Status.BLIND


def test_failing_total_wins_over_a_blind_component():
    verdict = judged(coverage(1, 9), components={"gone": Component(paths=["x"])})
    assert verdict.status is Status.FAIL


def test_branches_asked_for_and_not_measured_are_blind():
    assert judged(coverage(), branch=50).status is Status.BLIND


def test_branches_below_the_threshold_fail():
    verdict = judged(coverage(branches=10, covered_branches=4), branch=50)
    assert verdict.status is Status.FAIL
    assert "40.00 % of its branches" in verdict.reason


def test_branches_that_do_not_exist_do_not_stand_in_the_way():
    assert judged(coverage(branches=0), branch=50).status is Status.PASS


def test_lines_and_branches_that_both_lack_are_both_told():
    verdict = judged(coverage(1, 1, branches=2, covered_branches=0), branch=10)
    assert "of its lines" in verdict.reason
    assert "of its branches" in verdict.reason


def test_coverage_of_nothing_is_blind():
    for measured in (None, Coverage(), Coverage(files=(FileCoverage(path="a.py"),))):
        assert judged(measured, line=0).status is Status.BLIND


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "test/a.py", "test_a.py", "src/pkg/a_test.py", "src/pkg/tests/help.py", "conftest.py"]
)
def test_coverage_of_the_tests_themselves_does_not_count(path):
    verdict = judged(Coverage(files=(*coverage(15, 85, "pkg.py").files, *coverage(900, 0, path).files)))
    assert verdict.status is Status.FAIL
    assert "15.00 %" in verdict.reason
    assert ("left out as tests", "1 file") in [(fact.label, fact.value) for fact in verdict.facts]


def test_coverage_of_tests_counts_where_nothing_is_excluded():
    measured = Coverage(files=(*coverage(15, 85, "pkg.py").files, *coverage(900, 0, "tests/test_a.py").files))
    assert judged(measured, exclude=[]).status is Status.PASS


def test_coverage_of_nothing_but_tests_is_blind():
    assert judged(coverage(100, 0, "tests/test_a.py")).status is Status.BLIND


def test_coverage_of_code_with_a_name_like_a_test_counts():
    assert judged(coverage(100, 0, "src/pkg/testing.py")).status is Status.PASS


STEPS = {"2026-11-08": 80.0, "2026-11-01": 60.0}


@pytest.mark.parametrize(
    ("day", "wanted"),
    [("2026-10-31", 60), ("2026-11-01", 60), ("2026-11-07", 60), ("2026-11-08", 80), ("2027-01-01", 80)],
)
def test_step_in_force_on_the_day_decides(day, wanted):
    run = good.run(stage("unit", coverage=coverage(wanted, 100 - wanted)), today=date.fromisoformat(day))
    at = CoverageGate().evaluate(run, "unit", CoverageOptions(steps=STEPS, line=99), good.NO_HISTORY)
    run = good.run(stage("unit", coverage=coverage(wanted - 1, 101 - wanted)), today=date.fromisoformat(day))
    below = CoverageGate().evaluate(run, "unit", CoverageOptions(steps=STEPS, line=1), good.NO_HISTORY)
    assert (at.status, below.status) == (Status.PASS, Status.FAIL)


def test_steps_without_a_day_are_blind():
    assert judged(coverage(100, 0), steps=STEPS).status is Status.BLIND


def test_file_at_zero_is_listed_and_red_when_asked():
    measured = Coverage(files=(*coverage(900, 0).files, *coverage(0, 7, "src/b.py").files))
    allowed, strict = judged(measured), judged(measured, allow_zero=False)
    assert (allowed.status, strict.status) == (Status.PASS, Status.FAIL)
    assert [(item.path, item.message) for item in allowed.items] == [("src/b.py", "0 % of 7 lines covered")]
    assert strict.reason == "1 file has no covered line (src/b.py)"
    assert ("files at 0 %", "1") in [(fact.label, fact.value) for fact in allowed.facts]
