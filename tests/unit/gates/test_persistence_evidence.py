"""persistence-evidence: rows that were really committed."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, cases, change, demand, name, phase, recording, stage

from truegreen.gates.persistence_evidence import PersistenceGate, PersistenceOptions
from truegreen.model.persistence import Demand
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status


def judged(tests=None, *recordings, **parts):
    part = stage("persistence", tests=tests or cases(PASS), persistence=recordings, **parts)
    return PersistenceGate().evaluate(good.run(part), "persistence", PersistenceOptions(), good.NO_HISTORY)


def one(*phases, **more):
    return recording(1, phases=phases or (phase(0, change()),), **more)


def test_each_test_that_committed_what_it_had_to_passes():
    verdict = judged(cases(PASS, PASS, PASS), recording(3))
    assert verdict.status is Status.PASS
    assert verdict.reason == "each of 3 tests committed what it had to; 3 rows in all"
    assert verdict.facts[0].value == "technique A pg_walinspect"


def test_nothing_committed_fails_with_the_words_that_name_the_store():
    verdict = judged(None, one(phase(0)))
    assert verdict.status is Status.FAIL
    assert verdict.reason == f"{name(0)} passed with 0 committed rows in postgres"
    assert "wires the real repository" in verdict.remedy


def test_nothing_committed_in_the_demanded_table_names_the_table():
    wanted = demand(0, demand=Demand(object="operations", kind="insert"))
    verdict = judged(None, one(phase(0, change(2, table="public.audit")), demands=(wanted,)))
    assert "0 committed rows in operations (insert); committed instead: 2 inserts in public.audit" in verdict.reason


def test_rolled_back_rows_are_told_and_do_not_count():
    verdict = judged(None, one(phase(0, rolled_back=(change(2),))))
    assert "0 committed rows in postgres" in verdict.reason
    assert "rolled back or never committed: 2 inserts in public.operations" in verdict.reason
    assert verdict.remedy == "commit the transaction before the call returns"


def test_mocks_are_told():
    verdict = judged(None, one(phase(0), demands=(demand(0, patched=("ledger.repository.save",)),)))
    assert "replaced by mocks: ledger.repository.save" in verdict.reason
    assert "remove the mocks" in verdict.remedy


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_rows_outside_the_call_do_not_count(when):
    verdict = judged(None, one(phase(0, change(), phase=when), phase(0)))
    assert verdict.status is Status.FAIL
    assert ("set-up, which does not count: 1 insert" in verdict.reason) is (when == "setup")


def test_truncate_alone_is_no_persistence_unless_it_is_demanded():
    emptied = phase(0, change(kind="truncate"))
    assert judged(None, one(emptied)).status is Status.FAIL
    assert judged(None, one(emptied, demands=(demand(0, demand=Demand(kind="truncate")),))).status is Status.PASS


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (Demand(object="operations"), Status.PASS),
        (Demand(object="public.operations"), Status.PASS),
        (Demand(object="postgres:operations"), Status.PASS),
        (Demand(object="redis:operations"), Status.FAIL),
        (Demand(object="other.operations"), Status.FAIL),
        (Demand(object="perations"), Status.FAIL),
        (Demand(kind="insert"), Status.PASS),
        (Demand(kind="update"), Status.FAIL),
        (Demand(at_least=2), Status.PASS),
        (Demand(at_least=3), Status.FAIL),
    ],
)
def test_demand_is_met_only_by_its_object_kind_and_number(wanted, status):
    verdict = judged(None, one(phase(0, change(2)), demands=(demand(0, demand=wanted),)))
    assert verdict.status is status


def test_each_of_several_demands_must_be_met():
    demands = (demand(0, demand=Demand(object="operations")), demand(0, demand=Demand(object="accounts")))
    assert "0 committed rows in accounts" in judged(None, one(demands=demands)).reason


def test_test_that_only_reads_is_not_counted():
    quiet = recording(2, phases=(phase(0, change()), phase(1)), demands=(demand(0), demand(1, reads=True)))
    verdict = judged(cases(PASS, PASS), quiet)
    assert verdict.status is Status.PASS
    assert verdict.facts[-1].value == "1"


def test_only_tests_that_read_are_blind():
    assert judged(None, one(phase(0), demands=(demand(0, reads=True),))).status is Status.BLIND


def test_test_without_a_demand_of_its_own_must_commit_any_row():
    assert judged(None, one(phase(0), demands=())).status is Status.FAIL
    assert judged(None, one(demands=())).status is Status.PASS


def test_failed_test_that_committed_nothing_tells_so_too():
    verdict = judged(cases(FAIL), one(phase(0)))
    assert verdict.status is Status.FAIL
    assert "ended with 0 committed rows in postgres" in verdict.reason


@pytest.mark.parametrize("tests", [cases(FAIL), cases(ERROR), cases(SKIP), TestRun()])
def test_no_passing_test_is_blind(tests):
    assert judged(tests, one()).status is Status.BLIND


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"complete": False}, "the recording of postgres is incomplete"),
        ({"tier": ""}, "no technique to observe committed rows in postgres was available"),
        ({"tier": "none"}, "no technique"),
    ],
)
def test_recording_that_cannot_be_trusted_is_blind(broken, reason):
    verdict = judged(None, one(**broken))
    assert verdict.status is Status.BLIND
    assert reason in verdict.reason


def test_one_incomplete_recording_among_two_is_blind():
    assert judged(None, one(), one(complete=False)).status is Status.BLIND


def test_no_recording_is_blind():
    assert judged(None).status is Status.BLIND


def test_phase_with_a_problem_is_blind_and_tells_it():
    verdict = judged(None, one(phase(0, change(), problem="the slot was dropped")))
    assert verdict.status is Status.BLIND
    assert "the slot was dropped" in verdict.reason


def test_test_the_recorder_never_saw_is_blind():
    verdict = judged(cases(PASS, PASS), recording(1))
    assert verdict.status is Status.BLIND
    assert name(1) in verdict.reason


def test_test_that_never_reached_its_call_is_blind_not_accused():
    verdict = judged(None, one(phase(0, change(), phase="setup")))
    assert verdict.status is Status.BLIND


def test_several_tests_without_rows_are_all_listed():
    verdict = judged(cases(PASS, PASS), recording(2, phases=(phase(0), phase(1))))
    assert verdict.reason.endswith("; the same holds for 1 other test")
    assert [item.title for item in verdict.items] == [name(0), name(1)]


def test_rows_in_another_database_do_not_count_and_are_told_by_its_name():
    verdict = judged(None, one(databases=("app",)))
    assert verdict.status is Status.FAIL
    assert "0 committed rows in postgres; " in verdict.reason
    assert "another database (ledger), which does not count: 1 insert in public.operations" in verdict.reason


def test_each_listed_test_tells_its_own_lack_and_place():
    wanted = tuple(demand(n, demand=Demand(at_least=2)) for n in range(2))
    verdict = judged(cases(PASS, PASS), recording(2, demands=wanted))
    assert [(item.title, item.path, item.line) for item in verdict.items] == [
        (name(n), "tests/test_a.py", n + 1) for n in range(2)
    ]
    assert all(item.message.startswith("1 committed rows in postgres, 2 are demanded") for item in verdict.items)
