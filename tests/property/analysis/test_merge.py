"""Merging in any order and grouping gives one result."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence import case

from truegreen.analysis import merge
from truegreen.model.coverage import Coverage, FileCoverage, bits_of
from truegreen.model.testrun import Outcome, TestRun

LINES = st.frozensets(st.integers(1, 12), max_size=8).map(bits_of)
ARCS = st.frozensets(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=5)


@st.composite
def files(draw):
    covered, taken = draw(LINES), draw(ARCS)
    missing, untaken = draw(LINES) & ~covered, draw(ARCS) - taken
    path = draw(st.sampled_from(["a.py", "b.py"]))
    if draw(st.booleans()):  # a tool that only counts branches
        counts = draw(st.dictionaries(st.integers(1, 5), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=4))
        counted = tuple((line, min(pair), max(pair)) for line, pair in sorted(counts.items()))
        sums = {"covered_branches": sum(c for _, c, _ in counted), "branches": sum(n for _, _, n in counted)}
        return FileCoverage(path=path, covered=covered, missing=missing, counted=counted, **sums)
    return FileCoverage(
        path=path,
        covered=covered,
        missing=missing,
        branches=len(taken | untaken),
        covered_branches=len(taken),
        taken=taken,
        untaken=untaken,
    )


@st.composite
def coverages(draw):
    found = draw(st.lists(files(), max_size=2, unique_by=lambda file: file.path))
    return Coverage(files=tuple(found), has_branches=draw(st.booleans()))


@given(st.lists(coverages(), min_size=1, max_size=5).flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
def test_coverages_in_any_order_are_equal(pair):
    parts, shuffled = pair
    assert merge.coverages(parts) == merge.coverages(shuffled)


@given(st.lists(coverages(), min_size=2, max_size=5), st.data())
def test_coverages_merged_step_by_step_equal_all_at_once(parts, data):
    cut = data.draw(st.integers(1, len(parts) - 1))
    stepwise = merge.coverages([merge.coverages(parts[:cut]), merge.coverages(parts[cut:])])
    assert stepwise == merge.coverages(parts)


@given(st.lists(coverages(), min_size=1, max_size=5))
def test_coverages_lose_no_line_and_cover_each_that_any_part_covered(parts):
    merged = {file.path: file for file in merge.coverages(parts).files}
    for file in (file for part in parts for file in part.files):
        whole = merged[file.path]
        assert not file.covered & ~whole.covered
        assert not file.missing & ~whole.executable
        assert not whole.covered & whole.missing
        assert file.covered_branches <= whole.covered_branches <= whole.branches
        assert whole.covered_branches <= whole.branches


@given(st.permutations(range(6)), st.integers(0, 6))
def test_shards_cut_anywhere_and_in_any_order_are_equal(order, cut):
    shard = [TestRun(cases=tuple(case(n) for n in part)) for part in (order[:cut], order[cut:])]
    assert merge.shards(shard) == merge.shards(shard[::-1]) == merge.shards([TestRun(cases=tuple(map(case, range(6))))])


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=5))
def test_reruns_keep_every_attempt_and_never_hide_a_failure_behind_a_skip(outcomes):
    run = TestRun(cases=(case(0, outcomes[0]),))
    for outcome in outcomes[1:]:
        run = merge.rerun(run, TestRun(cases=(case(0, outcome),)))
    final = run.cases[0]
    if len(outcomes) > 1:
        assert final.attempts == tuple(outcomes)
    told = [o for o in outcomes if o is not Outcome.SKIP]
    bad_before_skips = bool(told) and told[-1] in (Outcome.FAIL, Outcome.ERROR)
    assert (final.outcome in (Outcome.FAIL, Outcome.ERROR)) is bad_before_skips
