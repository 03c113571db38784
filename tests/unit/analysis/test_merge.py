"""Merging shards, reruns, variants and coverage."""

from __future__ import annotations

import math

import pytest
from tests.support.evidence import ERROR, FAIL, PASS, SKIP, case, cases, session

from truegreen.analysis import merge
from truegreen.errors import EvidenceUnreadable
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.load import Endpoint, LoadResult
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
    left = FileCoverage(path="a.py", covered=bits_of({1, 2}), missing=bits_of({3, 4}))
    right = FileCoverage(path="a.py", covered=bits_of({3}), missing=bits_of({1, 2, 4}))
    merged = merge.coverages([Coverage(files=(left,)), Coverage(files=(right,))]).files[0]
    assert (merged.covered, merged.missing) == (bits_of({1, 2, 3}), bits_of({4}))


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


def test_shards_with_the_same_tests_name_the_first_three_and_the_remedy():
    many = cases(*(PASS for _ in range(5)))
    with pytest.raises(EvidenceUnreadable) as caught:
        merge.shards([many, many])
    assert caught.value.what.startswith("5 tests")
    assert caught.value.why == ", ".join(case(n).id for n in range(3))
    assert caught.value.fix


def test_rerun_of_tests_that_never_ran_names_them_and_the_remedy():
    with pytest.raises(EvidenceUnreadable) as caught:
        merge.rerun(one(FAIL), TestRun(cases=(case(0), *(case(n) for n in range(5, 9)))))
    assert caught.value.what.startswith("4 tests")
    assert caught.value.why == ", ".join(case(n).id for n in range(5, 8))
    assert caught.value.fix


@pytest.mark.parametrize(
    ("first", "later", "place"),
    [
        ({}, {"line": 7, "file": "b.py"}, ("b.py", 7)),
        ({}, {"line": 0, "file": ""}, ("tests/test_a.py", 1)),
    ],
)
def test_rerun_that_fails_is_placed_where_it_failed_and_else_where_it_was(first, later, place):
    merged = merge.rerun(one(FAIL, message="boom", **first), one(FAIL, message="again", **later)).cases[0]
    assert (merged.file, merged.line, merged.message) == (*place, "again")


@pytest.mark.parametrize("outcomes", [(PASS, FAIL), (PASS, ERROR), (SKIP, FAIL), (FAIL, ERROR), (ERROR, FAIL)])
def test_rerun_that_fails_is_the_result(outcomes):
    first, later = outcomes
    merged = merge.rerun(one(first), one(later, message="boom")).cases[0]
    assert (merged.outcome, merged.attempts, merged.message) == (later, outcomes, "boom")


@pytest.mark.parametrize("first", [FAIL, ERROR])
@pytest.mark.parametrize("later", [(SKIP,), (SKIP, SKIP)])
def test_failure_stays_whatever_number_of_reruns_skip(first, later):
    run = one(first, message="boom")
    for outcome in later:
        run = merge.rerun(run, one(outcome, message="why it was skipped"))
    assert (run.cases[0].outcome, run.cases[0].attempts, run.cases[0].message) == (first, (first, *later), "boom")


def test_coverages_of_counted_branches_are_equal_in_any_order():
    parts = [
        Coverage(files=(FileCoverage(path="a.py", branches=n, covered_branches=n - 1),), has_branches=True)
        for n in (6, 2)
    ]
    for order in (parts, parts[::-1]):
        merged = merge.coverages(order).files[0]
        assert (merged.path, merged.branches, merged.covered_branches) == ("a.py", 6, 5)


def test_coverages_keep_each_branch_that_no_part_took():
    def part(*untaken, taken=frozenset()):
        return Coverage(files=(FileCoverage(path="a.py", taken=taken, untaken=frozenset(untaken)),), has_branches=True)

    merged = merge.coverages([part((1, 2)), part((1, 3)), part((4, 5), taken=frozenset({(1, 3)}))]).files[0]
    assert merged.untaken == {(1, 2), (4, 5)}
    assert (merged.branches, merged.covered_branches) == (3, 1)


def test_loads_together_keep_what_any_of_them_raised_or_crossed():
    parts = [load(exceptions=1, crossed=("p95<250",)), load(), load(exceptions=2, crossed=("p95<250", "rps>9"))]
    merged = merge.loads(parts)
    assert (merged.exceptions, merged.crossed) == (3, ("p95<250", "rps>9"))


def test_loads_together_have_every_field_of_the_parts():
    # A field that is taken from the first part alone makes the others look better than they were.
    described = {"tool", "version"}
    worse = {"requests": 2000, "failures": 9, "duration_s": 20.0, "rps": 1.0}
    worse |= {"p50_ms": 5.0, "p95_ms": 6.0, "p99_ms": 7.0, "exceptions": 2, "crossed": ("p95<1",)}
    worse |= {"endpoints": (Endpoint(name="GET /", requests=1, failures=1),), "errors": ("boom",)}
    assert {*worse, *described} == set(LoadResult.__struct_fields__)
    merged = merge.loads([load(), load(**worse)])
    summed = {**worse, "requests": 3000}
    assert {field: getattr(merged, field) for field in summed} == summed


def counted(*lines):
    sums = (sum(line[1] for line in lines), sum(line[2] for line in lines))
    file = FileCoverage(path="a.py", counted=lines, covered_branches=sums[0], branches=sums[1])
    return Coverage(files=(file,), has_branches=True)


def test_branches_that_are_counted_line_by_line_are_merged_line_by_line():
    for parts in ([counted((1, 8, 8)), counted((2, 0, 6))], [counted((2, 0, 6)), counted((1, 8, 8))]):
        (file,) = merge.coverages(parts).files
        assert (file.covered_branches, file.branches) == (8, 14)
    (file,) = merge.coverages([counted((1, 1, 2), (3, 0, 2)), counted((1, 2, 2))]).files
    assert (file.covered_branches, file.branches) == (2, 4)


def test_branches_that_one_part_names_and_another_counts_are_merged_line_by_line():
    named = FileCoverage(
        path="a.py", branches=2, covered_branches=1, taken=frozenset({(1, 2)}), untaken=frozenset({(1, 3)})
    )
    parts = [Coverage(files=(named,), has_branches=True), counted((1, 2, 2), (5, 0, 2))]
    for order in (parts, parts[::-1]):
        (file,) = merge.coverages(order).files
        assert (file.covered_branches, file.branches) == (2, 4)
