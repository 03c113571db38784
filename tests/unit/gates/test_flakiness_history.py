"""The gate over earlier runs: pass, fail, or not enough data; what it lists and what it tells."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, case, record, stage
from tests.support.past import clean, failure, run

from truegreen.analysis import this_run
from truegreen.gates import judging
from truegreen.gates.flakiness_history import FlakinessHistory, FlakinessHistoryOptions
from truegreen.model.history import History
from truegreen.model.run import RunEvidence
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status

GATE = FlakinessHistory()
TREE = "9" * 40


def judged(*past, tests=None, options=None, **more):
    evidence = good.run(stage("unit", **({"tests": tests} if tests else {}), **more))
    return GATE.evaluate(evidence, "unit", options or FlakinessHistoryOptions(), History(runs=past))


def facts(verdict):
    return {fact.label: fact.value for fact in verdict.facts}


def test_no_history_is_not_enough_data_and_says_how_many_runs_it_takes():
    verdict = judged()
    assert verdict.status is Status.SKIPPED
    assert verdict.reason.startswith("not enough data: of 1 run 0 red for nothing and 0 green only after a rerun")
    assert verdict.reason.endswith("366 more clean runs to pass")


def test_clean_history_passes_with_the_run_that_shows_it():
    assert judged(*clean(365)).status is Status.SKIPPED
    assert judged(*clean(365)).reason.endswith("1 more clean run to pass")
    verdict = judged(*clean(366))
    assert verdict.status is Status.PASS
    assert facts(verdict)["red for nothing"] == "0 of 367 (between 0.00% and 1.00%)"


@pytest.mark.parametrize(
    ("known_by", "today", "status"),
    [
        (date(2026, 11, 21), date(2026, 11, 21), Status.SKIPPED),
        (date(2026, 11, 20), date(2026, 11, 21), Status.BLIND),
        (date(2026, 11, 22), None, Status.BLIND),
        (None, None, Status.SKIPPED),
    ],
)
def test_not_enough_data_is_blind_after_the_day_by_which_it_had_to_be_known(known_by, today, status):
    evidence = msgspec.structs.replace(good.run(stage("unit")), today=today)
    options = FlakinessHistoryOptions(known_by=known_by)
    verdict = GATE.evaluate(evidence, "unit", options, History(runs=clean(100)))
    assert verdict.status is status
    assert ("had to be known by" in verdict.reason) is (status is Status.BLIND)
    known = GATE.evaluate(evidence, "unit", options, History(runs=clean(400)))
    assert known.status is Status.PASS


def test_two_false_failures_in_ten_runs_fail_and_one_never_does():
    once = [run(0, failure("a"), tree="t"), run(5, tree="t")]
    assert judged(*once).status is Status.SKIPPED
    twice = [*once, run(20, failure("a"), tree="u"), run(25, tree="u")]
    verdict = judged(*twice)
    assert verdict.status is Status.FAIL
    assert verdict.reason == (
        "of 5 runs 2 red for nothing and 0 green only after a rerun: red for nothing in more than 1.00% of runs"
    )
    assert verdict.remedy
    assert [(item.title, item.level) for item in verdict.items] == [("a", "warning")]
    assert verdict.items[0].message == "confirmed: disagreed with itself in 2 of 5 runs (40.00%): more than 1.00%"


def test_reruns_cannot_buy_a_pass():
    masked = [run(step, failure(f"t{step}", FAIL, PASS)) for step in range(2)]
    verdict = judged(*masked)
    assert verdict.status is Status.FAIL
    assert "green only after a rerun in more than 1.00% of runs" in verdict.reason
    lax = FlakinessHistoryOptions(max_masked_ratio=0.9)
    assert judged(*masked, *clean(900), options=lax).status is Status.PASS


def test_rerun_in_this_run_counts():
    twice = TestRun(cases=(case(0, attempts=(FAIL, PASS)),))
    assert judged(*clean(400)).status is Status.PASS
    verdict = judged(*clean(400), tests=twice)
    assert verdict.status is Status.SKIPPED
    assert facts(verdict)["green only after a rerun"].startswith("1 of 401")


def test_failure_of_this_run_that_passed_before_on_the_same_code_is_a_false_one():
    red = TestRun(cases=(case(0, FAIL),))
    same = record("unit", tree=TREE, environment="env")
    past = run(0, tree=TREE, tests=3, created="2026-11-20T07:00:00Z")
    verdict = judged(past, tests=red, records=(same,))
    assert facts(verdict)["red for nothing"].startswith("1 of 2")
    other = record("unit", tree=TREE, environment="another")
    verdict = judged(past, tests=red, records=(other,))
    assert facts(verdict)["red, and never passed on that code"] == "1"
    assert facts(verdict)["red for nothing"].startswith("0 of 1")


def test_same_run_judged_again_is_not_counted_twice():
    earlier = run(0, run="77.1")
    assert facts(judged(earlier))["runs"] == "1"
    assert facts(judged(msgspec.structs.replace(earlier, run="77.2")))["runs"] == "2"


def test_unresolved_infrastructure_and_blind_runs_are_told():
    past = (
        run(0, failure("a"), infrastructure="disk-full"),
        run(1, infrastructure="dns"),
        run(2, infrastructure="dns"),
        run(3, status="blind"),
        run(4, failure("a", FAIL, PASS)),
        run(8, failure("a")),
        run(9, failure("b")),
    )
    told = facts(judged(*past))
    assert told["failed for the infrastructure"] == "disk-full 1, dns 2"
    assert told["blind"] == "1"
    assert told["red, and never passed on that code"] == "2, 1 of them doubtful"


def test_unresolved_runs_of_known_flaky_tests_keep_it_from_passing():
    past = [*clean(900), run(1, failure("a", FAIL, PASS))]
    assert judged(*past).status is Status.PASS
    assert judged(*past, *(run(10 + step, failure("a")) for step in range(4))).status is Status.SKIPPED
    assert judged(*past, *(run(10 + step, failure("b")) for step in range(4))).status is Status.PASS


def test_infrastructure_failure_of_this_run_does_not_count():
    full = TestRun(cases=(case(0, FAIL, message="OSError: [Errno 28] No space left on device"), case(1)))
    verdict = judged(*clean(3), tests=full)
    assert facts(verdict)["runs"] == "3"
    assert facts(verdict)["failed for the infrastructure"] == "disk-full 1"


def test_tests_that_fail_together_are_named_as_a_group_and_have_their_place():
    names = [good.name(number) for number in range(3)]
    past = [run(step, *(failure(name, FAIL, PASS) for name in names)) for step in range(2)]
    items = judged(*past, *clean(50)).items
    assert [item.title for item in items] == [f"group 1: {', '.join(names)}", *names]
    assert items[0].message == (
        "one of 3 tests or more disagreed in 2 of 53 runs (3.77%): not enough data (828 more clean runs)"
    )
    assert items[1].message.endswith("fails together with 2 others (group 1)")
    assert (items[2].path, items[2].line) == ("tests/test_a.py", 2)


def flaky(first, number, *tests):
    """Return runs, two hours apart from an hour on, of which every tenth is green only after a rerun."""
    return tuple(
        run(first + 2 * step, *(failure(name, FAIL, PASS) for name in tests if not step % 10)) for step in range(number)
    )


def test_mended_tests_are_not_haunted_and_the_verdict_says_since_when():
    verdict = judged(*flaky(0, 100, "a", "b"), *clean(400))
    assert verdict.status is Status.PASS
    assert "0 green only after a rerun in 410 runs since run 182.1 of 2026-11-08" in verdict.reason
    value = facts(verdict)["green only after a rerun"]
    assert value.endswith(", since run 182.1 of 2026-11-08, when it changed")
    mended = "a since run 182.1 of 2026-11-08, b since run 182.1 of 2026-11-08"
    assert facts(verdict)["mended: never again since their rate changed"] == mended
    assert verdict.items == ()


def test_newly_flaky_tests_do_not_hide_behind_a_clean_past():
    verdict = judged(*clean(600, start=0), *flaky(2000, 60, "a", "b"))
    assert verdict.status is Status.FAIL
    assert "green only after a rerun in more than 1.00% of runs" in verdict.reason
    group, one, _ = verdict.items
    assert group.title == "group 1: a, b"
    assert "since run 2002.1" in group.message
    assert group.message.endswith("more than 1.00%")
    assert one.message.startswith("confirmed: disagreed with itself in 5 of 59 runs since run 2002.1 of")


def test_red_runs_before_a_change_that_nobody_resolved_are_no_doubt_any_more():
    doubtful = tuple(run(step, failure("b"), base=True) for step in range(-40, 0, 2))
    assert judged(*doubtful, *clean(400)).status is Status.SKIPPED
    verdict = judged(*doubtful, *flaky(0, 100, "a"), *clean(400))
    masked = facts(verdict)["green only after a rerun"]
    assert masked.endswith("when it changed")


def test_limit_of_zero_can_only_break():
    strict = FlakinessHistoryOptions(max_ratio=0.0)
    verdict = judged(*clean(2000), options=strict)
    assert verdict.status is Status.SKIPPED
    assert "no number of runs" in verdict.reason


@pytest.mark.parametrize("tests", [None, TestRun(), good.cases(good.SKIP)])
def test_stage_without_a_test_that_ran_is_blind(tests):
    evidence = good.run(stage("unit", tests=tests))
    verdict = GATE.evaluate(evidence, "unit", FlakinessHistoryOptions(), History(runs=clean(900)))
    assert verdict.status is Status.BLIND


def test_not_enough_data_makes_a_stage_neither_green_nor_red():
    report = judging.judge(good.run(stage("unit")), {}, History(), gates=[GATE])[1]
    assert report.status is Status.BLIND, "no other gate gave an answer, and this one gave none"
    whole = judging.judge(good.run(stage("unit")), {}, History())[1]
    assert whole.status is Status.PASS
    assert [verdict.status for verdict in whole.verdicts if verdict.gate == GATE.id] == [Status.SKIPPED]


def test_this_run_without_evidence_is_no_observation():
    assert this_run.of_stage(RunEvidence(), "unit").stages[0].infrastructure == "runner-lost"
    found = this_run.of_stage(good.run(stage("unit")), "unit")
    assert (found.run, found.created, found.status) == ("77.1", "2026-11-21T07:00:00Z", "pass")


def test_tree_and_environment_of_a_run_are_those_of_all_its_stages():
    one, two = record("unit", tree="a", environment="x"), record("wiring", tree="a", environment="y")
    both = good.run(stage("unit", records=(one,)), stage("wiring", records=(two,)))
    assert this_run.tree(both) == "a"
    assert len(this_run.environment(both.stages)) == 16
    assert this_run.environment(good.run(stage("unit", records=(one,))).stages) == "x"
    assert this_run.environment(()) == ""
    mixed = good.run(stage("unit", records=(one,)), stage("wiring", records=(record("wiring", tree="b"),)))
    assert this_run.tree(mixed) == ""


def test_red_runs_of_the_base_branch_that_nobody_resolved_keep_it_from_passing_and_are_named():
    red = [run(10 + step, failure(f"t{step}")) for step in range(4)]
    verdict = judged(*clean(400), *red)
    assert verdict.status is Status.PASS
    assert verdict.reason.endswith("(4 red runs more, whose tests never passed on that code)")
    base = [msgspec.structs.replace(one, base=True) for one in red]
    assert judged(*clean(400), *base).status is Status.SKIPPED
    assert judged(*base).status is Status.SKIPPED, "doubt alone never fails"


def test_run_whose_failed_jobs_alone_ran_again_is_that_of_the_newest_attempt():
    records = (record("unit", shard="1", run_id="77.9"), record("unit", shard="2", run_id="77.10"))
    assert this_run.of_stage(good.run(stage("unit", records=records)), "unit").run == "77.10"
