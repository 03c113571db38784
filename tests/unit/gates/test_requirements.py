"""The gate on requirements: what proves a row, what does not, and what is left open."""

from __future__ import annotations

from datetime import date

import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, cases, record, requirement, session, stage

from truegreen.gates import judging
from truegreen.gates.base import RUN
from truegreen.gates.requirements import Requirements, RequirementsOptions
from truegreen.model.evidence import RunState
from truegreen.model.run import Problem, StageEvidence
from truegreen.model.verdict import Status

GATE = Requirements()


def judge(*stages, rows=None, policy=None, **more):
    rows = (requirement(),) if rows is None else tuple(rows)
    evidence = good.run(*stages, **{"requirements": rows, "today": good.TODAY, **more})
    return GATE.evaluate(evidence, RUN, policy or RequirementsOptions(), good.NO_HISTORY)


def names(*ids, **more):
    """Return a session whose tests name rows: the first test the first row, and so on."""
    return session(len(ids), requirements={row: (good.name(n),) for n, row in enumerate(ids)}, **more)


def row(number=1, kind="unit", **more):
    return requirement(id=f"R-{number}", type=kind, **more)


def test_row_is_proved_by_a_passing_test_of_its_type():
    found = judge(stage("unit"), rows=[row()])
    assert (found.status, found.reason) == (Status.PASS, "1 of 1 requirement proved")


@pytest.mark.parametrize("outcome", [SKIP, FAIL, ERROR])
def test_row_whose_test_did_not_pass_is_not_proved(outcome):
    found = judge(stage("unit", tests=cases(outcome, PASS, PASS)), rows=[row()])
    assert found.status is Status.FAIL
    assert found.reason == "1 requirement not proved: R-1"
    assert good.name(0) in found.items[0].message


def test_row_with_a_failing_test_is_not_proved_by_another():
    two = session(2, requirements={"R-1": (good.name(0), good.name(1))})
    found = judge(stage("unit", tests=cases(PASS, FAIL), sessions=(two,)), rows=[row()])
    assert (found.status, found.items[0].message) == (Status.FAIL, f"failed: failed: {good.name(1)}")


def test_row_with_a_failing_test_in_a_stage_of_another_type_is_not_proved():
    wiring = stage("wiring", tests=cases(FAIL, PASS, PASS), sessions=(names("R-1"),))
    found = judge(stage("unit"), wiring, rows=[row()])
    assert found.status is Status.FAIL


def test_row_without_a_test_is_listed_with_the_command_that_writes_it():
    found = judge(stage("unit"), rows=[row(), row(2, text="it stops", line=9)])
    assert (found.status, found.reason) == (Status.FAIL, "1 requirement without a test: R-2")
    assert found.items[0].title == "R-2 (unit): it stops"
    assert (found.items[0].message, found.items[0].line) == ("no test: no test names it (unit)", 9)
    assert "truegreen req stub --missing" in found.remedy


def test_test_of_another_type_proves_nothing():
    found = judge(stage("unit"), stage("wiring", sessions=(names("R-9"),), tests=cases(PASS)), rows=[row(1, "wiring")])
    assert found.status is Status.FAIL
    assert "no test of type wiring names it: tests/test_a.py::test_0 did not run in wiring" in found.items[1].message


def test_deselected_test_proves_nothing():
    left = session(1, collected=2, deselected=1, requirements={"R-1": (good.name(7),)})
    found = judge(stage("unit", tests=cases(PASS), sessions=(left,)), rows=[row()])
    assert found.status is Status.FAIL


def test_unknown_row_is_red_with_a_hint():
    found = judge(stage("unit", sessions=(names("R-1", "R-11", "x"),)), rows=[row(), row(12, "e2e")])
    assert found.reason == "tests name 2 rows that nobody wrote: R-11, x"
    assert found.items[0].message.endswith("there is no such row; perhaps you meant R-1")
    assert found.status is Status.FAIL


def test_marker_without_an_id_is_red():
    found = judge(stage("unit", sessions=(names("R-1", ""),), tests=cases(PASS, PASS)), rows=[row()])
    assert (found.status, found.items[0].title) == (Status.FAIL, "a `req` marker without an id")


@pytest.mark.parametrize(
    ("recording", "status"),
    [
        (good.recording(3), Status.PASS),
        (good.recording(3, phases=tuple(good.phase(n) for n in range(3))), Status.FAIL),
        (good.recording(3, phases=()), Status.FAIL),
        (good.recording(3, demands=tuple(good.demand(n, reads=True) for n in range(3))), Status.FAIL),
        (good.recording(3, complete=False), Status.BLIND),
    ],
)
def test_row_of_type_persistence_needs_a_committed_write(recording, status):
    found = judge(stage("persistence", persistence=(recording,)), rows=[row(1, "persistence")])
    assert found.status is status


def test_row_of_type_persistence_without_a_recording_is_not_proved():
    found = judge(stage("persistence", persistence=()), rows=[row(1, "persistence")])
    assert "no evidence that it committed" in found.items[0].message
    assert judge(stage("persistence", persistence=()), rows=[row(1, "integration")], planned=("persistence", "e2e")).red


def test_row_of_a_stage_that_was_not_planned_is_left_open():
    found = judge(stage("unit"), rows=[row(), row(2, "e2e"), row(3, "integration")])
    assert (found.status, found.reason) == (Status.PASS, "1 of 3 requirements proved")
    assert [item.message for item in found.items] == ["open: left to e2e", "open: left to persistence or e2e"]
    assert {item.level for item in found.items} == {"notice"}


