"""The gate on what tests leave: advice, what blocks, what is allowed, and when nobody can tell."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.gates.judging import judge
from truegreen.gates.state_leaks import StateLeaks
from truegreen.model.leaks import Leak, LeakKind
from truegreen.model.verdict import Status

TEST = good.name(0)
KINDS = get_args(LeakKind)
EVERY = tuple(Leak(TEST, kind, f"{kind} is another") for kind in KINDS)


def ask(*leaks, watched=3, lost=0, **options):
    session = good.session(leaks_watched=watched, leaks=leaks, leaks_lost=lost)
    return asked(good.run(good.stage("unit", sessions=(session,))), **options)


def asked(evidence, **options):
    policies = {"state-leaks": msgspec.convert(options, StateLeaks.Options)}
    reports = judge(evidence, policies, good.NO_HISTORY, gates=[StateLeaks()])
    (verdict,) = [verdict for report in reports if report.stage == "unit" for verdict in report.verdicts]
    return verdict


def test_leaks_by_default_are_advice_with_test_and_remedy():
    verdict = ask(*EVERY)
    assert verdict.status is Status.PASS
    assert "advice on 6 leaks" in verdict.reason
    assert [(item.title, item.level, item.path) for item in verdict.items] == [(TEST, "notice", "tests/test_a.py")] * 6
    assert "monkeypatch.chdir" in verdict.items[0].message


@pytest.mark.parametrize("kind", KINDS)
def test_kind_that_blocks_fails_and_comes_first(kind):
    verdict = ask(*EVERY, kinds={kind: "block"})
    assert verdict.status is Status.FAIL
    assert (verdict.items[0].level, verdict.items[0].message.partition(":")[0]) == ("error", kind)
    assert verdict.reason.startswith(f"{TEST} leaves {kind}")
    assert verdict.remedy


@pytest.mark.parametrize("kind", KINDS)
def test_kind_that_is_off_says_nothing(kind):
    verdict = ask(*EVERY, kinds={kind: "off"})
    assert len(verdict.items) == len(KINDS) - 1
    assert kind not in {fact.label for fact in verdict.facts}


def test_what_is_allowed_is_no_leak():
    leaks = (Leak(TEST, "environ", "NUMBA_A was added"), Leak(TEST, "environ", "HOME was changed"))
    allow = {"NUMBA_* was added": "set by its import"}
    verdict = ask(*leaks, kinds={"environ": "block"}, allow=allow)
    assert [item.message.partition(";")[0] for item in verdict.items] == ["environ: HOME was changed"]
    assert ask(leaks[0], kinds={"environ": "block"}, allow=allow).status is Status.PASS


@pytest.mark.parametrize("more", [{"watched": 2}, {"lost": 1}, {"watched": None}])
def test_tests_that_nobody_looked_at_are_blind_where_a_kind_blocks(more):
    assert ask(kinds={"cwd": "block"}, **more).status is Status.BLIND


def test_tests_that_nobody_looked_at_are_not_missed_otherwise():
    assert ask(watched=2).status is Status.PASS
    unit = good.stage("unit", sessions=(good.session(),))
    reports = judge(good.run(unit), {}, good.NO_HISTORY, gates=[StateLeaks()])
    assert all(not report.verdicts for report in reports)


def test_tests_that_were_skipped_do_not_stand_in_for_others():
    tests = good.cases(good.PASS, good.PASS, good.SKIP)
    evidence = good.run(good.stage("unit", tests=tests, sessions=(good.session(leaks_watched=2),)))
    assert asked(evidence, kinds={"cwd": "block"}).status is Status.BLIND


def test_shards_of_which_one_did_not_look_are_blind_where_a_kind_blocks():
    sessions = (good.session(leaks_watched=3), good.session())
    evidence = good.run(good.stage("unit", sessions=sessions))
    assert asked(evidence, kinds={"cwd": "block"}).status is Status.BLIND
    assert asked(evidence).status is Status.PASS


@pytest.mark.parametrize(("item", "covered"), [("cwd", True), (TEST, True), ("tests/**", True), ("environ", False)])
def test_waiver_covers_a_kind_a_test_or_a_file(item, covered):
    session = good.session(leaks_watched=3, leaks=(Leak(TEST, "cwd", "/a became /b"),))
    waiver = good.waiver(gate="state-leaks", stage="unit", items=(item,))
    evidence = good.run(good.stage("unit", sessions=(session,)), waivers=(waiver,), today=good.TODAY)
    assert asked(evidence, kinds={"cwd": "block"}).status is (Status.WAIVED if covered else Status.FAIL)
