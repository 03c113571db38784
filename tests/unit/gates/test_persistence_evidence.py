"""persistence-evidence: rows that were really committed."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, cases, change, demand, name, phase, recording, stage

from truegreen.gates.persistence_evidence import PersistenceGate, PersistenceOptions
from truegreen.model.persistence import Beside, Demand
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


def test_row_of_a_fixture_that_the_test_commits_fails_and_is_told():
    verdict = judged(None, one(phase(0, written_before=(change(1, table="public.accounts"),))))
    assert verdict.status is Status.FAIL
    assert "; committed by it, but written before it ran, which does not count: 1 insert in public.ac" in verdict.reason


NAMED, ANY, NONE = Demand(object="operations"), Demand(kind="insert"), Demand(object="audit", at_least=0, at_most=0)


@pytest.mark.parametrize(
    ("demands", "named"), [((), False), ((NAMED,), True), ((ANY,), False), ((ANY, NAMED), True), ((NONE,), False)]
)
def test_test_that_names_no_object_is_counted_and_fails_only_where_one_is_required(demands, named):
    recorded = one(demands=tuple(demand(0, demand=wanted) for wanted in demands))
    verdict = judged(None, recorded)
    assert verdict.status is Status.PASS
    assert any(fact.label.startswith("tests that name no object") for fact in verdict.facts) is not named
    part = stage("persistence", tests=cases(PASS), persistence=(recorded,))
    options = PersistenceOptions(require_object=True)
    strict = PersistenceGate().evaluate(good.run(part), "persistence", options, good.NO_HISTORY)
    assert strict.status is (Status.PASS if named else Status.FAIL)
    if not named:
        assert strict.reason == f"1 test does not name what must be persisted: {name(0)}"


def test_row_in_a_table_that_is_gone_fails_with_advice_about_the_table():
    wanted = demand(0, demand=Demand(object="ops"))
    verdict = judged(None, one(phase(0, change(table="(a table that is gone)")), demands=(wanted,)))
    assert verdict.reason.endswith("0 committed rows in ops; committed instead: 1 insert in (a table that is gone)")
    assert verdict.remedy == (
        "a table was dropped or emptied before its name could be read: leave that to a fixture, after the test"
    )


def test_row_that_was_only_deleted_fails_and_the_advice_names_the_kind():
    verdict = judged(None, one(phase(0, change(2, kind="delete", table="public.ops"))))
    assert verdict.reason.endswith("0 committed rows in postgres; committed instead: 2 deletes in public.ops")
    assert verdict.remedy.endswith('demand it by its kind, such as persists(…, kind="delete")')
    assert "no write arrived" not in verdict.remedy


def test_nothing_committed_in_the_demanded_table_names_the_table():
    wanted = demand(0, demand=Demand(object="operations", kind="insert"))
    verdict = judged(None, one(phase(0, change(2, table="public.audit")), demands=(wanted,)))
    assert "0 committed rows in operations (insert); committed instead: 2 inserts in public.audit" in verdict.reason


@pytest.mark.parametrize(
    ("wanted", "found", "words"),
    [
        (Demand(at_least=0, at_most=1), 2, "2 committed rows in postgres, at most 1 is allowed"),
        (Demand(object="operations", at_most=1), 2, "2 committed rows in operations, exactly 1 is demanded"),
        (
            Demand(kind="insert", at_least=2, at_most=3),
            5,
            "5 committed rows in postgres (insert), at most 3 are allowed",
        ),
        (Demand(at_least=1, at_most=1), 2, "2 committed rows in postgres, exactly 1 is demanded"),
        (Demand(at_least=2, at_most=2), 1, "1 committed row in postgres, exactly 2 are demanded"),
        (Demand(at_least=1, at_most=1), 1, ""),
        (Demand(at_most=2), 2, ""),
    ],
)
def test_what_is_written_too_often_fails_with_both_numbers(wanted, found, words):
    verdict = judged(None, one(phase(0, change(found)), demands=(demand(0, demand=wanted),)))
    assert verdict.status is (Status.FAIL if words else Status.PASS)
    if words:
        assert words in verdict.reason
        assert ("something writes more than once" in verdict.remedy) is (found > wanted.at_most)
        assert ("no write arrived" in verdict.remedy) is (found < wanted.at_least)
        assert f"committed{'' if found > wanted.at_most else ' instead'}: {found} insert" in verdict.reason


def test_demand_of_nothing_alone_still_asks_for_a_change():
    never = demand(0, demand=Demand(object="audit", at_least=0, at_most=0))
    assert judged(None, one(phase(0), demands=(never,))).status is Status.FAIL
    assert judged(None, one(phase(0, change()), demands=(never,))).status is Status.PASS
    verdict = judged(None, one(phase(0, change(), change(table="public.audit")), demands=(never,)))
    assert "1 committed row in audit, exactly 0 are demanded" in verdict.reason


def test_rolled_back_rows_are_told_and_do_not_count():
    verdict = judged(None, one(phase(0, rolled_back=(change(2),))))
    assert "0 committed rows in postgres" in verdict.reason
    assert "rolled back or never committed: 2 inserts in public.operations" in verdict.reason
    assert verdict.remedy.startswith("commit the transaction before the call returns; where the code does commit, a ")
    assert "roll-back fixture" in verdict.remedy


def test_row_of_a_migration_tool_alone_fails_and_is_told():
    verdict = judged(None, one(phase(0, change(table="public.alembic_version"))))
    assert verdict.reason.endswith(
        "0 committed rows in postgres; written by migrations, which does not count: 1 insert in public.alembic_version"
    )
    verdict = judged(None, one(phase(0, change(), change(table="public.alembic_version"))))
    assert verdict.reason.endswith("; 1 row in all")


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
        (
            {"complete": False},
            f"is incomplete: it breaks off after the call of {name(0)}, the recorder was lost",
        ),
        ({"tier": ""}, "no technique to observe committed rows in postgres was available"),
        ({"tier": "none"}, "no technique"),
    ],
)
def test_recording_that_cannot_be_trusted_is_blind(broken, reason):
    verdict = judged(None, one(**broken), sessions=(good.session(recorder_problem="the recorder was lost"),))
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


WHAT = "thread late (app/late.py:3 late), which t::a left running, came to its end meanwhile"


def test_rows_that_a_thread_of_an_earlier_test_may_have_written_are_blind_and_the_thread_is_named():
    beside = (Beside(test=name(0), what=WHAT, name="late"),)
    verdict = judged(cases(PASS, PASS), recording(2, beside=beside))
    assert verdict.status is Status.BLIND
    assert verdict.reason == f"what 1 test committed cannot be told from what another one set going: {name(0)}: {WHAT}"
    assert [item.title for item in verdict.items] == [name(0)]
    assert "wait for its end" in verdict.remedy
    reads = recording(2, beside=beside, demands=(demand(0, reads=True), demand(1)))
    assert judged(cases(PASS, PASS), reads).status is Status.PASS


@pytest.mark.parametrize(("known", "status"), [(["la*"], Status.PASS), (["l", "*ly"], Status.BLIND)])
def test_thread_that_is_known_to_write_nothing_else_is_let_go(known, status):
    found = one(beside=(Beside(test=name(0), what=WHAT, name="late"),))
    part = stage("persistence", tests=cases(PASS), persistence=(found,))
    options = PersistenceOptions(background=known)
    assert PersistenceGate().evaluate(good.run(part), "persistence", options, good.NO_HISTORY).status is status


def test_test_that_commits_too_much_beside_a_thread_of_an_earlier_test_is_told_of_it():
    many = demand(0, demand=Demand(at_least=1, at_most=1))
    found = one(phase(0, change(2)), demands=(many,), beside=(Beside(test=name(0), what=WHAT),))
    assert f"; not alone: {WHAT}" in judged(None, found).reason


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
    assert all(item.message.startswith("1 committed row in postgres, 2 are demanded") for item in verdict.items)


# --- several stores ----------------------------------------------------------------------------------------------


def key(count=1, kind="set", key="invoice:1"):
    return change(count, kind, key, store="redis", database="0")


def cache(*changes, **more):
    values = {"store": "redis", "kind": "redis", "counts": False, "phases": (phase(0, *changes),), "demands": ()}
    return recording(1, **{**values, **more})


def test_change_in_the_cache_alone_fails_and_is_told():
    verdict = judged(None, one(phase(0)), cache(key(2)))
    assert verdict.status is Status.FAIL
    assert verdict.reason.endswith(
        "0 committed rows in postgres; only redis saw a change, which does not count: 2 sets in invoice:1"
    )
    assert "store that counts" in verdict.remedy


def test_change_in_the_cache_beside_a_row_passes_and_only_rows_are_counted():
    verdict = judged(None, one(), cache(key(5)))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("1 row in all")


@pytest.mark.parametrize("order", [1, -1])
def test_change_in_any_of_several_stores_that_count_is_enough(order):
    parts = (one(phase(0)), cache(key(2), counts=True))[::order]
    verdict = judged(None, *parts)
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("2 changes in all")


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (Demand(store="redis"), Status.PASS),
        (Demand(store="redis", object="invoice:1"), Status.PASS),
        (Demand(store="redis", object="invoice:*", kind="set", at_least=2), Status.PASS),
        (Demand(store="redis", object="invoice"), Status.FAIL),
        (Demand(store="redis", object="order:*"), Status.FAIL),
        (Demand(store="redis", kind="del"), Status.FAIL),
        (Demand(store="redis", at_least=3), Status.FAIL),
        (Demand(object="redis:invoice:1"), Status.PASS),
        (Demand(object="invoice:1"), Status.FAIL),
        (Demand(store="postgres", object="invoice:1"), Status.FAIL),
        (Demand(store="postgres"), Status.PASS),
    ],
)
def test_demand_that_names_a_store_is_met_there_alone(wanted, status):
    verdict = judged(None, one(demands=(demand(0, demand=wanted),)), cache(key(2)))
    assert verdict.status is status


def test_each_of_several_stores_demanded_must_see_its_part():
    demands = tuple(demand(0, demand=Demand(store=store)) for store in ("postgres", "redis"))
    assert judged(None, one(demands=demands), cache(key(), demands=demands)).status is Status.PASS
    verdict = judged(None, one(demands=demands), cache(demands=demands))
    assert verdict.status is Status.FAIL
    assert "0 committed changes in redis; " in verdict.reason


def test_demand_of_an_object_in_a_store_names_both():
    wanted = demand(0, demand=Demand(store="redis", object="order:*", at_least=2))
    reason = judged(None, one(demands=(wanted,)), cache(key())).reason
    assert "0 committed changes in order:* of redis, 2 are demanded; committed instead: 1 set in invoice:1" in reason


LOST = {"complete": False, "tier": "", "problem": "connection refused"}


def test_lost_cache_is_blind_only_for_those_that_count_on_it():
    assert judged(None, one(), cache(**LOST)).status is Status.PASS
    assert judged(None, one(), cache(counts=True, **LOST)).status is Status.BLIND
    for wanted in (Demand(store="redis"), Demand(object="redis:k")):
        verdict = judged(None, one(demands=(demand(0, demand=wanted),)), cache(**LOST))
        assert verdict.status is Status.BLIND
        assert "redis could not be observed: connection refused" in verdict.reason


def test_phase_lost_in_the_cache_is_no_problem_of_a_test_that_needs_rows_only():
    lost = phase(0, problem="connection refused")
    assert judged(None, one(), cache(phases=(lost,))).status is Status.PASS


def test_recordings_of_stores_that_do_not_count_are_no_recording():
    assert judged(None, cache(key())).status is Status.BLIND


def test_message_kept_in_memory_alone_does_not_count_unless_it_is_demanded():
    parts = {"store": "nats", "kind": "nats", "phases": (phase(0, change(1, "memory-message", "O", store="nats")),)}
    assert judged(None, recording(1, **parts)).status is Status.FAIL
    wanted = demand(0, demand=Demand(kind="memory-message"))
    assert judged(None, recording(1, **parts, demands=(wanted,))).status is Status.PASS


def test_many_keys_are_told_in_part():
    verdict = judged(None, one(phase(0)), cache(*(key(key=f"k:{n:03}") for n in range(100))))
    assert "1 set in k:011, and 88 more" in verdict.reason
    assert "k:012" not in verdict.reason
