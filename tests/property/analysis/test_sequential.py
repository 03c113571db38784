"""Verdict and interval agree whatever was counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis.incomplete_beta import log_tails
from truegreen.analysis.sequential import Decision, clean_runs_needed, decide, interval

COUNTS = st.integers(1, 3000).flatmap(lambda runs: st.tuples(st.just(runs), st.integers(0, min(runs, 60))))
LIMITS = st.sampled_from([0.002, 0.01, 0.05, 0.5])


@given(COUNTS, LIMITS)
def test_interval_and_verdict_never_contradict_each_other(counts, limit):
    runs, failures = counts
    found = interval(runs, failures)
    assert 0 <= found.low <= failures / runs <= found.high <= 1
    decision = decide(runs, failures, limit)
    assert (decision is Decision.BELOW) == (found.high <= limit)
    if failures > 1:
        assert (decision is Decision.ABOVE) == (found.low >= limit)


@given(COUNTS, LIMITS)
def test_clean_runs_needed_are_the_fewest_that_do(counts, limit):
    runs, failures = counts
    more = clean_runs_needed(runs, failures, limit)
    assert more is not None
    assert decide(runs + more, failures, limit) is Decision.BELOW
    if more:
        assert decide(runs + more - 1, failures, limit) is not Decision.BELOW


@given(st.floats(0.1, 2000), st.floats(0.1, 20000), st.floats(1e-6, 1 - 1e-6))
def test_tails_are_probabilities_that_add_up_to_one(a, b, x):
    import math

    lower, upper = log_tails(a, b, x)
    assert lower <= 0
    assert upper <= 0
    assert math.isclose(math.exp(lower) + math.exp(upper), 1.0, rel_tol=1e-9)
