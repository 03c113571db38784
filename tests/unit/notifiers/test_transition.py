"""What a report means for its branch."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.reports import report

from truegreen.model.incident import Incident
from truegreen.model.verdict import Provenance, Report, StageReport, Status
from truegreen.notifiers.base import Transition
from truegreen.notifiers.slackkit import message
from truegreen.notifiers.transition import branch, decide, key

T1, T2, T3 = (f"2026-11-21T0{hour}:00:00Z" for hour in (1, 2, 3))


def test_decide_first_red_opens_and_remembers_the_first_bad_commit() -> None:
    decision = decide(None, report(created=T1, run_id="1"))
    assert decision.transition is Transition.OPENED
    assert decision.incident == Incident(
        key="o/r:main",
        open=True,
        opened_at=T1,
        opened_commit="a" * 40,
        stages=("unit",),
        red_runs=1,
        updated_at=T1,
        last_run="1.1",
        judged={"lint": "1.1", "unit": "1.1", "the run": "1.1"},
    )


def test_decide_red_again_is_still_failing_and_keeps_the_first_bad_commit() -> None:
    first = decide(None, report(created=T1, run_id="1")).incident
    decision = decide(first, report(created=T2, run_id="2", commit="b" * 40))
    assert decision.transition is Transition.STILL_FAILING
    assert (decision.incident.opened_commit, decision.incident.red_runs) == ("a" * 40, 2)


def test_decide_green_after_red_recovers_once() -> None:
    red = decide(None, report(created=T1, run_id="1")).incident
    green = decide(red, report(Status.PASS, created=T2, run_id="2"))
    assert green.transition is Transition.RECOVERED
    assert not green.incident.open
    assert decide(green.incident, report(Status.PASS, created=T3, run_id="3")).transition is Transition.NONE


def test_decide_red_after_recovery_opens_anew() -> None:
    past = Incident(key="o/r:main", open=False, opened_at=T1, opened_commit="c" * 40, updated_at=T2)
    decision = decide(past, report(created=T3, run_id="9"))
    assert decision.transition is Transition.OPENED
    assert (decision.incident.opened_at, decision.incident.opened_commit, decision.incident.red_runs) == (
        T3,
        "a" * 40,
        1,
    )


def test_decide_blind_is_red() -> None:
    assert decide(None, report(Status.BLIND)).transition is Transition.OPENED


@pytest.mark.parametrize("status", [Status.PASS, Status.WAIVED])
def test_decide_green_without_incident_is_silent(status: Status) -> None:
    assert decide(None, report(status)).transition is Transition.NONE


def test_decide_same_run_told_twice_changes_nothing() -> None:
    first = decide(None, report())
    again = decide(first.incident, report())
    assert (again.transition, again.incident) == (Transition.NONE, first.incident)
    assert again.reason == "this run was told already"


def test_decide_superseded_run_that_ends_late_changes_nothing() -> None:
    newer = decide(None, report(Status.PASS, created=T2, run_id="2")).incident
    late = decide(newer, report(created=T1, run_id="1"))
    assert (late.transition, late.incident) == (Transition.NONE, newer)


def test_decide_nothing_judged_keeps_the_incident_open() -> None:
    red = decide(None, report(created=T1, run_id="1")).incident
    skipped = decide(red, report(Status.SKIPPED, created=T2, run_id="2"))
    assert (skipped.transition, skipped.incident) == (Transition.NONE, red)


def run(name: str, created: str = T1, **stages: Status) -> Report:
    """Return the report of run `number.attempt` with stages of these colours."""
    number, _, attempt = name.partition(".")
    rows = tuple(StageReport(stage=stage, status=status) for stage, status in stages.items())
    worst = next((s for s in (Status.FAIL, Status.BLIND, Status.WAIVED) if s in stages.values()), Status.PASS)
    made = msgspec.structs.replace(report(worst, created=created, run_id=number), stages=rows)
    origin = msgspec.structs.replace(made.provenance, run_attempt=int(attempt or 1))
    return msgspec.structs.replace(made, provenance=origin)


def titles(*reports: Report) -> list[str]:
    """Return what is told of reports that come in this order; nothing for one that tells nothing."""
    incident, told = None, []
    for one in reports:
        decision = decide(incident, one)
        if decision.transition is not Transition.NONE:
            said = message.compose(decision.transition, one, branch="main", incident=incident)
            told.append(said["blocks"][0]["text"]["text"])
        incident = decision.incident
    return told


RED, GREEN = "🔴 o/r main is red", "🟢 o/r main is green again"
FAIL, PASS, SKIPPED = Status.FAIL, Status.PASS, Status.SKIPPED


@pytest.mark.parametrize(("newer", "older"), [("101", "100"), ("100", "99"), ("77.2", "77.1")])
def test_decide_older_run_that_ends_green_after_a_red_newer_one_recovers_nothing(newer: str, older: str) -> None:
    red = decide(None, run(newer, T1, unit=FAIL)).incident
    late = decide(red, run(older, T2, unit=PASS))
    assert (late.transition, late.incident, late.reason) == (Transition.NONE, red, "a newer run was told already")


def test_decide_newer_run_counts_though_the_clock_of_its_machine_is_behind() -> None:
    assert titles(run("100", T2, unit=FAIL), run("101", T1, unit=PASS)) == [RED, GREEN]


def test_decide_red_stage_that_was_not_run_again_is_not_repaired() -> None:
    night = run("1", e2e=FAIL, unit=PASS)
    day = decide(decide(None, night).incident, run("2", e2e=SKIPPED, unit=PASS))
    assert (day.transition, day.reason) == (Transition.NONE, "e2e was red, and was not run again")
    assert day.incident.open
    assert decide(day.incident, run("3", e2e=PASS, unit=PASS)).transition is Transition.RECOVERED


def test_decide_other_stage_that_breaks_meanwhile_is_told_and_its_repair_is_no_whole_recovery() -> None:
    assert titles(
        run("1", e2e=FAIL, unit=PASS),
        run("2", e2e=SKIPPED, unit=FAIL),
        run("3", e2e=SKIPPED, unit=FAIL),
        run("4", e2e=SKIPPED, unit=PASS),
        run("5", e2e=SKIPPED, unit=PASS),
        run("6", e2e=PASS, unit=PASS),
    ) == [
        RED,
        RED,
        "🔴 o/r main is still red",
        "🟡 o/r main is green again but for e2e, not run again since it was red",
        GREEN,
    ]


def test_decide_late_red_of_a_stage_that_no_later_run_judged_is_told() -> None:
    late = run("90", T2, unit=PASS, e2e=FAIL)
    assert titles(run("91", unit=PASS, e2e=SKIPPED), late, late) == [RED]
    assert titles(run("91", unit=PASS, e2e=PASS), run("90", T2, unit=FAIL, e2e=FAIL)) == []


def test_decide_recovery_by_a_waiver_says_so() -> None:
    assert titles(run("1", unit=FAIL), run("2", unit=Status.WAIVED)) == [RED, "🟡 o/r main is green again by a waiver"]


def test_decide_second_pipeline_of_a_run_is_told() -> None:
    fast, slow = run("77", unit=PASS, e2e=SKIPPED), run("77", T2, unit=SKIPPED, e2e=FAIL)
    assert titles(fast, slow) == titles(slow, fast) == [RED]
    assert titles(fast, slow, slow, fast) == [RED]
    assert titles(run("77", unit=FAIL), run("77", unit=PASS)) == [RED], "a run does not repair what it broke"
    assert titles(run("77", unit=PASS), run("77", unit=FAIL)) == [RED]


def test_decide_run_that_planned_nothing_is_repaired_by_the_next() -> None:
    nothing = msgspec.structs.replace(run("1"), status=Status.BLIND)
    assert titles(nothing, run("2", unit=PASS)) == [RED, GREEN]


def test_decide_configuration_that_could_not_be_read_hides_no_red_stage() -> None:
    broken = run("2", configuration=Status.BLIND)
    assert titles(run("1", e2e=FAIL), broken, run("3", e2e=SKIPPED, unit=PASS), run("4", e2e=PASS, unit=PASS)) == [
        RED,
        RED,
        "🟡 o/r main is green again but for e2e, not run again since it was red",
        GREEN,
    ]


def test_decide_after_an_incident_that_does_not_say_who_judged_what() -> None:
    before = Incident(key="o/r:main", open=True, stages=("unit",), red_runs=1, updated_at=T1, last_run="5.1")
    assert decide(before, run("4", T2, unit=PASS)).transition is Transition.NONE
    assert decide(before, run("4", T2, unit=FAIL)).transition is Transition.NONE
    assert decide(before, run("6", T2, unit=PASS)).transition is Transition.RECOVERED


def test_key_tells_projects_apart() -> None:
    other = msgspec.structs.replace(report().provenance, project="packages/a")
    assert key(msgspec.structs.replace(report(), provenance=other)) == "o/r:main (packages/a)"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Provenance(ref="refs/heads/release/1"), "release/1"),
        (Provenance(ref="refs/pull/7/merge"), "pull/7"),
        (Provenance(ref="refs/heads/x", pull_request=9), "pull/9"),
        (Provenance(ref="refs/tags/v1"), "v1"),
        (Provenance(), "local"),
    ],
)
def test_branch_is_named_as_people_do(origin: Provenance, expected: str) -> None:
    assert branch(msgspec.structs.replace(report(), provenance=origin)) == expected


def test_key_tells_branches_and_repositories_apart() -> None:
    other = msgspec.structs.replace(report(), provenance=Provenance(repository="o/s", ref="refs/heads/main"))
    assert len({key(report()), key(report(ref="refs/heads/x")), key(other)}) == 3
