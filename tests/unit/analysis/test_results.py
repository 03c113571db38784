"""What a run leaves to the history: numbers from its evidence, not from what its report says in words."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.support import evidence as given
from tests.support.reports import report

from truegreen.analysis import kept_load, results
from truegreen.model.coverage import Coverage
from truegreen.model.testrun import Outcome, TestCase, TestRun
from truegreen.model.verdict import Status

PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP


def kept(*cases: TestCase, **more: Any) -> Any:
    """Return what is kept of a unit stage with these cases."""
    record = given.record("unit", tree="t", environment="e")
    stage = given.stage("unit", **{"records": (record,), "tests": TestRun(cases=cases), **more})
    return results.of(report(), given.run(stage), fingerprint=lambda case: case.message)


def test_numbers_are_those_of_the_evidence() -> None:
    passed = [given.case(n) for n in range(1200)]
    failed = [given.case(2000 + n, FAIL, attempts=(FAIL, ERROR), message="boom") for n in range(3)]
    flaky = given.case(3000, PASS, attempts=(FAIL, PASS), message="late")
    skipped = given.case(4000, SKIP)

    found = kept(*passed, *failed, flaky, skipped)

    assert (found.run.tests, found.run.failed, found.run.flaky) == (1204, 3, 1)
    assert (found.run.tree, found.run.environment, found.run.run) == ("t", "e", "77.1")
    assert {stage.stage: stage.tests for stage in found.run.stages} == {"lint": 0, "unit": 1204}
    assert {test.fingerprint for test in found.results["unit"] if test.failed} == {"boom", "late"}
    assert found.results["unit"][0].attempts == (PASS,)


def test_line_ratio_is_that_of_the_coverage_record() -> None:
    assert kept(given.case(1)).run.line_ratio == 0.9
    assert kept(given.case(1), coverage=None).run.line_ratio is None
    assert kept(given.case(1), coverage=Coverage()).run.line_ratio is None


def test_tree_is_unknown_where_stages_tested_several() -> None:
    one = given.stage("unit", records=(given.record("unit", tree="a", environment="x"),))
    other = given.stage("wiring", records=(given.record("wiring", tree="b", environment="y"),))
    found = results.of(report(), given.run(one, other)).run
    assert found.tree == ""
    assert len(found.environment) == 16
    assert found.environment == results.of(report(), given.run(other, one)).run.environment


def test_run_without_evidence_keeps_the_verdicts() -> None:
    found = results.of(report(Status.BLIND), given.run(planned=()))
    assert [(stage.stage, stage.status) for stage in found.run.stages] == [("lint", "pass"), ("unit", "blind")]
    assert found.results.keys() == {"unit", "wiring", "persistence", "e2e"}
    empty = results.of(report(), msgspec.structs.replace(given.run(), stages=()))
    assert (empty.results, empty.run.tree, empty.run.environment, empty.run.tests) == ({}, "", "", 0)


def test_branch_is_the_ref_or_the_pull_request() -> None:
    def of(**more: Any) -> Any:
        base = report(Status.PASS)
        origin = msgspec.structs.replace(base.provenance, **more)
        return results.of(msgspec.structs.replace(base, provenance=origin), given.run()).run

    assert (of().branch, of().base) == ("main", False)
    assert of(base=True).base
    assert of(ref="refs/pull/7/merge", pull_request=7).branch == "pull/7"
    assert of(ref="refs/tags/v1").branch == ""


def test_two_results_of_one_name_never_hide_a_failure_whatever_their_order() -> None:
    for one, other in (((PASS,), (FAIL,)), ((FAIL,), (PASS,)), ((SKIP,), (ERROR,))):
        assert results.combined(one, other)[-1] in (FAIL, ERROR)
        assert results.combined(one, other) == results.combined(other, one)


def test_stage_that_was_not_run_again_is_no_part_of_the_next_attempt() -> None:
    def of(attempt: int, **runs: tuple[str, ...]) -> Any:
        stages = [
            given.stage(
                name,
                records=tuple(given.record(name, run_id=run) for run in made),
                tests=TestRun(cases=(given.case(1),)),
                coverage=given.coverage() if name == "unit" else None,
            )
            for name, made in runs.items()
        ]
        base = report()
        origin = msgspec.structs.replace(base.provenance, run_attempt=attempt, base=True)
        stages_of_report = tuple(msgspec.structs.replace(base.stages[0], stage=name) for name in runs)
        told = msgspec.structs.replace(base, provenance=origin, stages=stages_of_report)
        return results.of(told, given.run(*stages))

    first = of(1, unit=("77.1",), wiring=("77.1",))
    assert ({stage.stage for stage in first.run.stages}, first.run.tests) == ({"unit", "wiring"}, 2)
    assert first.parts
    again = of(2, unit=("77.1",), wiring=("77.2",))
    assert (again.run.run, [stage.stage for stage in again.run.stages]) == ("77.2", ["wiring"])
    assert (set(again.results), again.run.tests, again.parts) == ({"wiring"}, 1, {})
    # One leg of a matrix ran again: its results count, and cannot be told from those of the others.
    assert set(of(2, unit=("77.1", "77.2")).results) == {"unit"}
    # Evidence of a desk, or of a run that is judged elsewhere, belongs to whoever judges it.
    assert set(of(1, unit=("",), wiring=("12.1",)).results) == {"unit", "wiring"}


def test_run_of_the_default_branch_keeps_findings_and_one_of_a_change_none() -> None:
    lint = given.stage("lint", scans=(given.scan(given.finding(fingerprint="ruff:F401:src/a.py:d")),))
    told = report()
    origin = msgspec.structs.replace(told.provenance, base=True)
    kept_here = results.of(msgspec.structs.replace(told, provenance=origin), given.run(lint)).parts
    assert kept_here == {"findings": b'{"lint":{"ruff":{"ruff:F401:src/a.py:d":1}}}'}
    assert results.of(told, given.run(lint)).parts == {}


def test_run_of_the_default_branch_keeps_a_load_test_unless_its_stage_failed() -> None:
    evidence = given.run(given.stage("performance"))
    told = report()
    for status, kept in ((Status.PASS, given.steady_loads(1)), (Status.FAIL, ())):
        stages = (msgspec.structs.replace(told.stages[0], stage="performance", status=status),)
        origin = msgspec.structs.replace(told.provenance, base=True)
        here = results.of(msgspec.structs.replace(told, provenance=origin, stages=stages), evidence).parts
        assert kept_load.unpacked(here.get("load", b"[]")) == kept
