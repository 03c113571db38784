"""Waivers: what they cover, what they never cover, and when they are red themselves."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, cases, record, session, stage

from truegreen.gates import judging
from truegreen.gates.base import RUN
from truegreen.gates.full_run_budget import FullRunBudgetOptions
from truegreen.gates.no_failures import NoFailuresOptions
from truegreen.gates.tests_ran import TestsRanOptions
from truegreen.gates.waivers import WaiversOptions
from truegreen.model.changes import Changes, FileChange
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.evidence import RunState
from truegreen.model.finding import Severity
from truegreen.model.run import Problem
from truegreen.model.verdict import Status

ONE_RED = session(3, exit_code=1, failed=(good.name(1),))
"""Three tests ran, the second failed."""


def judged(*stages, waivers, policies=None, **more):
    run = good.governed(*stages, waivers=tuple(waivers), **more)
    return {report.stage: report for report in judging.judge(run, policies or {}, good.NO_HISTORY)}


def failing(*outcomes, **more):
    run = cases(*(outcomes or (PASS, FAIL, PASS)))
    failed = tuple(case.id for case in run.cases if case.outcome is FAIL)
    return stage("unit", tests=run, sessions=(session(len(run.cases), exit_code=1, failed=failed),), **more)


def verdict(report, gate):
    return next(v for v in report.verdicts if v.gate == gate)


def about(reports):
    """Return what the gate on waivers says, with the message of its first item."""
    found = verdict(reports[RUN], "waivers")
    return found.status, found.items[0].message


def test_failure_that_is_covered_is_waived_and_the_waiver_is_shown():
    reports = judged(failing(), waivers=[good.waiver()])
    found = verdict(reports["unit"], "no-failures")
    assert (found.status, reports["unit"].status) == (Status.WAIVED, Status.WAIVED)
    assert found.reason == "1 of 3 tests failed"
    assert found.facts[-1].label == "waiver truegreen-waivers.toml:3"
    assert found.facts[-1].value == "the vendor mends it (approved by kim for jo, until 2026-12-24)"
    assert "waived: 1 of 3 tests failed" in reports["unit"].headline
    assert judging.overall(tuple(reports.values())) == (Status.WAIVED, "stage unit passed, 1 by a waiver")
    status, message = about(reports)
    assert status is Status.PASS
    assert message.startswith("covers: 1 of 3 tests failed; the vendor mends it; approved by kim for jo, owner jo")
    assert "until 2026-12-24 (33 days left)" in message


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2026, 12, 24), True),
        (date(2026, 12, 25), False),
        (None, False),
    ],
)
def test_waiver_counts_from_the_day_of_issue_to_the_day_of_expiry(day, covered):
    reports = judged(failing(), waivers=[good.waiver()], today=day)
    assert (reports["unit"].status is Status.WAIVED) is covered
    assert covered or reports["unit"].status is Status.FAIL


def test_waiver_of_another_stage_or_gate_covers_nothing():
    for other in ({"stage": "wiring"}, {"gate": "flakiness"}):
        assert judged(failing(), waivers=[good.waiver(**other)])["unit"].status is Status.FAIL


def test_waiver_with_items_covers_those_and_anything_else_stays_red():
    mine = good.waiver(items=(good.name(1),))
    assert judged(failing(), waivers=[mine])["unit"].status is Status.WAIVED
    reports = judged(failing(FAIL, FAIL, PASS), waivers=[mine])
    assert verdict(reports["unit"], "no-failures").status is Status.FAIL
    assert about(reports)[0] is Status.PASS, "a waiver that is needed, and not enough, is not unused"
    assert "does not cover all that is red" in about(reports)[1]


@pytest.mark.parametrize("item", ["tests/test_a.py::test_1", "tests/test_a.py::test_*", "tests/test_a.py", "tests/**"])
def test_items_name_a_test_a_pattern_a_file_or_a_folder(item):
    # Where all tests are taken out, nothing is left that could pass.
    others = stage("unit", tests=good.TestRun(cases=(good.case(1, FAIL), good.case(2, id="b.py::test", file="b.py"))))
    found = judged(others, waivers=[good.waiver(items=(item,))])
    assert verdict(found["unit"], "no-failures").status is Status.WAIVED


def test_item_names_a_test_on_every_python():
    labelled = good.TestRun(cases=(good.case(0), good.case(1, FAIL, id=f"{good.name(1)} [3.12.1]")))
    reports = judged(stage("unit", tests=labelled), waivers=[good.waiver(items=(good.name(1),))])
    assert verdict(reports["unit"], "no-failures").status is Status.WAIVED


def test_waiver_that_takes_out_everything_leaves_nothing_that_could_pass():
    reports = judged(failing(FAIL, FAIL), waivers=[good.waiver(items=("tests/**",))])
    assert verdict(reports["unit"], "no-failures").status is Status.FAIL


@pytest.mark.parametrize("item", ["src/a.py", "F401", "ruff:F401", "ruff:F401:src/a.py:*", "src/**"])
def test_item_names_a_finding_by_path_rule_or_fingerprint(item):
    scan = good.scan(good.finding(Severity.CRITICAL, fingerprint="ruff:F401:src/a.py:12ab"))
    mine = good.waiver(gate="findings", stage="security-scan", items=(item,))
    assert judged(stage("security-scan", scans=(scan,)), waivers=[mine])["security-scan"].status is Status.WAIVED
    new = good.scan(*scan.findings, good.finding(Severity.CRITICAL, path="lib/b.py", rule="F9", fingerprint="x"))
    assert judged(stage("security-scan", scans=(new,)), waivers=[mine])["security-scan"].status is Status.FAIL


def test_item_names_a_file_that_does_not_count_for_coverage():
    part = Coverage(
        files=(
            FileCoverage(path="src/a.py", covered=bits_of(range(1, 91))),
            FileCoverage(path="src/old.py", missing=bits_of(range(1, 91))),
        )
    )
    reports = judged(
        stage("unit", coverage=part), waivers=[good.waiver(gate="coverage", items=("src/old.py", "src/none.py"))]
    )
    assert verdict(reports["unit"], "coverage").status is Status.WAIVED
    assert about(reports) == (
        Status.FAIL,
        f"has patterns that nothing red needs: src/none.py; {about(reports)[1].partition('; ')[2]}",
    )


@pytest.mark.parametrize("others", [True, False])
def test_item_names_a_measured_file_that_does_not_count_for_the_changed_lines(others):
    old = FileCoverage(path="src/old.py", missing=bits_of(range(1, 41)))
    new = FileCoverage(path="src/new.py", covered=bits_of(range(1, 41)))
    files = tuple(FileChange(path=one.path, lines=frozenset(range(1, 41))) for one in (old, new)[: 1 + others])
    part = stage("unit", coverage=Coverage(files=(old, new)))
    row = good.waiver(gate="patch-coverage", items=("src/old.py",))
    reports = judged(part, waivers=[row], changes=Changes(base=good.BASE, files=files))
    assert verdict(reports["unit"], "patch-coverage").status is Status.WAIVED
    other = good.waiver(gate="patch-coverage", items=("src/new.py",))
    reports = judged(part, waivers=[other], changes=Changes(base=good.BASE, files=files))
    assert verdict(reports["unit"], "patch-coverage").status is Status.FAIL


def test_item_names_an_unchanged_file_that_does_not_count_for_the_ratchet():
    before = Coverage(files=(good.coverage(100, 0).files[0], good.coverage(50, 0, "src/old.py").files[0]))
    now = Coverage(files=(before.files[0], good.coverage(40, 10, "src/old.py").files[0]))
    row = good.waiver(gate="coverage-ratchet", items=("src/old.py",))
    run = good.governed(stage("unit", coverage=now), waivers=(row,), changes=Changes(base=good.BASE, files=()))
    unit = next(r for r in judging.judge(run, {}, good.history_of(before)) if r.stage == "unit")
    assert verdict(unit, "coverage-ratchet").status is Status.WAIVED


def test_waiver_that_nothing_needs_is_red():
    reports = judged(stage("unit"), waivers=[good.waiver()])
    status, message = about(reports)
    assert (status, reports["unit"].status) == (Status.FAIL, Status.PASS)
    assert message.startswith("is not needed: the gate passes without it")


def test_broad_waiver_beside_items_that_suffice_is_not_needed():
    narrow, broad = good.waiver(items=(good.name(1),), line=3), good.waiver(line=20)
    reports = judged(failing(), waivers=[broad, narrow])
    found = verdict(reports[RUN], "waivers")
    assert (found.status, found.items[0].line) == (Status.FAIL, 20)
    assert [fact.label for fact in verdict(reports["unit"], "no-failures").facts if "waiver" in fact.label] == [
        "waiver truegreen-waivers.toml:3"
    ]


def test_waiver_of_a_gate_that_only_advises_is_not_needed():
    reports = judged(failing(), waivers=[good.waiver()], policies={"no-failures": NoFailuresOptions(advisory=True)})
    assert verdict(reports["unit"], "no-failures").status is Status.FAIL
    assert about(reports)[0] is Status.FAIL


def test_waiver_of_a_stage_that_was_not_planned_is_shown_and_not_red():
    reports = judged(stage("lint"), waivers=[good.waiver()])
    status, message = about(reports)
    assert status is Status.PASS
    assert message.startswith("not asked for in this run")


def test_waiver_of_which_only_a_part_of_the_stage_was_asked_is_not_called_unused():
    part = stage("unit", sessions=(session(asked=("-k good",), left_out=1, collected=4, deselected=1),))
    status, message = about(judged(part, waivers=[good.waiver()]))
    assert (status, message.partition(";")[0]) == (Status.PASS, "not asked for in this run")


def test_expired_waiver_is_red_even_if_nothing_else_is():
    reports = judged(stage("lint"), waivers=[good.waiver()], today=date(2027, 1, 1))
    assert about(reports) == (
        Status.FAIL,
        "expired on 2026-12-24; the vendor mends it; approved by kim for jo, owner jo",
    )


def test_waiver_of_tomorrow_is_shown_and_covers_nothing():
    later = good.waiver(issued=date(2026, 11, 22))
    reports = judged(failing(), waivers=[later])
    assert reports["unit"].status is Status.FAIL
    assert about(reports)[1].startswith("not in force before 2026-11-22")
    assert about(reports)[0] is Status.PASS


def test_waiver_near_its_expiry_is_a_warning():
    levels = {
        days: verdict(judged(failing(), waivers=[good.waiver(expires=date(2026, 11, days))])[RUN], "waivers").items[0]
        for days in (21, 30)
    }
    assert {item.level for item in levels.values()} == {"warning"}
    assert "until 2026-11-21 (0 days left)" in levels[21].message
    strict = judged(failing(), waivers=[good.waiver()], policies={"waivers": WaiversOptions(near_days=60)})
    assert verdict(strict[RUN], "waivers").items[0].level == "warning"


def test_blind_gate_can_be_waived_as_a_whole_only():
    dark = stage("security-scan", scans=(good.scan(scanned=0),))
    mine = good.waiver(gate="findings", stage="security-scan")
    assert judged(dark, waivers=[mine])["security-scan"].status is Status.WAIVED
    some = msgspec.structs.replace(mine, items=("src/**",))
    assert judged(dark, waivers=[some])["security-scan"].status is Status.BLIND


@pytest.mark.parametrize("code", ["TG202", "TG203", "TG204", "TG900"])
def test_evidence_that_cannot_be_trusted_is_never_waived(code):
    problem = Problem(kind="tests", message="junit.xml changed after its stage ended", code=code)
    reports = judged(stage("unit", problems=(problem,)), waivers=[good.waiver()])
    assert verdict(reports["unit"], "no-failures").status is Status.BLIND
    assert reports["unit"].status is Status.BLIND


@pytest.mark.parametrize("gate", ["stage-complete", "tests-ran"])
def test_what_says_whether_evidence_is_whole_is_never_waived_when_blind(gate):
    lost = stage("unit", sessions=(session(4),), records=(record("unit", state=RunState.BROKEN),))
    reports = judged(lost, waivers=[good.waiver(gate=gate)])
    assert verdict(reports["unit"], gate).status is Status.BLIND


def test_too_few_tests_cannot_be_waived():
    few = good.waiver(gate="tests-ran")
    options = {"tests-ran": TestsRanOptions(min_tests=9)}
    assert verdict(judged(waivers=[few], policies=options)["unit"], "tests-ran").status is Status.BLIND


def test_gate_on_waivers_cannot_be_waived():
    own = good.waiver(gate="waivers", stage=RUN)
    reports = judged(waivers=[own, good.waiver()])
    assert verdict(reports[RUN], "waivers").status is Status.FAIL


def test_gate_over_the_run_can_be_waived():
    own = good.waiver(gate="full-run-budget", stage=RUN)
    reports = judged(waivers=[own], policies={"full-run-budget": FullRunBudgetOptions(max_s=1.0)})
    assert verdict(reports[RUN], "full-run-budget").status is Status.WAIVED
    assert (reports[RUN].status, about(reports)[0]) == (Status.WAIVED, Status.PASS)


def test_gate_that_gave_no_answer_leaves_its_waiver_unasked():
    open_ = stage("unit", tests=cases(PASS, FAIL), sessions=(session(2, exit_code=1, failed=(good.name(1),)),))
    reports = judged(open_, waivers=[good.waiver(gate="flakiness")])
    assert verdict(reports["unit"], "flakiness").status is Status.SKIPPED
    assert about(reports)[0] is Status.PASS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (FileChange(path="truegreen-waivers.toml", lines=frozenset({5})), "1"),
        (FileChange(path="service/truegreen-waivers.toml", added=True), "1"),
        (FileChange(path="truegreen-waivers.toml", lines=frozenset({11})), None),
        (FileChange(path="src/a.py", lines=frozenset({5})), None),
    ],
)
def test_waiver_that_the_change_itself_wrote_is_told(change, told):
    reports = judged(failing(), waivers=[good.waiver()], changes=Changes(base="b" * 40, files=(change,)))
    facts = {fact.label: fact.value for fact in verdict(reports[RUN], "waivers").facts}
    assert facts.get("written or changed by this change") == told
    assert facts["in force"] == "1"
    assert ("written or changed by this very change" in about(reports)[1]) is bool(told)


def test_test_that_was_skipped_needs_no_waiver():
    assert about(judged(stage("unit", tests=cases(PASS, SKIP, PASS)), waivers=[good.waiver()]))[0] is Status.FAIL


def test_waivers_that_are_switched_off_are_told_in_the_headline():
    reports = judged(failing(), waivers=[good.waiver()], policies={"waivers": WaiversOptions(enabled=False)})
    assert "switched off: waivers" in judging.overall(tuple(reports.values()))[1]
