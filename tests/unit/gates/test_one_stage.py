"""The gate on shares of tests: each belongs to one stage, and runs there."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import record, session, stage

from truegreen.gates.base import RUN
from truegreen.gates.one_stage import OneStage, OneStageOptions
from truegreen.model.evidence import ErrorRecord, RunState
from truegreen.model.run import StageEvidence
from truegreen.model.verdict import Status

GATE = OneStage()
X, Y = "tests/test_x.py::test_x", "tests/y/test_y.py::test_y[a]"


def judge(unit, *stages, elsewhere=(), **more):
    run = good.run(stage("unit", sessions=(unit,)), *stages, **more)
    return GATE.evaluate(run, RUN, OneStageOptions(elsewhere=list(elsewhere)), good.NO_HISTORY)


def wants(**claims):
    return session(claims={name: tuple(tests) for name, tests in claims.items()})


def ran(name, *tests, **more):
    return stage(name, sessions=(session(len(tests), ids=tests, **more),))


def test_tests_that_are_shared_out_pass_with_the_numbers():
    found = judge(wants(wiring=[X], e2e=[Y]), ran("wiring", X))
    assert (found.status, found.reason) == (Status.PASS, "each of 5 tests belongs to one stage")
    assert [(fact.label, fact.value) for fact in found.facts] == [
        ("unit", "3 tests"),
        ("wiring", "1 test"),
        ("e2e (not planned)", "1 test"),
    ]


def test_test_that_two_stages_want_is_red():
    found = judge(wants(wiring=[X], persistence=[X]), ran("wiring", X))
    assert (found.status, found.reason) == (
        Status.FAIL,
        f"1 test belongs to more than one stage: {X} to wiring and persistence",
    )


def test_test_that_unit_runs_and_another_stage_wants_is_red():
    found = judge(wants(e2e=[good.name(1)]))
    assert (found.status, found.items[0].message) == (Status.FAIL, "wanted by unit and e2e")


def test_test_that_no_stage_wants_is_blind():
    found = judge(session(unclaimed=(X,)))
    assert (found.status, found.reason) == (Status.BLIND, f"1 test ran nowhere: {X}: no stage wants it")


def test_test_that_runs_elsewhere_on_purpose_is_counted_and_not_red():
    found = judge(session(unclaimed=(X, Y)), elsewhere=("tests/test_x.py", "tests/y/**"))
    assert found.status is Status.PASS
    assert found.facts[-1].value == f"{X}, {Y}"
    assert judge(session(unclaimed=(X, Y)), elsewhere=("tests/y/**",)).status is Status.BLIND


def test_test_whose_stage_did_not_collect_it_is_blind():
    found = judge(wants(wiring=[X, Y]), ran("wiring", X))
    assert found.status is Status.BLIND
    assert found.items[0].title == Y
    assert "its marker is of wiring, which did not collect it" in found.items[0].message


def test_test_whose_stage_had_nothing_to_do_is_blind_with_the_reason():
    idle = StageEvidence(stage="e2e", records=(record("e2e", state=RunState.SKIPPED, reason="no compose file"),))
    found = judge(wants(e2e=[X]), idle)
    assert (found.status, found.reason) == (Status.BLIND, f"1 test ran nowhere: {X}: e2e did nothing: no compose file")


@pytest.mark.parametrize(
    "other",
    [
        stage("wiring", sessions=(session(1, ids=(X,), left_out=1, collected=2, deselected=1),)),
        stage("wiring", sessions=(session(1, ids=(X,), collection_errors=1),)),
        stage("wiring", sessions=(session(1, ids=(X,), asked=("-k x",)),)),
        stage("wiring", sessions=(session(1, ids=(X,), skipped_collections=("tests/y/test_y.py",)),)),
        StageEvidence(stage="wiring"),
        StageEvidence(
            stage="wiring",
            records=(record("wiring", state=RunState.BROKEN, reason="x", error=ErrorRecord(code="TG301", what="x")),),
        ),
    ],
)
def test_what_other_gates_tell_about_a_stage_is_not_told_again(other):
    assert judge(wants(wiring=[X, Y]), other).status is Status.PASS


def test_stage_that_is_switched_off_is_named():
    found = judge(wants(e2e=[X]), switched_off=("e2e",))
    assert (found.status, found.facts[-1].label) == (Status.PASS, "e2e (switched off)")


@pytest.mark.parametrize(("mark", "meant"), [("persistance", "persistence"), ("persist", "persists"), ("e2", "e2e")])
def test_mark_that_is_nearly_ours_is_red(mark, meant):
    found = judge(session(unknown_marks={mark: X}))
    assert (found.status, found.reason) == (Status.FAIL, f"nobody knows the mark {mark!r}; {meant!r} is near")
    assert found.items[0].title == X


def test_other_unknown_mark_is_listed_only():
    found = judge(session(unknown_marks={"slow": X}))
    assert (found.status, found.items[0].level) == (Status.PASS, "notice")
    told = judge(session(), ran("wiring", X, unknown_marks={"wirring": X}))
    assert told.status is Status.FAIL, "a stage of its own may have marks that unit does not see"


def test_several_pythons_are_one_suite():
    labelled = [
        session(1, ids=(f"{X} [{python}]",), python=python, claims={"wiring": (Y,)}) for python in ("3.11.9", "3.13.1")
    ]
    run = good.run(stage("unit", sessions=tuple(labelled)), ran("wiring", Y))
    found = GATE.evaluate(run, RUN, OneStageOptions(), good.NO_HISTORY)
    assert (found.status, found.reason) == (Status.PASS, "each of 2 tests belongs to one stage")


def test_part_of_unit_is_not_judged_and_what_is_wrong_is_still_told():
    assert judge(session(asked=("-k x",), unclaimed=(X,))).status is Status.SKIPPED
    assert judge(session(asked=("-k x",), claims={"e2e": (good.name(0),)})).status is Status.FAIL


def test_session_that_was_not_told_the_markers_says_nothing():
    assert judge(session(claims=None)).status is Status.SKIPPED


def test_gate_asks_only_where_unit_was_planned():
    assert GATE.applies(good.run(stage("unit")), RUN, OneStageOptions())
    assert not GATE.applies(good.run(stage("wiring")), RUN, OneStageOptions())


def test_one_test_that_was_left_out_hides_no_other_that_is_lost():
    other = stage("wiring", sessions=(session(1, ids=(X,), left_out=1, collected=2, deselected=1),))
    found = judge(wants(wiring=[X, Y, "tests/z/test_z.py::test_z"]), other)
    assert found.status is Status.BLIND
