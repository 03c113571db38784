"""What the HTML report says about coverage, findings and tests against the base."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.html_pages import render
from tests.support.known_reports import ORIGIN, flaky, green, huge, red

from truegreen.model.detail import (
    ChangedFile,
    Comparison,
    CoverageChange,
    Covered,
    Detail,
    FindingsChange,
    Named,
    Several,
    StageFindings,
    TrendPoint,
)
from truegreen.model.verdict import Report, Status
from truegreen.reporters.html import changes, past

TOTAL = Covered(name="", lines=1000, covered=905, base_lines=1000, base_covered=900)


def behind(**detail):
    return Report(status=Status.PASS, headline="", provenance=ORIGIN, detail=Detail(**detail))


def covered(**values):
    return changes.coverage(behind(coverage_change=CoverageChange(**{"total": TOTAL, **values})))


def changed_file(name, *spans, **more):
    values = {"lines": 20, "covered": 4, "uncovered": spans, "places": len(spans)}
    return ChangedFile(whole=Covered(name=name, lines=100, covered=80), **{**values, **more})


def test_coverage_is_told_with_its_base_components_and_links_to_changed_lines():
    component = Covered(name="billing", lines=200, covered=150, base_lines=100, base_covered=80)
    file = changed_file("src/a b.py", (10, 11), (20, 20))
    made = covered(
        base="b" * 40,
        exact=True,
        components=(component,),
        files=(file,),
        changed_files=1,
        changed_lines=20,
        covered_lines=4,
    )
    assert (
        "90.50 % of 1,000 lines (+0.50 points against <code>bbbbbbbbbbbb</code>, where the change left its base); "
        "4 of 20 changed lines</p>"
    ) in made
    assert (
        '<td>billing</td><td class="number">75.00 % of 200</td><td class="number">-5.00</td>'
        '<td class="number">50 (+30)</td>'
    ) in made
    address = f"https://github.com/acme/ledger/blob/{'c' * 40}/src/a%20b.py"
    assert f'<td><a href="{address}#L10-L11">10-11</a>, <a href="{address}#L20">20</a></td>' in made
    assert '<td class="number">4 of 20</td>' in made


def test_coverage_without_a_base_names_files_with_uncovered_changed_lines_alone():
    made = covered(files=(changed_file("a.py", (1, 2)), changed_file("b.py")), changed_files=2)
    assert "a.py" in made
    assert "b.py" not in made
    assert "Against the base" not in made
    assert "points" not in made
    assert "more changed files" not in made


def test_changed_files_and_places_that_are_not_named_are_counted():
    spans = tuple((n, n) for n in range(1, 13))
    files = tuple(changed_file(f"{n}.py", *spans, places=30) for n in range(130))
    made = covered(base="b" * 40, files=files, changed_files=490)
    assert made.count(" and 20 more</td>") == 100
    assert "and 390 more changed files" in made


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"components": (Covered(name="x", lines=3, covered=4),)},
        {"base": "b", "files": (changed_file("a.py", (5, 1)),)},
        {"base": "b", "files": (changed_file("a.py", (-3, 3)),)},
        {"base": "b", "files": (changed_file("a.py", (1, 10**4200)),)},
        {"base": "b", "files": (changed_file("a.py", lines=3, covered=4),)},
        {"base": "b", "files": (changed_file("a.py", places=-1),)},
        {"base": "b", "changed_lines": -1},
        {"base": "b", "changed_files": 10**4200},
    ],
)
def test_coverage_that_says_nothing_or_cannot_be_makes_no_section(values):
    assert covered(**values) == ""


def test_report_without_changes_has_no_section_of_them():
    for report in (behind(), Report(status=Status.PASS, headline="")):
        assert changes.coverage(report) == changes.findings(report) == ""
    assert 'id="coverage-change"' not in render(behind()).text


def test_new_findings_are_named_with_their_place_and_the_others_counted():
    found = tuple(good.finding(rule=f"F{n}") for n in range(250))
    new = (StageFindings(stage="lint", total=900, findings=found),)
    made = changes.findings(behind(findings_change=FindingsChange(base="b" * 40, exact=True, new=new, gone=1)))
    assert "(where the change left its base): 900 new, 1 gone</p>" in made
    assert '<td>high</td><td>ruff F0</td><td>unused import <a href="https://github.com/acme/ledger/blob/' in made
    assert made.count('<tr class="item">') == 200
    assert "and 700 more that are new" in made


def test_findings_that_are_only_gone_are_a_line_and_impossible_ones_nothing():
    made = changes.findings(behind(findings_change=FindingsChange(base="b" * 40, gone=3)))
    assert "(the newest run of the default branch that is known): 3 gone</p>" in made
    assert "<table" not in made
    assert changes.findings(behind(findings_change=FindingsChange(base="b", there_too=9))) == ""
    assert changes.findings(behind(findings_change=FindingsChange(base="b", gone=-1))) == ""


def test_newly_flaky_tests_are_named_and_a_failing_test_says_its_shard():
    found = flaky().detail
    told = msgspec.structs.replace(
        found.comparison, newly_flaky=Several(named=(Named(stage="unit", test="a.py::wavers"),))
    )
    made = past.compared(msgspec.structs.replace(found, comparison=told))
    assert "<summary>Newly flaky (1)</summary>" in made
    assert "unit: a.py::wavers" in made
    text = render(red()).text
    assert "<p>stage unit, shard 2 <" in text
    assert text.count(", shard ") == 1


def test_page_of_ten_thousand_tests_and_the_most_changes_is_within_two_megabytes():
    spans = tuple((100 * n, 100 * n + 7) for n in range(1, 51))
    files = tuple(changed_file(f"src/area/package_{n}/module_with_a_name.py", *spans) for n in range(500))
    found = tuple(good.finding(rule=f"F{n}", message="a sentence of a scanner " * 9) for n in range(1000))
    report = huge()
    detail = msgspec.structs.replace(
        report.detail,
        coverage_change=CoverageChange(total=TOTAL, base="b" * 40, files=files, changed_files=500),
        findings_change=FindingsChange(
            base="b" * 40, new=(StageFindings(stage="lint", total=1000, findings=found),), gone=1
        ),
    )
    document = render(msgspec.structs.replace(report, detail=detail), 2_000_000)
    assert not document.omitted
    assert "and 400 more changed files" in document.text


def test_share_of_lines_is_rounded_down_and_a_small_step_is_seen():
    before, now = TrendPoint(commit="b" * 40, line_ratio=1.0), TrendPoint(commit="c" * 40, line_ratio=0.99996)
    behind = Detail(now=now, comparison=Comparison(base=before))
    text = render(msgspec.structs.replace(green(), detail=behind)).text
    assert "99.99 %" in text
    assert "100.00 %" in text
    assert "-0.01 points" in text
    for hundredths in range(10_001):
        assert past._percent(hundredths / 10_000) == f"{hundredths // 100}.{hundredths % 100:02} %"
