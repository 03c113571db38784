"""coverage: total, components, branches."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support import evidence as good
from tests.support.evidence import coverage, stage

from truegreen.config.schema import Component
from truegreen.gates.coverage import CoverageGate, CoverageOptions
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
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


def test_shard_without_coverage_beside_others_is_blind_unless_it_is_named():
    run = good.run(stage("unit", coverage=coverage(95, 5), unmeasured=("b", "js")))
    verdict = CoverageGate().evaluate(run, "unit", CoverageOptions(unmeasured=["j*"]), good.NO_HISTORY)
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG201")
    assert verdict.reason == "b left results of tests and no coverage, which other shards did"
    named = CoverageGate().evaluate(run, "unit", CoverageOptions(unmeasured=["b", "js"]), good.NO_HISTORY)
    assert named.status is Status.PASS


def test_component_without_a_name_is_refused():
    with pytest.raises(ValueError, match="needs a name"):
        CoverageOptions(components={"": Component(paths=["src/b"], line=10)})


def test_component_below_its_threshold_fails_while_the_total_passes():
    verdict = judged(TWO, components={"billing": Component(paths=["src/b"], line=90)})
    assert verdict.status is Status.FAIL
    assert verdict.reason == "component billing has 70.00 % of its lines covered, 90 % are asked for"
    assert [(fact.label, fact.value) for fact in verdict.facts[1:]] == [
        ("billing: lines", "70.00 %"),
        ("billing: lines missing to the threshold", "20"),
        ("billing: fewest places that reach it", "1 place with 30 lines"),
    ]


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


SCATTERED = Coverage(
    files=(FileCoverage(path="src/a.py", covered=bits_of(range(1, 200, 2)), missing=bits_of(range(2, 200, 2))),)
)


def test_cheapest_places_beyond_those_listed_are_counted():
    verdict = judged(SCATTERED)
    assert ("fewest places that reach it", "60 places with 60 lines") in [(f.label, f.value) for f in verdict.facts]
    assert sum(item.message.endswith("towards the threshold") for item in verdict.items) == 5
    assert "the first 5 of them are listed" in verdict.remedy
    assert "not the work of a test" in verdict.remedy


def test_project_and_component_that_is_all_of_it_lack_the_same_once():
    verdict = judged(coverage(70, 30), components={"all": Component(paths=["src"])})
    assert [item.message for item in verdict.items].count("cover lines 71-100: 30 lines towards the threshold") == 1
    assert sum(fact.label.endswith("missing to the threshold") for fact in verdict.facts) == 1


def test_branches_that_lack_are_listed_by_the_line_they_leave():
    file = FileCoverage(
        path="src/a.py",
        covered=bits_of(range(1, 11)),
        branches=6,
        covered_branches=2,
        taken=frozenset({(1, 2), (3, 4)}),
        untaken=frozenset({(1, 9), (3, 8), (5, 6), (5, 7)}),
    )
    verdict = judged(Coverage(files=(file,), has_branches=True), branch=60)
    assert verdict.items[0].message == "cover the branches of line 5: 2 branches towards the threshold"
    assert [(f.label, f.value) for f in verdict.facts[2:]] == [
        ("branches missing to the threshold", "2"),
        ("fewest places that reach it", "1 place with 2 branches"),
    ]


def test_branches_that_a_report_only_counts_are_listed_by_their_line_too():
    file = FileCoverage(
        path="src/a.py",
        covered=bits_of(range(1, 11)),
        branches=8,
        covered_branches=3,
        untaken=frozenset({(5, 6)}),
        counted=((2, 2, 2), (5, 1, 4), (7, 0, 2)),
    )
    verdict = judged(Coverage(files=(file,), has_branches=True), branch=90)
    assert [item.message for item in verdict.items] == [
        "cover the branches of line 5: 3 branches towards the threshold",
        "cover the branches of line 7: 2 branches towards the threshold",
    ]


def test_branches_that_the_report_does_not_name_are_not_promised():
    verdict = judged(coverage(branches=10, covered_branches=4), branch=50)
    assert "the report does not name every branch" in verdict.remedy
    assert [f.label for f in verdict.facts] == ["lines", "branches", "branches missing to the threshold"]


def test_files_at_zero_alone_ask_for_one_line_of_each():
    measured = Coverage(files=(*coverage(900, 0).files, *coverage(0, 7, "src/b.py").files))
    assert judged(measured, allow_zero=False).remedy.startswith("run at least one line of each of these files")


@pytest.mark.parametrize(("percent", "lines"), [(8.8, 750), (99.68, 10_000), (2.2, 1500)])
def test_threshold_that_is_met_to_the_line_passes_whatever_its_decimals_are_as_a_float(percent, lines):
    part = round(percent * lines / 100)
    assert part * 100 < percent * lines  # what a comparison of floats would say
    assert judged(coverage(part, lines - part), line=percent).status is Status.PASS
    assert judged(coverage(part - 1, lines - part + 1), line=percent).status is Status.FAIL
