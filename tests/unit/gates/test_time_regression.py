"""time-regression: against earlier runs of the default branch."""

from __future__ import annotations

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, case, record, stage

from truegreen.gates.time_regression import TimeRegression, TimeRegressionOptions
from truegreen.model.evidence import ToolRun
from truegreen.model.history import History, PastTest
from truegreen.model.pairs import PairedTimes, Pairs
from truegreen.model.run import RunEvidence
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status


def judged(tests, history, record_s=5.0, **options):
    part = stage("unit", tests=tests, records=(record("unit", duration_s=record_s),))
    return TimeRegression().evaluate(good.run(part), "unit", TimeRegressionOptions(**options), history)


def took(*times, **more):
    return TestRun(cases=tuple(case(number, duration_s=time, **more) for number, time in enumerate(times)))


def facts(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


def test_run_like_the_earlier_ones_passes_and_says_with_how_many_it_was_compared():
    verdict = judged(took(0.01, 0.01, 0.01), good.steady_history("unit"))
    assert (verdict.status, verdict.reason) == (Status.PASS, "3 tests and 1 suite no slower than 20 earlier runs")
    assert facts(verdict) == {
        "tests compared": "3, with 20 earlier runs",
        "suites compared": "1, with 20 earlier runs",
    }


def test_slower_test_fails_with_before_now_ratio_and_place():
    verdict = judged(took(0.01, 0.5, 0.01), good.steady_history("unit"))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "1 test became slower, tests/test_a.py::test_1 from 0.01 s to 0.50 s"
    (item,) = verdict.items
    assert (item.title, item.path, item.line, item.level) == (good.name(1), "tests/test_a.py", 2, "warning")
    assert item.message == "0.50 s, 50.0 times the median of 20 earlier runs (0.01 s); p = 0.048"


def test_slower_tests_beyond_the_listed_ones_are_counted():
    names = {good.name(number): PastTest(runs=20, durations_s=(0.01,) * 20) for number in range(325)}
    verdict = judged(took(*[0.01] * 300, *[5.0] * 25), good.steady_history("unit", tests={"unit": names}))
    assert verdict.reason.startswith("25 tests became slower")
    assert (len(verdict.items), verdict.unlisted) == (20, 5)


def test_slower_suite_fails_though_no_test_did():
    verdict = judged(took(0.01), good.steady_history("unit"), record_s=9.0)
    assert (verdict.status, verdict.reason) == (Status.FAIL, "the unit stage took 5.00 s to 9.00 s")
    assert verdict.items[0].title == "the unit stage as a whole"


@pytest.mark.parametrize("name", ["pytest rerun 3 (new tests)", "base and change in turn"])
def test_what_a_change_alone_runs_again_makes_no_suite_slower(name):
    tools = (ToolRun(name="pytest", duration_s=4.0), ToolRun(name=name, duration_s=30.0))
    part = stage("unit", tests=took(0.01), records=(record("unit", duration_s=35.0, tools=tools),))
    verdict = TimeRegression().evaluate(good.run(part), "unit", TimeRegressionOptions(), good.steady_history("unit"))
    assert verdict.status is Status.PASS


def test_too_few_runs_are_no_verdict_and_say_how_many_are_missing():
    verdict = judged(took(9.0), good.steady_history("unit", runs=16))
    assert verdict.status is Status.SKIPPED
    why = "3 more runs of the default branch in this environment needed to compare times"
    assert verdict.reason == f"inconclusive: {why}"
    assert "19 more runs" in judged(took(9.0), History()).reason
    assert judged(took(9.0), good.steady_history("unit", runs=16), alpha=0.1).status is Status.FAIL


def test_runs_of_another_environment_are_left_out_and_counted():
    history = good.steady_history("unit")
    other = tuple(msgspec.structs.replace(run, environment="another") for run in history.runs[:4])
    verdict = judged(took(0.01), msgspec.structs.replace(history, runs=(*other, *history.runs)), record_s=5.0)
    assert verdict.status is Status.PASS
    assert facts(verdict)["suites compared"] == "1, with 20 earlier runs"
    assert facts(verdict)["left out, of another environment"] == "4 runs"
    alone = judged(took(0.01), History(runs=other + history.runs[4:]), record_s=50.0)
    assert alone.status is Status.SKIPPED
    assert alone.reason.endswith("(4 runs of another left out)")


def test_unknown_environment_is_inconclusive():
    part = stage("unit", tests=took(9.0), records=(record("unit", environment=""),))
    verdict = TimeRegression().evaluate(good.run(part), "unit", TimeRegressionOptions(), good.steady_history("unit"))
    assert (verdict.status, verdict.reason) == (
        Status.SKIPPED,
        "inconclusive: nothing says in which environment the tests ran",
    )


def test_new_test_is_counted_and_not_judged():
    verdict = judged(took(0.01, 0.01, 0.01, 7.0), good.steady_history("unit"))
    assert verdict.status is Status.PASS
    assert facts(verdict)["tests with too few runs"] == "1 (up to 19 more runs needed)"


def test_runs_of_other_branches_and_red_stages_are_no_measure_of_the_suite():
    history = good.steady_history("unit")
    other = tuple(msgspec.structs.replace(run, base=False) for run in history.runs)
    red = tuple(
        msgspec.structs.replace(run, stages=(msgspec.structs.replace(run.stages[0], status="fail"),))
        for run in history.runs
    )
    for runs in (other, red):
        verdict = judged(took(0.01), msgspec.structs.replace(history, runs=runs), record_s=50.0)
        assert verdict.status is Status.PASS
        assert facts(verdict)["suites with too few runs"] == "1 (up to 19 more runs needed)"


@pytest.mark.parametrize("tests", [None, TestRun(), took(0.0, 0.0), took(0.5, outcome=FAIL), took(0.5, outcome=SKIP)])
def test_run_without_a_usable_time_is_blind(tests):
    assert judged(tests, good.steady_history("unit")).status is Status.BLIND


def test_test_that_passed_only_in_a_rerun_is_not_compared():
    tests = TestRun(cases=(case(0, duration_s=9.0, attempts=(FAIL, PASS)), case(1)))
    assert judged(tests, good.steady_history("unit")).status is Status.PASS


def test_limits_come_from_the_options():
    history = good.steady_history("unit", tests={"unit": {good.name(0): PastTest(runs=20, durations_s=(1.0,) * 20)}})
    assert judged(took(1.5), history).status is Status.FAIL
    assert judged(took(1.5), history, min_ratio=2.0).status is Status.PASS
    assert judged(took(1.5), history, min_ms=700.0).status is Status.PASS


def test_gate_advises_unless_told_otherwise_and_asks_stages_with_tests_only():
    assert TimeRegressionOptions().advisory is True
    run = good.run(stage("unit"), stage("lint"))
    assert TimeRegression().applies(run, "unit", TimeRegressionOptions())
    assert not TimeRegression().applies(RunEvidence(), "performance", TimeRegressionOptions())


def in_pairs(*suites, tests=None, **options):
    """Judge shards that ran base and change in turn, each given as pairs of seconds."""
    parts = tuple(
        PairedTimes(base="b" * 40, suite=pairs(rows), tests={k: pairs(v) for k, v in (tests or {}).items()})
        for rows in suites
    )
    part = stage("unit", tests=took(9.0), records=(record("unit", environment=""),), pairs=parts)
    return TimeRegression().evaluate(good.run(part), "unit", TimeRegressionOptions(**options), History())


def pairs(rows):
    return Pairs(base_s=tuple(row[0] for row in rows), change_s=tuple(row[1] for row in rows))


SAME = [(4.0, 4.1), (4.2, 4.1), (3.9, 4.0), (4.4, 4.3), (4.1, 4.1)]


def test_pairs_decide_without_any_history():
    verdict = in_pairs(SAME)
    assert verdict.status is Status.PASS
    told = "unit took between 0.98 and 1.03 times as long (medians 4.10 s and 4.10 s)"
    assert verdict.reason == f"no slower than the base bbbbbbbbbbbb: {told}"
    assert facts(verdict)["pairs of runs, base and change in turn"] == "5"


def test_suite_that_takes_longer_in_every_pair_fails():
    verdict = in_pairs([(base, change * 1.3) for base, change in SAME])
    assert verdict.status is Status.FAIL
    assert verdict.reason.startswith("slower than the base bbbbbbbbbbbb: unit took between 1.2")


def test_test_that_takes_longer_in_every_pair_fails_and_is_placed():
    slow = {good.name(0): [(0.1, 0.4)] * 5, good.name(1): [(0.001, 0.002)] * 5}
    verdict = in_pairs(SAME, tests=slow)
    assert verdict.status is Status.FAIL
    assert [(item.title, item.path) for item in verdict.items] == [(good.name(0), "tests/test_a.py")]
    assert facts(verdict)["tests that could have become slower"] == "1"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (SAME[:4], "inconclusive: unit took too few pairs of runs to tell"),
        ([(4.0, 3.0), (4.0, 6.0)] * 3, "inconclusive: unit took between 0.75 and 1.50 times as long"),
    ],
)
def test_interval_that_spans_the_limit_is_inconclusive(rows, told):
    verdict = in_pairs(rows)
    assert verdict.status is Status.SKIPPED
    assert verdict.reason.startswith(told), verdict.reason
    assert verdict.reason.endswith("raise `against-base-s` for more pairs")


def test_one_slower_shard_is_enough():
    verdict = in_pairs(SAME, [(base, change * 1.5) for base, change in SAME] * 2)
    assert verdict.status is Status.FAIL
    assert "unit (part 2) took" in verdict.reason


def test_tests_that_pairs_cannot_decide_about_are_counted():
    verdict = in_pairs(SAME, tests={good.name(n): [(0.1, 0.4)] * 5 for n in range(3)})
    assert verdict.status is Status.PASS
    assert facts(verdict)["tests that could have become slower"] == "3, 3 of them undecided"
