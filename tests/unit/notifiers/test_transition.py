"""What a report means for its branch."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.reports import report

from truegreen.model.incident import Incident
from truegreen.model.verdict import Provenance, Status
from truegreen.notifiers.base import Transition
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
