"""no-mocks: what stands in for the real thing turns the stage red, exceptions are dated, and nobody's word is taken."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import PASS, SKIP, case, cases, record, session, stage
from tests.support.stand_ins import fake, fakes, name, replacement

from truegreen.gates import judging
from truegreen.gates.no_mocks import NoMocks, NoMocksOptions
from truegreen.model.history import History
from truegreen.model.mocks import Allowance, Rule
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Input, Status

CLOCK = replacement(target="shop.now", home="time", origin="stdlib")
MODAL = replacement(target="shop.gpu.run", home="modal.functions", origin="installed")


def allowance(**more):
    values = {"target": "shop.*", "reason": "no GPU here", "until": "2026-12-31", "tests": (name(0),)}
    return Allowance(**{**values, **more})


def judged(*replaced, markers=(), uses=(), on="persistence", today=good.TODAY, tests=None, scan=None, **options):
    one = session(replaced=replaced, allowances=tuple(markers))
    parts = {"sessions": (one,), "fakes": scan or fakes(*uses), **({"tests": tests} if tests else {})}
    return NoMocks().evaluate(good.run(stage(on, **parts), today=today), on, NoMocksOptions(**options), good.NO_HISTORY)


def values(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


def test_nothing_replaced_passes_and_says_in_how_many_tests():
    verdict = judged()
    assert (verdict.status, verdict.reason) == (Status.PASS, "nothing real was replaced in 3 tests")
    assert values(verdict) == {"tests watched": "3"}


def test_replaced_method_is_red_and_named_with_its_test_place_and_the_way_out():
    verdict = judged(replacement(0, 1))
    assert verdict.status is Status.FAIL
    assert verdict.reason == f"{name(0)} replaces shop.Repo.save at tests/test_a.py:7 (in 1 other test too)"
    assert '@pytest.mark.allow_mocks("shop.Repo.save"' in verdict.remedy
    (item,) = verdict.items
    assert (item.title, item.path, item.line, item.level) == ("NM1 shop.Repo.save", "tests/test_a.py", 7, "error")
    assert item.message == f"replaces it in 2 tests, 2 times: {name(0)}, {name(1)}"


@pytest.mark.parametrize(
    ("one", "red"),
    [
        (replacement(), True),
        (replacement(origin="installed", home="sqlalchemy.orm.session"), True),
        (replacement(origin="installed", home="asyncpg"), True),
        (replacement(origin="stdlib", home="_sqlite3"), True),
        (replacement(origin="stdlib", home="socket"), True),
        (replacement(origin="installed", target="requests.get", home="requests.api"), True),
        (replacement(origin="installed", target="redis.client.Redis.get", home="functools"), True),
        (replacement(origin="unheard-of", home="time"), True),
        (replacement(kind="mock", target="mock.save", home="", origin="project"), True),
        (replacement(kind="mock", target="time.struct_time", home="time", origin="stdlib"), True),
        (replacement(kind="override", target="shop.api.get_db"), True),
        (replacement(kind="new kind of a later plugin"), True),
        (CLOCK, False),
        (MODAL, False),
        (replacement(kind="setting", target="shop.TIMEOUT"), False),
        (replacement(kind="environment", target="os.environ[A]", home="os", origin="stdlib"), False),
        (replacement(kind="spy"), False),
        (replacement(uses=()), False),
    ],
)
def test_project_and_clients_count_and_everything_foreign_is_free(one, red):
    assert judged(one).status is (Status.FAIL if red else Status.PASS)


def test_what_is_free_is_told():
    facts = values(judged(CLOCK, replacement(kind="setting", target="shop.TIMEOUT")))
    assert "shop.now" in facts["free: neither the project's nor a client of a store or service, such as the clock"]
    assert facts["free: one plain value for another"] == "shop.TIMEOUT"


@pytest.mark.parametrize("rule", [Rule.FAKE_STORE, Rule.SQLITE, Rule.FAKE_HTTP, Rule.RECORDED])
def test_stand_in_that_only_the_sources_show_is_red(rule):
    verdict = judged(uses=[fake(rule=rule)])
    assert verdict.status is Status.FAIL
    assert verdict.items[0].title == f"{rule.value} fakeredis.FakeRedis"
    assert "tests/conftest.py:4" in verdict.reason


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"kind": "mock", "target": "mock.save", "home": ""}, "calls it, a mock, in 1 test"),
        ({"kind": "override", "target": "shop.api.get_db"}, "overrides it, a dependency, in 1 test"),
    ],
)
def test_item_says_in_plain_words_what_is_done_with_what_its_title_names(kind, words):
    (item,) = judged(replacement(**kind)).items
    assert item.message.startswith(words)


def test_item_of_a_store_inside_the_process_calls_it_a_stand_in():
    (item,) = judged(uses=[fake(rule=Rule.FAKE_STORE)]).items
    assert item.message.startswith("uses it, a stand-in, in ")


BY_LIBRARY = {"by": "responses", "target": "requests.adapters.HTTPAdapter.send", "home": "requests.adapters"}


def test_what_a_library_replaces_is_one_stand_in_with_what_the_sources_say_of_it():
    rows = [
        replacement(0, origin="installed", **BY_LIBRARY),
        replacement(1, origin="stdlib", **BY_LIBRARY | {"target": "queue.Queue", "home": "queue"}),
    ]
    named = fake(0, 2, rule=Rule.FAKE_HTTP, what="responses.activate", path="tests/test_a.py", line=3)
    verdict = judged(*rows, uses=[named])
    (item,) = verdict.items
    assert (item.title, item.line) == ("NM6 responses", 3)
    assert item.message.startswith("makes up answers with it in 3 tests")
    for pattern in ("responses", "responses.*", "responses.activate"):
        assert judged(*rows, uses=[named], allow={pattern: "no way to call the bank"}).status is Status.PASS, pattern
    elsewhere = msgspec.structs.replace(named, path="tests/conftest.py")
    assert len(judged(*rows, uses=[elsewhere]).items) == 2


def test_library_that_is_no_stand_in_leaves_the_target_to_be_judged():
    assert judged(replacement(by="pytest_mock")).items[0].title == "NM1 shop.Repo.save"
    assert judged(msgspec.structs.replace(CLOCK, by="freezegun")).status is Status.PASS


@pytest.mark.parametrize("rule", [Rule.REPLACED, Rule.MOCK, Rule.OVERRIDE])
def test_what_the_plugin_sees_is_not_taken_from_the_sources(rule):
    assert judged(uses=[fake(rule=rule)]).status is Status.PASS


@pytest.mark.parametrize("what", ["flexmock.flexmock", "mockito.when"])
def test_what_only_the_sources_tell_of_is_taken_from_them(what):
    verdict = judged(uses=[fake(rule=Rule.REPLACED, what=what)])
    assert (verdict.status, verdict.items[0].title) == (Status.FAIL, f"NM1 {what}")


def test_stand_in_of_tests_that_were_skipped_is_none():
    ran = cases(SKIP, PASS, PASS)
    assert judged(uses=[fake(0)], tests=ran).status is Status.PASS
    assert judged(uses=[fake(0, 1)], tests=ran).reason.startswith(name(1))


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("shop.*", Status.PASS),
        ("shop.Repo.save", Status.PASS),
        ("*.save", Status.PASS),
        ("shop", Status.PASS),
        ("shop.Rep", Status.FAIL),
        ("Shop.*", Status.FAIL),
    ],
)
def test_allowed_pattern_covers_the_target_or_where_it_comes_from(pattern, status):
    verdict = judged(replacement(), allow={pattern: "why"})
    assert verdict.status is status
    used = "shop.Repo.save" if status is Status.PASS else "nothing needs it"
    assert values(verdict)[f"allowed: {pattern}"] == f"why ({used})"


def test_thing_that_is_imported_under_another_name_is_allowed_by_its_own():
    one = msgspec.structs.replace(MODAL, origin="project")
    assert judged(one, allow={"modal.*": "no GPU here"}).status is Status.PASS


def test_pattern_without_a_reason_is_red():
    verdict = judged(allow={"modal.*": " "})
    assert (verdict.status, verdict.reason) == (Status.FAIL, "`allow` names modal.* without a reason")


def test_marker_covers_its_own_tests_until_its_day_and_is_shown():
    verdict = judged(replacement(0, 1), markers=[allowance(tests=(name(0), name(1)))])
    assert (verdict.status, verdict.reason) == (
        Status.PASS,
        "nothing real was replaced in 3 tests; 1 exception",
    )
    (item,) = verdict.items
    assert (item.title, item.level) == ("allow_mocks shop.*", "notice")
    assert item.message.startswith("until 2026-12-31: no GPU here")
    assert judged(replacement(0, 1), markers=[allowance()]).reason.startswith(f"{name(1)} replaces")
    assert judged(replacement(), markers=[allowance(target="other.*")]).status is Status.FAIL


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"until": "2026-11-20"}, "expired on 2026-11-20"),
        ({"until": "soon"}, "ends on no day: until='soon'"),
        ({"until": ""}, "ends on no day"),
        ({"reason": ""}, "gives no reason"),
        ({"target": " ", "reason": ""}, "gives no target and no reason"),
    ],
)
def test_marker_that_expired_or_says_too_little_is_red_and_covers_nothing(change, words):
    marker = allowance(**change)
    assert words in judged(markers=[marker]).reason
    both = judged(replacement(), markers=[marker])
    assert both.reason.startswith(f"{name(0)} replaces")
    assert any(words in item.message and item.level == "error" for item in both.items)


def test_marker_is_good_on_its_last_day():
    assert judged(replacement(), markers=[allowance(until="2026-11-21")]).status is Status.PASS


def test_marker_that_nothing_needs_is_told_and_not_red():
    verdict = judged(markers=[allowance()])
    assert verdict.status is Status.PASS
    (item,) = verdict.items
    assert (item.level, item.message.partition(":")[0]) == ("warning", "is not needed")


def test_marker_without_a_day_of_judgement_is_blind():
    assert judged(markers=[allowance()], today=None).status is Status.BLIND
    assert judged(today=None).status is Status.PASS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"watched": None}, "was not watched"),
        ({"watched": 2}, "2 of 3 tests were watched"),
        ({"watch_problem": "_patch.__enter__ is not there to be watched"}, "not fully watched: _patch"),
    ],
)
def test_tests_that_were_not_watched_are_blind_unless_something_is_red(change, words):
    run = good.run(stage("e2e", sessions=(session(**change),)))
    verdict = NoMocks().evaluate(run, "e2e", NoMocksOptions(), good.NO_HISTORY)
    assert (verdict.status, verdict.code) == (Status.BLIND, "TG205")
    assert words in verdict.reason
    red = good.run(stage("e2e", sessions=(session(**change, replaced=(replacement(),)),)))
    assert NoMocks().evaluate(red, "e2e", NoMocksOptions(), good.NO_HISTORY).status is Status.FAIL


def test_source_that_could_not_be_read_is_blind():
    verdict = judged(scan=fakes(unread=("tests/test_a.py: invalid syntax",)))
    assert verdict.status is Status.BLIND
    assert "tests/test_a.py: invalid syntax" in verdict.reason


def test_tests_skipped_while_they_were_collected_need_no_watch():
    tests = TestRun(cases=(*cases(PASS, PASS, PASS).cases, case(9, SKIP)))
    assert judged(tests=tests).status is Status.PASS


@pytest.mark.parametrize(
    ("name_of_stage", "options", "asked"),
    [
        ("persistence", {}, True),
        ("e2e", {}, True),
        ("unit", {}, False),
        ("wiring", {}, False),
        ("performance", {}, False),
        ("unit", {"stages": {"unit": "forbidden"}}, True),
        ("e2e", {"stages": {"e2e": "free"}}, False),
        ("persistence", {"stages": {"e2e": "free"}}, True),
    ],
)
def test_policy_of_each_stage(name_of_stage, options, asked):
    run = good.run(stage(name_of_stage))
    assert NoMocks().applies(run, name_of_stage, NoMocksOptions(**options)) is asked


def test_stage_without_a_record_is_blind_and_a_free_one_is_not_judged():
    bare = good.run(stage("e2e", fakes=None))
    verdict = NoMocks().evaluate(bare, "e2e", NoMocksOptions(), good.NO_HISTORY)
    assert (verdict.status, verdict.reason) == (Status.BLIND, "nothing says what was replaced while the tests ran")
    free = NoMocks().evaluate(bare, "e2e", NoMocksOptions(stages={"e2e": "free"}), good.NO_HISTORY)
    assert free.status is Status.SKIPPED


def test_results_of_another_test_runner_are_not_judged():
    brought = stage("e2e", records=(record("e2e", ingested=True),), sessions=(), fakes=None)
    assert not NoMocks().applies(good.run(brought), "e2e", NoMocksOptions())
    part = stage("e2e", records=(record("e2e", ingested=True, shard="js"), record("e2e")))
    assert NoMocks().applies(good.run(part), "e2e", NoMocksOptions())


def test_results_that_were_brought_beside_those_of_pytest_need_no_watch():
    brought = Input(stage="e2e", shard="js", file="junit.xml", kind="junit", tests=2, passed=1, skipped=1)
    tests = TestRun(cases=(*cases(PASS, PASS, PASS).cases, case(7), case(8, SKIP)))
    records = (record("e2e", ingested=True, shard="js"), record("e2e"))
    seen = stage("e2e", records=records, tests=tests, inputs=(brought,))
    verdict = NoMocks().evaluate(good.run(seen), "e2e", NoMocksOptions(), good.NO_HISTORY)
    assert verdict.status is Status.PASS


@pytest.mark.parametrize("item", ["shop.Repo.save", "shop.*", name(0), "tests/test_a.py"])
def test_row_of_waivers_covers_a_target_a_test_or_a_file(item):
    seen = stage("persistence", sessions=(session(replaced=(replacement(),)),), fakes=fakes(fake()))
    rows = (good.waiver(gate="no-mocks", stage="persistence", items=(item, "fakeredis.*")),)
    reports = judging.judge(good.run(seen, waivers=rows, today=date(2026, 11, 21)), {}, History(), gates=[NoMocks()])
    (verdict,) = next(one.verdicts for one in reports if one.stage == "persistence")
    assert verdict.status is Status.WAIVED


def test_row_of_waivers_covers_a_library_by_its_name():
    seen = stage("persistence", sessions=(session(replaced=(replacement(**BY_LIBRARY),)),))
    rows = (good.waiver(gate="no-mocks", stage="persistence", items=("responses.*",)),)
    reports = judging.judge(good.run(seen, waivers=rows, today=date(2026, 11, 21)), {}, History(), gates=[NoMocks()])
    (verdict,) = next(one.verdicts for one in reports if one.stage == "persistence")
    assert verdict.status is Status.WAIVED


def test_row_of_waivers_for_one_stand_in_leaves_the_other_red():
    seen = stage("persistence", sessions=(session(replaced=(replacement(),)),), fakes=fakes(fake(1)))
    rows = (good.waiver(gate="no-mocks", stage="persistence", items=("shop.*",)),)
    reports = judging.judge(good.run(seen, waivers=rows, today=date(2026, 11, 21)), {}, History(), gates=[NoMocks()])
    (verdict,) = next(one.verdicts for one in reports if one.stage == "persistence")
    assert verdict.status is Status.FAIL
