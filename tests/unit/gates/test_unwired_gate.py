"""unwired: what turns the stage red, what is only listed, and what is blind."""

from __future__ import annotations

from tests.support import evidence as good
from tests.support.evidence import dependency, stage, wiring

from truegreen.gates.unwired import Unwired, UnwiredOptions
from truegreen.model.verdict import Status
from truegreen.model.wiring import Ambient, Place, Supply, Unbuilt, Unfollowed

NEVER = dependency(Supply.NEVER)
LOUD = dependency(Supply.NEVER, parameter="cache", kind="", guards=())


def judged(scan, **options):
    run = good.run(stage("wiring", wiring=scan))
    return Unwired().evaluate(run, "wiring", UnwiredOptions(**options), good.NO_HISTORY)


def test_all_supplied_passes_and_says_of_how_many():
    unknown = dependency(Supply.UNKNOWN, parameter="bus", why="nothing in the project builds the class", calls=())
    verdict = judged(wiring(dependency(), unknown))
    assert (verdict.status, verdict.reason) == (Status.PASS, "1 of 2 optional dependencies supplied, 1 not known")
    assert {fact.label: fact.value for fact in verdict.facts} == {
        "sources": "3 files, 4 classes",
        "optional dependencies": "2",
        "supplied by nobody": "0",
        "not known": "1",
        "roots walked": "0: nothing was built",
    }


def test_dependency_that_is_passed_over_in_silence_fails_and_names_call_site_and_guard():
    verdict = judged(wiring(NEVER))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "nobody supplies Service.repository: what needs it is passed over in silence"
    assert "src/factory.py:4" in verdict.remedy
    (item,) = verdict.items
    assert (item.title, item.path, item.line, item.level) == (
        *("Service.repository: Repository", "src/service.py"),
        *(9, "error"),
    )
    assert item.message == "built without it at src/factory.py:4; left out in silence at src/service.py:14"


def test_dependency_that_no_method_asks_for_is_listed_and_turns_nothing_red():
    verdict = judged(wiring(LOUD))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("; 1 without anybody who supplies it, used without a check")
    assert [(item.title, item.level) for item in verdict.items] == [("Service.cache", "notice")]


def test_dependency_that_nobody_follows_is_listed_and_turns_nothing_red():
    lost = Unfollowed(owner="Service", parameter="audit", kind="Audit", place=Place("src/service.py", 3))
    verdict = judged(wiring(dependency(), unfollowed=(lost,)))
    assert (verdict.status, verdict.reason) == (*(Status.PASS, "1 of 1 optional dependency supplied; 1 not followed"),)
    assert [(item.title, item.level) for item in verdict.items] == [("Service.audit: Audit", "notice")]
    assert judged(wiring(dependency(), unfollowed=(lost,)), optional={"Service.audit": "x"}).status is Status.PASS


def around(*, handled):
    place, guard = Place("src/app/main.py", 12), Place("src/app/main.py", 15)
    return Ambient(name="app.main:repository", place=place, guards=(guard,), handled=handled)


def test_variable_that_nothing_sets_is_red_on_the_way_of_a_request():
    verdict = judged(wiring(dependency(), ambient=(around(handled=True),)))
    assert (verdict.status, verdict.reason) == (
        Status.FAIL,
        "nothing ever sets app.main:repository: what needs it is passed over in silence at src/app/main.py:15",
    )
    assert [(item.title, item.line, item.level) for item in verdict.items] == [
        ("app.main:repository is None", 12, "error")
    ]


def test_variable_that_nothing_sets_is_listed_elsewhere_and_let_go_for_a_reason():
    verdict = judged(wiring(dependency(), ambient=(around(handled=False),)))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("; 1 None for ever, on no request's way")
    assert [item.level for item in verdict.items] == ["notice"]
    scan = wiring(dependency(), ambient=(around(handled=True),))
    let_go = judged(scan, optional={"app.main:repository": "the batch job only"})
    assert (let_go.status, let_go.items) == (Status.PASS, ())


def test_silent_ones_are_told_before_loud_ones_and_counted():
    other = dependency(Supply.NEVER, owner="Zoo", place=Place("src/zoo.py", 1))
    verdict = judged(wiring(LOUD, NEVER, other))
    assert "Service.repository and 1 more" in verdict.reason
    assert [item.level for item in verdict.items] == ["error", "error", "notice"]


def test_dependency_that_is_optional_for_a_reason_passes():
    assert judged(wiring(NEVER), optional={"Service.repository": "batch only"}).status is Status.PASS


def test_reason_for_what_is_no_dependency_any_more_fails():
    verdict = judged(wiring(dependency()), optional={"Service.repositry": "batch only"})
    assert verdict.status is Status.FAIL
    assert "Service.repositry" in verdict.reason


def test_source_that_could_not_be_read_is_blind_even_if_all_else_is_supplied():
    verdict = judged(wiring(dependency(), unread=("src/a.py: invalid syntax",)))
    assert verdict.status is Status.BLIND
    assert "src/a.py" in verdict.reason


def test_no_source_is_blind():
    assert judged(wiring(files=0, classes=0)).status is Status.BLIND
    assert judged(None).status is Status.BLIND


def test_results_of_another_runner_are_not_asked_and_missing_evidence_is():
    gate, options = Unwired(), UnwiredOptions()
    brought, own = good.record("wiring", ingested=True), good.record("wiring")
    asked = {
        name: gate.applies(good.run(stage("wiring", records=records)), "wiring", options)
        for name, records in {"brought": (brought,), "both": (brought, own), "own": (own,), "none": ()}.items()
    }
    assert asked == {"brought": False, "both": True, "own": True, "none": True}


def test_dependency_that_no_method_uses_is_said_to_be_used_by_none():
    unused = dependency(Supply.NEVER, guards=(), uses=0)
    verdict = judged(wiring(unused))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("supplied; 1 without anybody who supplies it, used by no method")


def unbuilt(**more):
    values = {"name": "app.di:get_service", "place": Place("app/di.py", 4), "why": "it needs `settings`"}
    return Unbuilt(**{**values, **more})


def test_factory_that_could_not_be_called_and_leaves_out_what_others_supply_is_red():
    found = unbuilt(omits=("Service.repository",), factory=True)
    verdict = judged(wiring(dependency(), unbuilt=(unbuilt(name="a:b"), found)))
    assert verdict.status is Status.FAIL
    assert verdict.reason.startswith("app.di:get_service leaves out Service.repository: what needs it is passed over")
    assert "app/di.py:4" in verdict.remedy
    (item,) = verdict.items
    assert (item.path, item.line, item.level) == ("app/di.py", 4, "error")
    allowed = judged(wiring(dependency(), unbuilt=(found,)), optional={"Service.repository": "the batch job"})
    assert (allowed.status, allowed.items) == (Status.PASS, ())


def test_function_that_is_no_factory_by_its_name_and_leaves_something_out_is_told():
    verdict = judged(wiring(dependency(), unbuilt=(unbuilt(omits=("Service.repository",)),)))
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("; left out in silence by app.di:get_service, which no walk goes through")
    assert [item.level for item in verdict.items] == ["notice"]
    facts = {fact.label: fact.value for fact in verdict.facts}
    assert facts["not built"] == "1 (app.di:get_service: it needs `settings`)"
