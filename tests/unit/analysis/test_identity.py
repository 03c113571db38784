"""Which run evidence is of: never a new one because somebody looked at it again."""

from __future__ import annotations

import msgspec
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.support import evidence as given
from tests.support.reports import report

from truegreen.analysis import identity
from truegreen.model.history import History, PastFailure, PastRun, PastStage
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.testrun import Outcome, TestRun
from truegreen.model.verdict import Report, StageReport, Status


def desk(stage: str, started: str = "2026-11-21T07:00:00Z", **more: object) -> StageEvidence:
    """Return evidence of a stage as a desk leaves it."""
    record = given.record(stage, **{"run_id": "", "started": started, **more})
    return StageEvidence(stage=stage, records=(record,), tests=TestRun(cases=(given.case(1),)))


def told(*stages: str) -> Report:
    """Return a report of a desk on some stages."""
    found = report(Status.PASS)
    origin = msgspec.structs.replace(found.provenance, run_id="")
    judged = tuple(StageReport(stage=stage, status=Status.PASS) for stage in stages)
    return msgspec.structs.replace(found, provenance=origin, stages=judged)


def run_of(*stages: StageEvidence, kept: tuple[str, ...] = (), judged: tuple[str, ...] = ()) -> identity.Identity:
    names = judged or tuple(stage.stage for stage in stages)
    return identity.of(told(*names), RunEvidence(stages=stages), kept)


def test_run_of_a_ci_is_its_number_whatever_the_evidence() -> None:
    found = identity.of(report(Status.PASS), RunEvidence(stages=(desk("unit"),)), ("77.1",))
    assert found == identity.Identity(run="77.1")


def test_evidence_without_any_record_is_known_by_its_time() -> None:
    assert "@" in run_of(judged=("unit",)).run


def test_same_evidence_is_the_same_run_however_often() -> None:
    unit, wiring = desk("unit"), desk("wiring")
    first = run_of(unit, wiring)
    assert first.run.startswith("desk-")
    assert run_of(wiring, unit, kept=(first.run,)) == first
    assert run_of(unit, wiring, kept=("1.1", "c@2026-11-21T07:00:00Z", first.run)) == first


def test_stage_run_again_is_a_run_that_holds_it_alone() -> None:
    unit, wiring, again = desk("unit"), desk("wiring"), desk("unit", "2026-11-21T08:00:00Z")
    first = run_of(unit, wiring)
    second = run_of(again, wiring, kept=(first.run,))
    assert (second.elsewhere, second.run != first.run) == (frozenset({"wiring"}), True)
    assert run_of(again, wiring, kept=(first.run, second.run)) == second
    assert run_of(again, wiring, kept=(second.run, first.run)) == second
    assert run_of(unit, wiring, kept=(second.run, first.run)) == first


def test_part_of_what_a_run_holds_is_nothing_to_keep() -> None:
    unit, wiring = desk("unit"), desk("wiring")
    first = run_of(unit, wiring)
    assert run_of(unit, wiring, kept=(first.run,), judged=("unit",)).run == ""


def test_brought_files_are_known_by_their_content_alone() -> None:
    one = run_of(desk("unit", "2026-11-21T07:00:00Z", ingested=True))
    assert run_of(desk("unit", "2026-11-21T09:00:00Z", ingested=True)) == one
    assert run_of(desk("unit", "2026-11-21T09:00:00Z", ingested=True, tree="x")) != one
    assert run_of(desk("unit", "2026-11-21T09:00:00Z", ingested=True, files=())) != one


def test_stages_without_tests_are_known_together() -> None:
    lint = StageEvidence(stage="lint", records=(given.record("lint", run_id=""),))
    first = run_of(lint)
    assert run_of(lint, kept=(first.run,)) == first
    assert first.run.startswith("desk-")


def past(run: str, *stages: str) -> PastRun:
    fail = (Outcome.FAIL,)
    return PastRun(
        commit="c",
        created="2026-11-21T07:00:00Z",
        status="fail",
        run=run,
        stages=tuple(PastStage(stage=stage, status="fail", tests=1) for stage in stages),
        failures=tuple(PastFailure(stage=stage, test="t", attempts=fail) for stage in stages),
    )


def test_nothing_is_compared_with_itself() -> None:
    unit, wiring, again = desk("unit"), desk("wiring"), desk("unit", "2026-11-21T08:00:00Z")
    first, other = past(run_of(unit, wiring).run, "unit", "wiring"), past("1.1", "unit")
    here = History(runs=(first, other))
    assert identity.others(here, RunEvidence(stages=(unit, wiring))).runs == (other,)
    partly = identity.others(here, RunEvidence(stages=(again, wiring))).runs
    assert [[stage.stage for stage in run.stages] for run in partly] == [["unit"], ["unit"]]
    assert [one.stage for one in partly[0].failures] == ["unit"]
    assert identity.others(here, RunEvidence(stages=(given.stage("unit"),))) == here


@for_all(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_each_piece_of_evidence_is_held_by_one_run_whatever_was_judged(judged: list[tuple[int, int]]) -> None:
    kept: dict[str, set[tuple[str, int]]] = {}
    for unit, wiring in judged:
        stages = desk("unit", f"2026-11-21T07:0{unit}:00Z"), desk("wiring", f"2026-11-21T07:0{wiring}:00Z")
        found = run_of(*stages, kept=tuple(kept))
        if found.run:
            kept[found.run] = {own for own in (("unit", unit), ("wiring", wiring)) if own[0] not in found.elsewhere}
    held = [own for run in kept.values() for own in run]
    assert len(held) == len(set(held))
    assert set(held) == {("unit", unit) for unit, _ in judged} | {("wiring", wiring) for _, wiring in judged}
