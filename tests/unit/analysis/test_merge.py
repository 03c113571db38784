"""Merging shards, reruns, variants and coverage."""

from __future__ import annotations

import math

import pytest
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, cases, session

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.model.coverage import Coverage, FileCoverage
from truegreen.model.load import LoadResult
from truegreen.model.persistence import PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.model.testrun import TestRun


def one(outcome, **more):
    return TestRun(cases=(case(0, outcome, **more),))


def test_shards_with_different_tests_are_joined_in_order_of_id():
    merged = merge.shards([TestRun(cases=(case(2), case(0))), TestRun(cases=(case(1, FAIL),))])
    assert [c.id for c in merged.cases] == [case(n).id for n in range(3)]
    assert merged.count(FAIL) == 1


def test_shards_with_the_same_test_are_refused_by_name():
    with pytest.raises(EvidenceUnreadable) as caught:
        merge.shards([one(PASS), one(FAIL)])
    assert "two shards" in caught.value.what
    assert case(0).id in caught.value.why


def test_shards_of_nothing_are_an_empty_run():
    assert merge.shards([]).cases == ()


def test_rerun_that_passes_makes_the_test_pass_and_flaky():
    merged = merge.rerun(one(FAIL, message="boom", detail="trace"), one(PASS)).cases[0]
    assert (merged.outcome, merged.attempts, merged.flaky) == (PASS, (FAIL, PASS), True)
    assert (merged.message, merged.detail) == ("boom", "trace")


def test_rerun_twice_keeps_all_attempts_in_order():
    run = merge.rerun(merge.rerun(one(FAIL), one(ERROR, message="later")), one(FAIL, message="last"))
    assert run.cases[0].attempts == (FAIL, ERROR, FAIL)
    assert run.cases[0].message == "last"
    assert not run.cases[0].flaky


def test_rerun_that_skips_does_not_take_the_failure_away():
    merged = merge.rerun(one(FAIL, message="boom"), one(SKIP)).cases[0]
    assert (merged.outcome, merged.attempts, merged.message) == (FAIL, (FAIL, SKIP), "boom")


def test_rerun_of_a_test_that_never_ran_is_refused():
    with pytest.raises(EvidenceUnreadable, match="never ran before"):
        merge.rerun(one(FAIL), TestRun(cases=(case(9),)))


def test_rerun_of_some_leaves_the_others_alone():
    merged = merge.rerun(cases(PASS, FAIL), TestRun(cases=(case(1, PASS),)))
    assert merged.cases[0].attempts == ()
    assert merged.cases[1].attempts == (FAIL, PASS)


def test_variants_label_results_and_sessions_alike():
    run, seen = merge.in_variant(cases(PASS), "3.12"), merge.session_in_variant(session(1), "3.12")
    assert [c.id for c in run.cases] == list(seen.ids) == [f"{case(0).id} [3.12]"]


def test_coverages_of_two_shards_cover_what_either_covered():
    left = FileCoverage(path="a.py", covered=frozenset({1, 2}), missing=frozenset({3, 4}))
    right = FileCoverage(path="a.py", covered=frozenset({3}), missing=frozenset({1, 2, 4}))
    merged = merge.coverages([Coverage(files=(left,)), Coverage(files=(right,))]).files[0]
    assert (merged.covered, merged.missing) == (frozenset({1, 2, 3}), frozenset({4}))


def test_coverages_with_named_branches_merge_them_exactly():
    def part(taken, untaken):
        file = FileCoverage(
            path="a.py", branches=2, covered_branches=1, taken=frozenset({taken}), untaken=frozenset({untaken})
        )
        return Coverage(files=(file,), has_branches=True)

    merged = merge.coverages([part((1, 2), (1, 3)), part((1, 3), (1, 2))])
    assert (merged.files[0].branches, merged.files[0].covered_branches) == (2, 2)
    assert merged.has_branches


def test_coverages_with_counted_branches_never_claim_more_than_one_part_saw():
    parts = [
        Coverage(files=(FileCoverage(path="a.py", branches=4, covered_branches=n),), has_branches=True) for n in (1, 3)
    ]
    assert merge.coverages(parts).files[0].covered_branches == 3


def test_coverages_with_one_part_without_branches_have_none():
    parts = [Coverage(has_branches=True), Coverage(has_branches=False)]
    assert not merge.coverages(parts).has_branches
    assert not merge.coverages([]).has_branches


def load(**values):
    return LoadResult(**{"tool": "locust", "requests": 1000, "failures": 0, "duration_s": 10.0, "rps": 100.0, **values})


def test_loads_together_are_as_bad_as_the_worst():
    good, bad = load(rps=500.0, p95_ms=20.0), load(failures=999, rps=100.0, p95_ms=900.0, errors=("boom",))
    for parts in ([good, bad], [bad, good]):
        merged = merge.loads(parts)
        assert (merged.requests, merged.failures, merged.rps, merged.p95_ms) == (2000, 999, 100.0, 900.0)
        assert merged.errors == ("boom",)


@pytest.mark.parametrize("field", ["rps", "p95_ms", "duration_s"])
def test_loads_with_a_figure_that_is_no_number_have_none(field):
    assert math.isnan(getattr(merge.loads([load(**{field: math.nan}), load()]), field))
    assert math.isnan(getattr(merge.loads([load(), load(**{field: math.nan})]), field))


def test_load_alone_is_what_it_was():
    assert merge.loads([load(rps=math.inf)]) == load(rps=math.inf)


def test_commits_in_a_variant_belong_to_the_tests_of_that_variant():
    evidence = PersistenceEvidence(
        phases=(PhaseChanges(test="t::a", phase="call"),), demands=(TestDemand(test="t::a"),)
    )
    named = merge.commits_in_variant(evidence, "3.12")
    assert (named.phases[0].test, named.demands[0].test) == ("t::a [3.12]", "t::a [3.12]")
