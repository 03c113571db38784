"""full-run-budget: the time of the whole run."""

from __future__ import annotations

from tests.support import evidence as good
from tests.support.evidence import record, stage

from truegreen.gates.base import RUN
from truegreen.gates.full_run_budget import FullRunBudget, FullRunBudgetOptions
from truegreen.model.run import RunEvidence
from truegreen.model.verdict import Status


def judged(run, **options):
    return FullRunBudget().evaluate(run, RUN, FullRunBudgetOptions(**options), good.NO_HISTORY)


def at(name, minute, duration_s, **more):
    return stage(name, records=(record(name, started=f"2026-11-21T07:{minute:02}:00Z", duration_s=duration_s, **more),))


def test_wall_time_runs_from_the_first_start_to_the_last_end():
    verdict = judged(good.run(at("lint", 0, 10), at("unit", 4, 30)))
    assert (verdict.status, verdict.reason) == (Status.PASS, "the run took 4 min 30 s of 5 min")
    assert [(f.label, f.value) for f in verdict.facts] == [
        ("wall time", "4 min 30 s"),
        ("critical path", "waited 4 min for a runner → unit 30.0 s"),
        ("saved without unit", "4 min 20 s"),
        ("unit", "30.0 s"),
        ("lint", "10.0 s"),
    ]


def test_wall_time_over_the_budget_fails():
    assert judged(good.run(at("lint", 0, 10), at("unit", 5, 30))).status is Status.FAIL


def test_evidence_of_two_attempts_counts_only_time_with_a_stage_running():
    verdict = judged(good.run(at("lint", 0, 10), at("unit", 50, 30, run_id="77.2")))
    assert verdict.facts[0].label == "time with a stage running"
    assert verdict.facts[0].value == "40.0 s"


def facts(run):
    return {fact.label: fact.value for fact in judged(run).facts}


def test_stages_on_one_runner_are_all_on_the_critical_path():
    told = facts(good.run(at("lint", 0, 50, runner="a"), at("unit", 1, 30, runner="a"), at("e2e", 0, 60, runner="b")))
    assert told["critical path"] == "lint 50.0 s → waited 10.0 s for a runner → unit 30.0 s"
    assert told["saved without lint"] == "30.0 s", "e2e ends a minute after the start, unit 40 s after it"


def test_shards_are_told_apart_on_the_critical_path():
    shards = stage(
        "unit",
        records=(
            record("unit", shard="3.11", started="2026-11-21T07:00:00Z", duration_s=9),
            record("unit", shard="3.12", started="2026-11-21T07:00:00Z", duration_s=12),
        ),
    )
    assert facts(good.run(shards))["critical path"] == "unit-3.12 12.0 s"


def test_evidence_of_several_runs_has_no_critical_path():
    assert "critical path" not in facts(good.run(at("lint", 0, 10), at("unit", 4, 30, run_id="78.1")))
    assert "critical path" not in facts(good.run(at("lint", 0, 10), at("unit", 4, 30, run_id="")))


def test_stages_at_a_desk_follow_each_other_and_wait_for_no_runner():
    told = facts(good.run(at("lint", 0, 10, run_id=""), at("unit", 4, 30, run_id="")))
    assert told["critical path"] == "lint 10.0 s → unit 30.0 s"


def test_stages_at_a_desk_that_overlap_are_counted_once():
    verdict = judged(good.run(at("lint", 0, 90, run_id=""), at("unit", 1, 60, run_id="")))
    assert verdict.facts[0].value == "2 min"


def test_planned_stage_without_a_record_is_blind():
    assert judged(good.run(stage("lint"), planned=("lint", "unit"))).status is Status.BLIND


def test_over_the_budget_is_fail_also_when_a_stage_is_missing():
    assert judged(good.run(at("lint", 0, 301), planned=("lint", "unit"))).status is Status.FAIL


def test_unreadable_start_is_blind():
    for started in ("", "yesterday"):
        assert judged(good.run(stage("lint", records=(record("lint", started=started),)))).status is Status.BLIND
    assert judged(good.run(stage("lint", records=(record("lint", duration_s=float("nan")),)))).status is Status.BLIND


def test_nothing_planned_is_blind():
    assert judged(RunEvidence()).status is Status.BLIND
