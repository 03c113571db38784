"""patch-coverage: the changed lines alone."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import coverage, stage

from truegreen import registry
from truegreen.gates import judging
from truegreen.gates.patch_coverage import PatchCoverage, PatchCoverageOptions
from truegreen.model.changes import Changes, FileChange
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.run import Problem
from truegreen.model.verdict import Status


def judged(measured, *files, **options):
    changes = Changes(base=good.BASE, files=files) if files else good.changes()
    run = good.run(stage("unit", coverage=measured), changes=changes)
    return PatchCoverage().evaluate(run, "unit", PatchCoverageOptions(**options), good.NO_HISTORY)


def change(path="src/a.py", lines=range(1, 31), **more):
    return FileChange(path=path, lines=frozenset(lines), **more)


def test_changed_lines_that_ran_pass_whatever_the_rest_of_the_file_does():
    verdict = judged(coverage(30, 970))
    assert (verdict.status, verdict.reason) == (Status.PASS, "100.00 % of 30 changed lines covered")


def test_changed_lines_that_did_not_run_fail_whatever_the_rest_of_the_file_does():
    verdict = judged(coverage(970, 30), change(lines=range(971, 1001)))
    assert (verdict.status, verdict.advisory) == (Status.FAIL, False)
    assert verdict.reason == "0.00 % of 30 changed lines covered, 80 % are asked for"
    assert [(i.path, i.line, i.message) for i in verdict.items] == [
        ("src/a.py", 971, "30 changed lines not covered: 971-1000")
    ]


@pytest.mark.parametrize(("covered", "status"), [(80, Status.PASS), (79, Status.FAIL)])
def test_patch_at_the_threshold_passes_and_a_line_below_fails(covered, status):
    assert judged(coverage(covered, 100 - covered), change(lines=range(1, 101))).status is status


@pytest.mark.parametrize(("number", "advisory"), [(19, True), (20, False)])
def test_patch_of_few_lines_is_advice(number, advisory):
    verdict = judged(coverage(0, 100), change(lines=range(1, number + 1)))
    assert (verdict.status, verdict.advisory) == (Status.FAIL, advisory)


def test_new_file_that_no_test_imports_counts_as_uncovered():
    new = change("src/new.py", range(1, 41), added=True, code=frozenset(range(1, 41, 2)))
    verdict = judged(coverage(), new)
    assert (verdict.status, verdict.advisory) == (Status.FAIL, False)
    assert verdict.reason.startswith("0.00 % of 20 changed lines")
    assert ("absent from the coverage, counted as uncovered", "src/new.py") in [
        (f.label, f.value) for f in verdict.facts
    ]


def test_new_file_that_could_not_be_read_counts_with_every_changed_line():
    assert judged(coverage(), change("src/new.py")).reason.startswith("0.00 % of 30 changed lines")


def test_new_file_outside_the_source_does_not_count():
    verdict = judged(coverage(), change("tools/new.py", code=frozenset({1})), source=["src"])
    assert verdict.status is Status.SKIPPED


@pytest.mark.parametrize(
    ("source", "path"), [(["src"], "src/x/new.py"), (["ledger.api"], "src/ledger/api/new.py"), (["."], "new.py")]
)
def test_new_file_below_a_folder_or_package_of_the_source_counts(source, path):
    assert judged(coverage(), change(path), source=source).status is Status.FAIL


def test_module_named_as_source_counts():
    assert judged(coverage(), change("lib/ledger.py"), source=["ledger"]).status is Status.FAIL


@pytest.mark.parametrize("path", ["tests/test_a.py", "conftest.py"])
def test_changed_test_does_not_count(path):
    assert judged(coverage(), change(path)).status is Status.SKIPPED


def test_file_of_a_language_that_is_not_measured_is_told():
    verdict = judged(coverage(), change("web/app.ts"))
    assert verdict.status is Status.SKIPPED
    assert "not measured: web/app.ts" in verdict.reason
    both = judged(coverage(), change(), change("web/app.ts"))
    assert ("changed and of no measured language", "web/app.ts") in [(fact.label, fact.value) for fact in both.facts]


def test_new_file_of_another_language_that_is_measured_counts():
    measured = Coverage(files=(FileCoverage(path="web/a.ts", covered=bits_of([1])),))
    assert judged(measured, change("web/b.ts", code=frozenset({1, 2}))).reason.startswith("0.00 % of 2 changed lines")


def test_deleted_file_changes_no_line():
    assert judged(coverage(), FileChange(path="src/a.py", deleted=True)).status is Status.SKIPPED


def test_change_that_cannot_be_known_is_blind():
    run = good.run(stage("unit"), changes=None, changes_unknown="commit bbb is not in this clone")
    report = next(one for one in judging.judge(run, {}, good.NO_HISTORY) if one.stage == "unit")
    verdict = next(one for one in report.verdicts if one.gate == "patch-coverage")
    assert (report.status, verdict.status) == (Status.BLIND, Status.BLIND)
    assert verdict.reason == "the changed lines are not known: commit bbb is not in this clone"
    assert "fetch-depth: 0" in verdict.remedy


def test_run_without_a_change_is_not_asked():
    report = judging.judge(good.run(stage("unit"), changes=None), {}, good.NO_HISTORY)[1]
    assert "patch-coverage" not in [verdict.gate for verdict in report.verdicts]
    assert report.status is Status.PASS


def test_coverage_of_nothing_is_blind():
    assert judged(Coverage()).status is Status.BLIND


@pytest.mark.parametrize("gate", ["patch-coverage", "coverage-ratchet"])
def test_project_that_measures_no_coverage_is_not_asked_about_a_part_of_it(gate):
    quiet = {"coverage": registry.load("gate", "coverage").Options(enabled=False)}
    report = judging.judge(good.run(stage("unit", coverage=None)), quiet, good.NO_HISTORY)[1]
    assert (report.status, gate in [verdict.gate for verdict in report.verdicts]) == (Status.PASS, False)


@pytest.mark.parametrize("gate", ["patch-coverage", "coverage-ratchet"])
def test_coverage_that_was_promised_and_is_missing_is_blind(gate):
    lost = Problem(kind="coverage", message="unit promised coverage-json evidence and left none")
    quiet = {"coverage": registry.load("gate", "coverage").Options(enabled=False)}
    report = judging.judge(good.run(stage("unit", coverage=None, problems=(lost,))), quiet, good.NO_HISTORY)[1]
    assert {one.gate: one.status for one in report.verdicts}[gate] is Status.BLIND


def known(covered, missing=(), **more):
    file = FileCoverage(path="src/a.py", covered=bits_of(covered), missing=bits_of(missing), **more)
    return Coverage(files=(file,))


def test_changed_lines_of_code_that_the_coverage_of_their_file_does_not_know_are_uncovered():
    new = change(lines=range(11, 61), code=frozenset(range(1, 61, 2)))
    verdict = judged(known(range(1, 11), excluded=0), new)
    assert (verdict.status, verdict.reason.partition(",")[0]) == (Status.FAIL, "0.00 % of 25 changed lines covered")
    assert verdict.facts[-1].label == "lines the coverage does not know, counted as uncovered"
    assert judged(known(range(1, 11)), new).reason == verdict.reason, "XML and LCOV do not tell what was left out"


def test_changed_lines_that_were_left_out_on_purpose_do_not_count():
    new = change(lines=range(11, 61), code=frozenset(range(11, 61)))
    verdict = judged(known([*range(1, 11), 11], excluded=bits_of(range(12, 61))), new)
    assert (verdict.status, verdict.reason) == (Status.PASS, "100.00 % of 1 changed line covered")
    assert judged(known([*range(1, 11), 11]), new).reason == verdict.reason
    assert judged(known(range(1, 11), excluded=-1), new).status is Status.SKIPPED


def test_places_that_reach_the_threshold_come_first_and_no_fewer_do():
    lines = {*range(1, 41), *range(50, 60), *range(70, 73)}  # 40 uncovered, 10 uncovered, 3 uncovered
    ran = range(100, 200)
    file = FileCoverage(path="src/a.py", covered=bits_of({45, 65, *ran}), missing=bits_of(lines))
    verdict = judged(Coverage(files=(file,)), change(lines={*lines, *ran}), line=95)
    assert ("fewest places that reach it", "2 places with 50 lines") in [(f.label, f.value) for f in verdict.facts]
    assert "cover the first 2 places listed, the fewest that reach the threshold" in verdict.remedy
    assert [(i.line, i.last_line) for i in verdict.items] == [(1, 40), (50, 59), (70, 72)]
    verdict = judged(Coverage(files=(file,)), change(lines={*lines, *ran}), line=67)
    assert "cover the place listed first" in verdict.remedy
    assert [(i.line, i.last_line) for i in verdict.items] == [(70, 72), (1, 40), (50, 59)]  # 3 lines do


def test_changed_lines_with_unchanged_code_that_ran_between_them_are_two_places():
    file = FileCoverage(path="src/a.py", covered=bits_of(range(4, 50)), missing=bits_of((3, 50)))
    verdict = judged(Coverage(files=(file,)), change(lines=(3, 50)), min_lines=0)
    assert [(i.line, i.last_line) for i in verdict.items] == [(3, 3), (50, 50)]
