"""Which tests are flaky: bursts are set aside, groups are found, tiers are kept apart."""

from __future__ import annotations

from truegreen.analysis.flakiness import Unit
from truegreen.analysis.flaky_tests import FlakyTest, Tier, detect, find_bursts, group, survey


def units(number, *disagreed, tests=100):
    found = [Unit(created="", tests=tests, disagreed=frozenset(names)) for names in disagreed]
    return found + [Unit(created="", tests=tests)] * (number - len(found))


def names(prefix, number):
    return {f"{prefix}{step}" for step in range(number)}


def test_one_disagreement_is_seen_and_no_more():
    assert detect(units(10, "a")) == {"a": FlakyTest(test="a", runs=10, events=1, tier=Tier.SEEN, group=1)}


def test_two_disagreements_make_a_suspect_and_one_of_a_hundred_runs_confirms():
    assert detect(units(201, "a", "a"))["a"].tier is Tier.SUSPECT
    assert detect(units(200, "a", "a"))["a"].tier is Tier.CONFIRMED
    assert detect(units(200, "a", "a"))["a"].ratio == 0.01
    assert FlakyTest(test="a", runs=0, events=0, tier=Tier.SEEN, group=1).ratio == 0.0


def test_tests_are_listed_with_the_most_frequent_first():
    assert list(detect(units(9, "a", "b", "b", "c", "c", "c"))) == ["c", "b", "a"]


def test_many_tests_at_once_in_a_combination_never_seen_again_are_a_burst():
    found = detect(units(100, names("x", 5), {"a"}, {"a"}))
    assert set(found) == {"a"}


def test_four_tests_are_no_burst_and_in_a_large_suite_neither_are_nineteen():
    assert set(detect(units(100, names("x", 4)))) == names("x", 4)
    assert set(detect(units(100, names("x", 19), tests=1000))) == names("x", 19)
    assert detect(units(100, names("x", 20), tests=1000)) == {}


def test_many_tests_that_fail_together_again_are_a_group_and_no_burst():
    given = units(100, names("x", 8), names("x", 8) | {"y"}, {"y"}, {"y"}, {"z"})
    found = detect(given)
    assert found["y"].group == 1
    assert {found[name].group for name in names("x", 8)} == {2}
    assert found["x0"].events == 2
    assert found["z"].group == 3
    (together,) = survey(given)[1]
    assert (together.number, set(together.tests), together.events, together.runs) == (2, names("x", 8), 2, 100)


def test_tests_that_disagree_often_explain_a_large_run():
    often = names("x", 6)
    history = [frozenset(often)] + [frozenset({name}) for name in often]
    assert find_bursts(history, [100] * len(history)) == frozenset()


def test_incidents_of_random_parts_of_the_suite_accuse_nobody():
    first, second = names("x", 50), {f"x{step}" for step in range(35, 85)}
    assert detect(units(500, first, second)) == {}


def test_groups_are_chains_of_tests_with_half_of_their_runs_in_common():
    found = group({"a": [1, 2], "b": [1, 2, 3], "c": [3, 2, 1, 9, 8], "d": [20], "e": [1, 2]})
    assert len({found[name] for name in "abce"}) == 1
    assert found["d"] != found["a"]
    assert found["a"] == 1


def test_no_observation_finds_nobody():
    assert detect([]) == {}
    assert group({}) == {}


def test_unresolved_runs_count_only_with_a_disagreement():
    unresolved = Unit(created="", tests=100, unresolved=True, failed=frozenset("a"))
    assert detect([*units(4, "a"), unresolved])["a"].runs == 4