def test_row_of_a_stage_that_is_switched_off_is_not_open():
    found = judge(stage("unit"), rows=[row(), row(2, "e2e")], switched_off=("e2e",))
    assert (found.status, found.reason) == (Status.FAIL, "1 requirement without a test: R-2")


def test_row_of_a_stage_that_had_nothing_to_do_is_not_proved():
    idle = StageEvidence(stage="e2e", records=(record("e2e", state=RunState.SKIPPED, reason="no compose file"),))
    found = judge(stage("unit"), idle, rows=[row(), row(2, "e2e")])
    assert (found.status, found.items[0].message) == (
        Status.FAIL,
        "no test: no test names it (e2e: no compose file)",
    )


def test_run_that_could_prove_nothing_is_not_judged():
    assert judge(stage("unit"), rows=[row(2, "e2e")], planned=("unit",)).status is Status.FAIL, "R-1 is unknown"
    found = judge(stage("unit", sessions=(session(requirements={}),)), rows=[row(2, "e2e")])
    assert (found.status, found.reason) == (Status.SKIPPED, "none of 1 requirement could be proved in this run")


def test_partial_run_leaves_rows_open_that_it_did_not_prove():
    part = session(1, collected=2, deselected=1, asked=("-k good",), left_out=1, requirements={"R-2": (good.name(1),)})
    found = judge(stage("unit", tests=cases(PASS), sessions=(part,)), rows=[row(2)])
    assert (found.status, found.items) == (Status.SKIPPED, ())
    assert judge(stage("unit", tests=cases(PASS), sessions=(names("R-1", asked=("-k a",)),)), rows=[row()]).reason


@pytest.mark.parametrize(
    "seen",
    [
        StageEvidence(stage="unit"),
        stage("unit", tests=None),
        stage("unit", sessions=(session(finished=False),)),
        stage("unit", sessions=(session(collection_errors=1),)),
        stage("unit", problems=(Problem(kind="tests", message="junit.xml is cut"),)),
    ],
)
def test_stage_whose_tests_cannot_be_seen_makes_its_rows_blind(seen):
    assert judge(seen, rows=[row()]).status is Status.BLIND


def test_red_row_is_told_before_one_that_cannot_be_seen():
    found = judge(stage("unit"), StageEvidence(stage="wiring"), rows=[row(), row(2), row(3, "wiring")])
    assert (found.status, len(found.items)) == (Status.FAIL, 2)


@pytest.mark.parametrize(
    ("due", "status"),
    [
        (date(2026, 11, 20), Status.FAIL),
        (date(2026, 11, 21), Status.FAIL),
        (date(2026, 11, 22), Status.PASS),
        (None, Status.FAIL),
    ],
)
def test_row_is_red_from_the_day_on_which_it_is_due(due, status):
    found = judge(stage("unit"), rows=[row(), row(2, due=due)])
    assert found.status is status
    assert "R-2" in found.items[0].title


def test_row_that_is_not_due_may_also_be_unseen():
    later = row(2, "wiring", due=date(2027, 1, 1))
    assert judge(stage("unit"), StageEvidence(stage="wiring"), rows=[row(), later]).status is Status.PASS


def test_only_milestones_in_force_are_judged():
    rows = [row(), row(2, milestone="M9")]
    policy = RequirementsOptions(milestones=["R"])
    assert judge(stage("unit"), rows=rows, policy=policy).status is Status.PASS
    found = judge(stage("unit"), rows=rows)
    assert [(fact.label, fact.value) for fact in found.facts][-2:] == [
        ("milestone R", "1 of 1 proved"),
        ("milestone M9", "0 of 1 proved"),
    ]


def test_type_of_the_project_names_its_stages_and_leaves_the_others():
    policy = RequirementsOptions(types={"audit": ["unit"]})
    assert judge(stage("unit"), rows=[row(1, "audit"), row(2, "unit")], policy=policy).reason.endswith("R-2")


def test_several_pythons_prove_a_row_where_none_of_them_failed():
    def on(python, outcome):
        run = good.TestRun(cases=(good.case(0, outcome, id=f"{good.name(0)} [{python}]"),))
        return run.cases, session(1, ids=(f"{good.name(0)} [{python}]",), python=python)

    for second, status in ((PASS, Status.PASS), (SKIP, Status.PASS), (FAIL, Status.FAIL)):
        (one, first), (two, other) = on("3.11.9", PASS), on("3.13.1", second)
        both = stage("unit", tests=good.TestRun(cases=(*one, *two)), sessions=(first, other))
        assert judge(both, rows=[row()]).status is status


def test_gate_asks_only_where_there_is_a_registry_and_a_stage_with_tests():
    policy = RequirementsOptions()
    assert not GATE.applies(good.run(), RUN, policy)
    assert not GATE.applies(good.run(stage("lint"), requirements=(row(),)), RUN, policy)
    assert GATE.applies(good.run(stage("unit"), requirements=()), RUN, policy)


def test_row_can_be_waived_by_its_id_and_the_others_stay_red():
    mine = good.waiver(gate="requirements", stage=RUN, items=("R-2",))
    for rows, status in (([row(), row(2)], Status.WAIVED), ([row(), row(2), row(3)], Status.FAIL)):
        run = good.governed(stage("unit"), requirements=tuple(rows), waivers=(mine,))
        (report,) = (part for part in judging.judge(run, {}, good.NO_HISTORY) if part.stage == RUN)
        assert next(v for v in report.verdicts if v.gate == "requirements").status is status
