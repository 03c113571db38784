"""unwired: what the walk from the roots saw, judged."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import dependency, stage, wiring

from truegreen.gates.unwired import Unwired, UnwiredOptions
from truegreen.model.verdict import Status
from truegreen.model.wiring import Flaw, Flawed, Place, Root, RootKind, Supply, Walk

ROOT = Root(name="app.di:get_service", place=Place("src/app/di.py", 3))
OTHER = Root(name="app.web:app", kind=RootKind.OBJECT)
HELD = (("Service.repository", "SqlRepository", "Service._repository"),)
WHOLE = Walk(root=ROOT.name, objects=2, held=HELD)
MISSING = Flawed(
    flaw=Flaw.MISSING,
    path="Service._repository",
    name="Service.repository",
    declared="Repository | None",
    place=Place("src/service.py", 9),
    holds="None",
    why="what needs it is passed over in silence at src/service.py:14",
)
FAKE = Flawed(flaw=Flaw.STAND_IN, path="Service._bus", name="Service.bus", holds="FakeBus", why="by its name")


def judged(*walks, roots=(ROOT,), options=None, **more):
    run = good.run(stage("wiring", wiring=wiring(dependency(), roots=roots, walks=walks, **more)))
    return Unwired().evaluate(run, "wiring", UnwiredOptions(optional=options or {}), good.NO_HISTORY)


def flawed(*found):
    return msgspec.structs.replace(WHOLE, flawed=found)


def test_whole_objects_pass_and_the_reason_counts_them():
    verdict = judged(WHOLE)
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("; 1 root built, 1 dependency seen there")
    assert {fact.label: fact.value for fact in verdict.facts}["roots walked"] == "1"


def test_missing_dependency_fails_although_another_call_site_supplies_it():
    verdict = judged(flawed(MISSING))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "Service._repository is None; Repository | None is declared at src/service.py:9"
    assert "app.di:get_service" in verdict.remedy
    (item,) = verdict.items
    assert (item.path, item.line, item.level) == ("src/service.py", 9, "error")
    assert item.message.startswith("built by app.di:get_service: None where there should be Repository | None; what")


def test_stand_in_fails_without_a_place_too():
    verdict = judged(flawed(FAKE, MISSING))
    assert verdict.reason.startswith("Service._bus is FakeBus and 1 more")
    assert (verdict.items[0].path, verdict.items[0].line) == ("", 0)


def test_what_is_optional_for_a_reason_passes():
    assert judged(flawed(MISSING), options={"Service.repository": "batch only"}).status is Status.PASS


def test_reason_for_what_no_walk_saw_fails():
    verdict = judged(WHOLE, options={"Service.cache": "gone"})
    assert (verdict.status, "Service.cache" in verdict.reason) == (Status.FAIL, True)


def test_reason_for_what_only_the_walk_saw_is_known():
    walk = msgspec.structs.replace(WHOLE, held=(("Other.bus", "Bus", "Other.bus"),))
    assert judged(walk, options={"Other.bus": "x"}).status is Status.PASS


def test_reason_for_what_a_broken_walk_may_have_seen_is_not_called_unknown():
    walk = msgspec.structs.replace(WHOLE, error="KeyError: 'DSN'", remedy="give it")
    verdict = judged(walk, options={"Service.cache": "gone"})
    assert (verdict.status, verdict.reason) == (
        Status.FAIL,
        "app.di:get_service could not be built: KeyError: 'DSN'",
    )
    assert (verdict.remedy, verdict.items[0].path, verdict.items[0].line) == ("give it", "src/app/di.py", 3)


def test_flaw_that_nothing_needs_is_listed_and_turns_nothing_red():
    verdict = judged(flawed(msgspec.structs.replace(MISSING, red=False, why="")))
    assert verdict.status is Status.PASS
    assert [item.level for item in verdict.items] == ["notice"]


@pytest.mark.parametrize("walks", [(), (WHOLE,)])
def test_root_that_was_not_walked_is_blind(walks):
    verdict = judged(*walks, roots=(ROOT, OTHER))
    assert verdict.status is Status.BLIND
    assert "app.web:app" in verdict.reason


def test_flaw_is_red_before_what_was_not_walked_is_blind():
    assert judged(flawed(MISSING), roots=(ROOT, OTHER)).status is Status.FAIL


def test_root_that_is_left_out_and_is_none_fails():
    verdict = judged(WHOLE, stray=("app.di:gone",))
    assert (verdict.status, "app.di:gone" in verdict.reason) == (Status.FAIL, True)


def test_what_nobody_supplies_in_the_sources_is_red_beside_whole_walks():
    run = good.run(stage("wiring", wiring=wiring(dependency(Supply.NEVER), roots=(ROOT,), walks=(WHOLE,))))
    assert Unwired().evaluate(run, "wiring", UnwiredOptions(), good.NO_HISTORY).status is Status.FAIL


def test_what_was_not_looked_at_is_a_fact():
    verdict = judged(msgspec.structs.replace(WHOLE, left=("x: needs a request",)))
    assert {fact.label: fact.value for fact in verdict.facts}["not looked at"] == "1"
