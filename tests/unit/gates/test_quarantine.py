"""Quarantine: what it takes away, what it never hides, and how it ends."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, name, quarantined, stage
from tests.support.past import clean, failure, run

from truegreen.gates.flakiness import Flakiness, FlakinessOptions
from truegreen.gates.flakiness_history import FlakinessHistory, FlakinessHistoryOptions
from truegreen.gates.no_failures import NoFailures, NoFailuresOptions
from truegreen.gates.quarantine import CLEAN_RUNS, Quarantine, QuarantineOptions
from truegreen.model.changes import Changes, FileChange
from truegreen.model.history import History
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status

TWICE = TestRun(cases=(case(0, attempts=(FAIL, PASS)), case(1)))
BROKEN = TestRun(cases=(case(0, FAIL, attempts=(FAIL, FAIL)), case(1)))


def governed(tests, *rows, **more):
    return good.governed(stage("unit", tests=tests), **{"quarantine": rows or (quarantined(0),), **more})


def ward(tests, *rows, past=(), absent=None, options=None, **more):
    history = History(runs=tuple(past), absent={"unit": absent or {}})
    return Quarantine().evaluate(governed(tests, *rows, **more), "run", options or QuarantineOptions(), history)


def flakiness(evidence, *past):
    return Flakiness().evaluate(evidence, "unit", FlakinessOptions(), History(runs=past))


def test_held_test_that_passes_when_run_again_does_not_count_as_flaky_and_is_told():
    assert flakiness(governed(TWICE, quarantined(1))).status is Status.FAIL
    verdict = flakiness(governed(TWICE))
    assert verdict.status is Status.PASS
    assert verdict.facts[-1].label == "in quarantine, not counted"
    assert [(item.title, item.level) for item in verdict.items] == [(name(0), "notice")]
    assert "in quarantine, not counted" in verdict.items[0].message


def test_held_test_that_fails_in_every_attempt_fails():
    for tests in (BROKEN, TestRun(cases=(case(0, ERROR), case(1)))):
        verdict = NoFailures().evaluate(governed(tests), "unit", NoFailuresOptions(), History())
        assert verdict.status is Status.FAIL
        assert "in quarantine" in verdict.items[0].message


def test_expired_or_undated_quarantine_excuses_nothing():
    for more in ({"today": date(2026, 12, 2)}, {"today": date(2026, 10, 31)}, {"today": None}):
        assert flakiness(governed(TWICE, **more)).status is Status.FAIL


def test_held_test_does_not_count_in_the_history_and_is_told():
    past = [run(2 * step, failure(name(0), FAIL, PASS)) for step in range(5)]
    gate, options = FlakinessHistory(), FlakinessHistoryOptions()
    free = gate.evaluate(governed(TWICE, quarantined(1)), "unit", options, History(runs=tuple(past)))
    assert free.status is Status.FAIL
    held = gate.evaluate(governed(TWICE), "unit", options, History(runs=tuple(past)))
    assert held.status is Status.SKIPPED
    assert {fact.label: fact.value for fact in held.facts}["in quarantine, not counted"] == "1 test"


@pytest.mark.parametrize(
    ("test", "covered"),
    [
        ("a.py::t", True),
        ("a.py::t[1]", True),
        ("a.py::t [3.12]", True),
        ("a.py::t[1] [3.12]", True),
        ("a.py::tt", False),
        ("a.py::t::u", False),
        ("b.py::t", False),
    ],
)
def test_row_covers_its_test_with_any_parameter_and_python(test, covered):
    assert quarantined(test="a.py::t").covers(test) is covered
    assert not quarantined(test="a.py::t[2]").covers(test)


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        (TWICE, "failed, and passed when run again; 0 clean runs in a row"),
        (BROKEN, "failed in every attempt; 0 clean runs in a row"),
        (TestRun(cases=(case(0, FAIL),)), "failed, and was not run again: set `reruns`"),
        (good.cases(PASS), "passed; 1 clean run in a row, 299 release it"),
        (TestRun(cases=(case(0, SKIP), case(1))), "skipped, which says nothing about it"),
        (TestRun(cases=(case(1),)), "not among the tests of this run"),
    ],
)
def test_every_row_says_what_became_of_its_test(tests, told):
    verdict = ward(tests)
    assert verdict.status is Status.PASS
    assert verdict.items[0].message.startswith(told)
    assert "owner jo, #7" in verdict.items[0].message
    assert "until 2026-12-01 (10 days left)" in verdict.items[0].message


def test_release_is_by_clean_runs_and_not_by_days():
    bad = run(0, failure(name(0), FAIL, PASS))
    near = ward(good.cases(PASS), past=[bad, *clean(CLEAN_RUNS - 2)])
    assert f"{CLEAN_RUNS - 1} clean runs in a row, 299 release it" in near.items[0].message
    there = ward(good.cases(PASS), past=[bad, *clean(CLEAN_RUNS - 1)])
    assert "299 clean runs in a row, ready to be released" in there.items[0].message
    assert 0.99**CLEAN_RUNS <= 0.05 < 0.99 ** (CLEAN_RUNS - 1)


def test_run_in_which_the_test_did_not_run_is_no_clean_run():
    past = clean(40)
    held = ward(good.cases(PASS), past=past, absent={run.run: frozenset({name(0)}) for run in past[:25]})
    assert "passed; 16 clean runs in a row" in held.items[0].message


@pytest.mark.parametrize(("missing", "told"), [("1", "20 clean runs"), ("12", "1 clean run in")])
def test_run_in_which_no_parameter_of_the_test_ran_is_no_clean_run(missing, told):
    past = clean(19)
    absent = {run.run: frozenset(f"a.py::t[{each}]" for each in missing) for run in past}
    both = TestRun(cases=(case(0, id="a.py::t[1]"), case(0, id="a.py::t[2]")))
    assert told in ward(both, quarantined(test="a.py::t"), past=past, absent=absent).items[0].message


def test_expired_row_is_red_and_listed_first():
    old = quarantined(1, expires=date(2026, 11, 20))
    verdict = ward(TWICE, quarantined(0), old)
    assert verdict.status is Status.FAIL
    assert "expired on 2026-11-20" in verdict.reason
    assert [(item.title, item.level) for item in verdict.items] == [(name(1), "error"), (name(0), "notice")]
    assert ward(TWICE, msgspec.structs.replace(old, expires=good.TODAY)).status is Status.PASS


def test_row_of_tomorrow_is_told_and_counts_for_nothing():
    verdict = ward(TWICE, quarantined(0, created=date(2026, 11, 22)))
    assert verdict.status is Status.PASS
    assert verdict.reason == "0 tests in quarantine"
    assert "not in force before 2026-11-22" in verdict.items[0].message


def test_cap_is_five_or_one_test_of_a_hundred():
    rows = [quarantined(number) for number in range(6)]
    assert ward(TWICE, *rows[:5]).status is Status.PASS
    verdict = ward(TWICE, *rows)
    assert verdict.status is Status.FAIL
    assert verdict.reason == "6 tests in quarantine, at most 5 may be"
    assert ward(good.cases(*[PASS] * 600), *rows).status is Status.PASS
    assert ward(good.cases(*[PASS] * 599), *rows).status is Status.FAIL


def test_run_of_one_stage_does_not_shrink_the_cap():
    rows = [quarantined(number) for number in range(6)]
    whole = msgspec.structs.replace(clean(1)[0], tests=600)
    assert ward(TWICE, *rows, past=[whole]).status is Status.PASS


def test_gate_without_a_row_has_no_question():
    assert not Quarantine().applies(good.run(), "run", QuarantineOptions())
    assert Quarantine().applies(good.governed(), "run", QuarantineOptions())


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (FileChange(path="truegreen-quarantine.toml", lines=frozenset({9})), True),
        (FileChange(path="app/truegreen-quarantine.toml", added=True), True),
        (FileChange(path="truegreen-quarantine.toml", lines=frozenset({2, 10})), False),
        (FileChange(path="README.md", lines=frozenset({3})), False),
    ],
)
def test_row_that_this_change_wrote_is_told(file, told):
    verdict = ward(TWICE, changes=Changes(base="b", files=(file,)))
    assert ("written or changed by this change" in [fact.label for fact in verdict.facts]) is told
