"""The gate on how tests are written: what advises, what blocks, what excepts, and when it must not be green."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good

from truegreen.gates.judging import judge
from truegreen.gates.test_style import TestStyle as Gate
from truegreen.model.run import Problem
from truegreen.model.style import Allowed, Remark, StyleRule
from truegreen.model.style import TestFile as File
from truegreen.model.style import TestFunction as Function
from truegreen.model.verdict import Status

PATH = "tests/test_a.py"
RULES = [rule.value for rule in StyleRule]
WAIT = Remark(path=PATH, line=5, rule=StyleRule.SLEEP, what="time.sleep(2)", wait_s=2.0)
# One place for each rule; the tests as a whole are told by the table of tests.
BAD = good.style(
    WAIT,
    Remark(path=PATH, line=20, rule=StyleRule.EVENT_LOOP, what="asyncio.new_event_loop()"),
    Remark(path=PATH, line=30, rule=StyleRule.UNUSED_FIXTURE, what="spare"),
    files=(
        File(
            PATH,
            (
                Function("TestCart::test_total", 4),
                Function("test_1", 9),
                Function("test_cart_without_items_is_free", 12, asserts=False),
                Function("test_cart_of_one", 15, documented=False),
            ),
        ),
    ),
)


def ask(scan, stage="lint", **options):
    policy = msgspec.convert({key.replace("_", "-"): value for key, value in options.items()}, Gate.Options)
    return Gate().evaluate(good.run(good.stage(stage, style=scan)), stage, policy, good.NO_HISTORY)


def allowed(line, *rules, reason="the lease lasts a second"):
    return Allowed(path=PATH, line=line, rules=rules, reason=reason)


def titles(verdict, level):
    return [item.title for item in verdict.items if item.level == level]


def test_findings_by_default_are_advice_with_place_and_remedy():
    verdict = ask(BAD)
    assert verdict.status is Status.PASS
    assert "advice on" in verdict.reason
    assert [(item.title.partition(":")[0], item.line, item.level) for item in verdict.items] == [
        ("sleep", 5, "notice"),
        ("name", 9, "notice"),
        ("no-assertion", 12, "notice"),
        ("event-loop", 20, "notice"),
        ("unused-fixture", 30, "notice"),
    ]
    assert all(item.path == PATH and item.message for item in verdict.items)
    assert "eventually" in verdict.items[0].message


@pytest.mark.parametrize("rule", RULES)
def test_rule_that_blocks_fails_on_its_own_findings_alone(rule):
    others = dict.fromkeys(RULES, "off") | {rule: "block"}
    verdict = ask(BAD, rules=others)
    assert verdict.status is Status.FAIL
    assert [item.title.partition(":")[0] for item in verdict.items] == [rule]
    assert verdict.items[0].level == "error"
    assert f"{PATH}:{verdict.items[0].line}" in verdict.reason
    assert verdict.remedy == verdict.items[0].message


@pytest.mark.parametrize("rule", RULES)
def test_rule_that_is_off_says_nothing(rule):
    verdict = ask(BAD, rules=dict.fromkeys(RULES, "block") | {rule: "off"})
    assert rule not in {item.title.partition(":")[0] for item in verdict.items}
    assert len(verdict.items) == len(RULES) - 1


def test_findings_of_blocking_rules_come_first():
    verdict = ask(BAD, rules={"unused-fixture": "block"})
    assert (verdict.items[0].title, verdict.items[0].level) == ("unused-fixture: fixture spare", "error")
    assert {item.level for item in verdict.items[1:]} == {"notice"}


@pytest.mark.parametrize(("limit", "status"), [(1.9, Status.FAIL), (2, Status.FAIL), (2.1, Status.PASS)])
def test_wait_counts_from_its_limit_on(limit, status):
    assert ask(good.style(WAIT), rules={"sleep": "block"}, sleep_s=limit).status is status


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("test_1", True),
        ("test_01", True),
        ("test", True),
        ("test_it", True),
        ("test_it_works", True),
        ("test_foo", True),
        ("test_x", True),
        ("TestCart::test_2", True),
        ("test_404", False),
        ("test_items", False),
        ("test_total_1", False),
        ("TestFoo::test_total", False),
    ],
)
def test_name_is_told_when_all_of_it_says_nothing(name, told):
    scan = good.style(files=(File(PATH, (Function(name, 1),)),))
    assert ask(scan, rules={"name": "block"}).status is (Status.FAIL if told else Status.PASS)


def test_pattern_of_names_can_be_chosen():
    scan = good.style(files=(File(PATH, (Function("test_misc", 1), Function("test_1", 2))),))
    verdict = ask(scan, rules={"name": "block"}, nameless="test_misc")
    assert [item.title for item in verdict.items] == ["name: test_misc"]


def test_comment_with_reason_excepts_its_line_and_its_rule_only():
    waits = (WAIT, msgspec.structs.replace(WAIT, line=6))
    scan = good.style(*waits, allowed=(allowed(5, "sleep"),))
    verdict = ask(scan, rules={"sleep": "block"})
    assert [item.line for item in verdict.items] == [6]
    assert ("lines that are allowed", "1") in {(fact.label, fact.value) for fact in verdict.facts}
    assert ask(good.style(WAIT, allowed=(allowed(5, "sleep"),)), rules={"sleep": "block"}).status is Status.PASS
    assert ask(good.style(WAIT, allowed=(allowed(5, "name"),)), rules={"sleep": "block"}).status is Status.FAIL


def test_comment_without_reason_covers_nothing_and_is_told():
    verdict = ask(good.style(WAIT, allowed=(allowed(5, "sleep", reason=""),)), rules={"sleep": "block"})
    assert verdict.status is Status.FAIL
    assert titles(verdict, "warning") == ["truegreen: allow sleep"]


@pytest.mark.parametrize("comment", [allowed(5, "slep"), allowed(9, "sleep"), allowed(5, "sleep", "event-loop")])
def test_comment_that_is_misspelt_or_not_needed_is_told(comment):
    verdict = ask(good.style(WAIT, allowed=(comment,)))
    assert len(titles(verdict, "warning")) == 1


@pytest.mark.parametrize(
    ("scan", "rules"),
    [
        (good.style(unread=("tests/test_b.py: cut",)), {"name": "block"}),
        (good.style(files=()), {"name": "block"}),
        (good.style(fixtures_unknown="a.py:3 asks for one"), {"unused-fixture": "block"}),
        (None, {"name": "block"}),
        (None, {}),
    ],
)
def test_what_was_not_seen_is_blind(scan, rules):
    assert ask(scan, rules=rules).status is Status.BLIND


def test_what_was_not_seen_is_told_where_nothing_blocks():
    verdict = ask(good.style(unread=("tests/test_b.py: cut",), fixtures_unknown="tests/test_b.py could not be read"))
    assert verdict.status is Status.PASS
    facts = {fact.label: fact.value for fact in verdict.facts}
    assert facts["not read"] == "tests/test_b.py: cut"
    assert facts["unused fixtures"].startswith("not known")


def test_finding_stays_red_beside_a_file_that_could_not_be_read():
    scan = msgspec.structs.replace(BAD, unread=("tests/test_b.py: cut",))
    assert ask(scan, rules={"sleep": "block"}).status is Status.FAIL


def verdicts(evidence, **options):
    policies = {"test-style": msgspec.convert(options, Gate.Options)}
    reports = judge(evidence, policies, good.NO_HISTORY, gates=[Gate()])
    return [verdict for report in reports if report.stage == "lint" for verdict in report.verdicts]


def test_stage_that_looked_at_no_tests_is_asked_only_where_a_rule_blocks():
    nobody = good.run(good.stage("lint", style=None))
    assert verdicts(nobody) == []
    (verdict,) = verdicts(nobody, rules={"sleep": "block"})
    assert verdict.status is Status.BLIND


def test_record_that_cannot_be_read_is_blind_even_as_advice():
    problem = Problem(kind="style", message="test-style.json is no record", code="TG202")
    (verdict,) = verdicts(good.run(good.stage("lint", style=None, problems=(problem,))))
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG202")


@pytest.mark.parametrize(
    ("rule", "item", "covered"),
    [
        ("sleep", "sleep", True),
        ("sleep", "tests/**", True),
        ("sleep", "name", False),
        ("sleep", "src/**", False),
        ("name", f"{PATH}::test_1", True),
        ("name", PATH, True),
        ("name", "name", True),
        ("no-assertion", "no-assertion", True),
        ("no-assertion", f"{PATH}::test_1", False),
    ],
)
def test_waiver_covers_a_rule_a_file_or_a_test(rule, item, covered):
    waiver = good.waiver(gate="test-style", stage="lint", items=(item,))
    evidence = good.run(good.stage("lint", style=BAD), waivers=(waiver,), today=good.TODAY)
    (verdict,) = verdicts(evidence, rules={rule: "block"})
    assert verdict.status is (Status.WAIVED if covered else Status.FAIL)


def test_very_many_findings_are_counted_and_cut():
    many = tuple(Function(f"test_{number}", number) for number in range(1, 100)) * 3
    verdict = ask(good.style(files=(File(PATH, many),)), rules={"name": "block"})
    assert verdict.reason.startswith("297 names that say nothing")
    assert (len(verdict.items), verdict.unlisted) == (200, 97)
