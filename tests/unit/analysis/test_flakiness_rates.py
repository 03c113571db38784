"""Rates of false failures: what counts, what is one observation, and what nobody knows."""

from __future__ import annotations

from tests.support.past import ERROR, FAIL, PASS, at, clean, failure, run

from truegreen.analysis.flakiness import Suite, observe
from truegreen.model.history import PastStage
from truegreen.model.testrun import Outcome


def suite(*runs, **more):
    return observe(runs, "unit", **more).suite()


def test_green_runs_are_the_denominator():
    assert suite(*clean(5)) == Suite(units=5)


def test_red_run_whose_key_passed_elsewhere_is_a_visible_false_failure():
    found = suite(run(0, failure("a"), tree="t"), run(5, tree="t"), *clean(3))
    assert found == Suite(units=5, visible=1)


def test_red_run_whose_test_never_passed_at_the_key_is_unresolved_and_no_observation():
    runs = (run(0, failure("a"), tree="t"), run(5, failure("a"), failure("b"), tree="t"), *clean(3))
    assert suite(*runs) == Suite(units=3, unresolved=2)


def test_red_runs_that_contradict_each_other_are_visible_false_failures():
    runs = (run(0, failure("a"), tree="t"), run(5, failure("b"), tree="t"), *clean(3))
    assert suite(*runs) == Suite(units=5, visible=2)


def test_same_tree_in_another_environment_proves_nothing():
    assert suite(run(0, failure("a"), tree="t"), run(5, tree="t", environment="other")) == Suite(units=1, unresolved=1)


def test_run_without_tree_or_environment_has_a_key_of_its_own():
    runs = [run(0, failure("a"), environment=""), run(5, environment="")]
    runs += [run(hours, *bad, tree="") for hours, bad in ((8, ()), (9, (failure("a"),)))]
    no_tree = [type(one)(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "tree": ""}) for one in runs]
    assert suite(*no_tree) == Suite(units=2, unresolved=2)


def test_rerun_that_passed_masks_a_failure_and_is_counted_apart():
    found = suite(run(0, failure("a", FAIL, PASS)), run(9, failure("b", ERROR, FAIL, PASS)), *clean(2))
    assert found == Suite(units=4, masked=2)


def test_skip_and_pass_are_no_disagreement():
    assert suite(run(0, failure("a", Outcome.SKIP, PASS))) == Suite(units=1)
    assert suite(run(0, failure("a", Outcome.SKIP), status="pass")) == Suite(units=1)


def test_failure_that_was_skipped_when_it_was_run_again_is_one():
    assert suite(run(0, failure("a", FAIL, Outcome.SKIP))) == suite(run(0, failure("a")))


def test_run_that_is_red_for_one_test_and_saved_for_another_is_visible_only():
    runs = (run(0, failure("a"), failure("b", FAIL, PASS), tree="t"), run(9, tree="t"))
    assert suite(*runs) == Suite(units=2, visible=1)


def test_reruns_within_the_hour_are_one_observation():
    runs = [run(0, failure("a"), tree="t"), run(0.4, failure("a"), tree="t"), run(0.9, tree="t")]
    assert suite(*runs) == Suite(units=1, visible=1)
    assert suite(*runs, run(1.1, tree="t")) == Suite(units=2, visible=1)


def test_runs_of_different_trees_within_the_hour_are_several():
    assert suite(run(0), run(0.1), run(0.2)) == Suite(units=3)


def test_runs_at_times_that_are_none_are_not_taken_for_one():
    assert suite(run(0, tree="t", created="yesterday"), run(0, tree="t", created="")) == Suite(units=2)


def test_order_of_the_runs_changes_nothing():
    runs = [run(0, failure("a"), tree="t"), run(0.5, tree="t"), run(3, failure("a"), tree="t"), *clean(4)]
    assert suite(*runs) == suite(*reversed(runs))


def test_infrastructure_and_blind_runs_are_told_and_not_counted():
    found = observe(
        [
            run(0, failure("a"), tree="t", infrastructure="disk-full"),
            run(1, tree="t"),
            run(2, status="blind"),
            run(3, status="skipped"),
            run(4, tests=0),
            run(5, infrastructure="dns", status="blind"),
            run(6, stage="wiring"),
        ],
        "unit",
    )
    assert found.suite() == Suite(units=1)
    assert found.infrastructure == {"disk-full": 1, "dns": 1}
    assert found.blind == 1


def test_stage_that_fails_without_a_failing_test_is_an_observation():
    assert suite(run(0, status="fail"), run(1, status="waived")) == Suite(units=2)


def test_failures_of_other_stages_do_not_count():
    both = run(0, failure("a", stage="e2e"), stages=(PastStage(stage="unit", status="pass", tests=9),))
    assert suite(both) == Suite(units=1)


def test_exempt_test_does_not_make_a_run_red():
    runs = (run(0, failure("a"), tree="t"), run(5, tree="t"), run(9, failure("a"), failure("b")))
    assert suite(*runs, exempt=frozenset("a")) == Suite(units=2, unresolved=1)


def test_unresolved_run_is_doubtful_when_all_its_failures_are_known_to_disagree():
    known = run(0, failure("a", FAIL, PASS))
    assert suite(known, run(3, failure("a"))) == Suite(units=1, masked=1, unresolved=1, doubtful=1)
    assert suite(known, run(3, failure("a"), failure("b"))) == Suite(units=1, masked=1, unresolved=1)


def test_disagreement_over_runs_of_one_key_names_the_test():
    found = observe([run(0, failure("a"), failure("b"), tree="t"), run(5, failure("b"), tree="t")], "unit")
    assert [unit.disagreed for unit in found.units] == [frozenset("a"), frozenset()]
    assert [unit.failed for unit in found.units] == [frozenset("ab"), frozenset("b")]
    assert all(unit.unresolved for unit in found.units)


def test_run_of_fewer_tests_proves_nothing_about_a_test_it_may_not_have_run():
    found = observe([run(0, failure("a"), tree="t"), run(5, tree="t", tests=99)], "unit")
    assert [unit.disagreed for unit in found.units] == [frozenset(), frozenset()]
    assert found.units[0].created == at(0)


def test_no_history_has_no_rate():
    assert suite() == Suite()
