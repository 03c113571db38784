"""Verdicts on a rate: the numbers of the design, and what must never happen."""

from __future__ import annotations

import math

import pytest

from truegreen.analysis.sequential import (
    Decision,
    clean_runs_needed,
    decide,
    interval,
    log_evidence_above,
    log_evidence_below,
)

LIMIT = 0.01


@pytest.mark.parametrize(("failures", "runs"), [(0, 367), (1, 657), (2, 881), (3, 1080), (5, 1441)])
def test_rate_below_the_limit_needs_so_many_runs(failures, runs):
    assert decide(runs - 1, failures, LIMIT) is Decision.UNDECIDED
    assert decide(runs, failures, LIMIT) is Decision.BELOW
    assert clean_runs_needed(failures, failures, LIMIT) == runs - failures


@pytest.mark.parametrize(("failures", "runs"), [(2, 11), (3, 37), (4, 68), (5, 105)])
def test_rate_above_the_limit_shows_within_so_many_runs(failures, runs):
    assert decide(runs, failures, LIMIT) is Decision.ABOVE
    assert decide(runs + 1, failures, LIMIT) is Decision.UNDECIDED


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.2])
def test_single_failure_at_any_number_of_runs_never_fails(limit):
    assert all(decide(runs, 1, limit) is not Decision.ABOVE for runs in range(1, 400))


# mpmath 1.3 at 40 digits: betainc over the two parts of the prior.
@pytest.mark.parametrize(
    ("runs", "failures", "limit", "value"),
    [
        (366, 0, 0.01, 2.99474877344774),
        (367, 0, 0.01, 3.00364033585806),
        (1441, 5, 0.01, 2.99770834282702),
        (2000, 40, 0.05, 21.8086529179422),
        (10, 0, 0.001, 0.00671846092770107),
    ],
)
def test_evidence_below_has_the_value_of_its_integral(runs, failures, limit, value):
    assert log_evidence_below(runs, failures, limit) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("runs", "failures", "limit", "value"),
    [
        (11, 2, 0.01, 3.10949594993591),
        (12, 2, 0.01, 2.99536333919282),
        (105, 5, 0.01, 3.00768767468667),
        (100, 1, 0.01, -1.20571051632832),
        (50, 50, 0.2, 57.0799060472855),
    ],
)
def test_evidence_above_has_the_value_of_its_integral(runs, failures, limit, value):
    assert log_evidence_above(runs, failures, limit) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("limit", [0.001, 0.01, 0.3])
def test_expected_evidence_at_the_limit_is_one_at_most(limit):
    # Summed over all outcomes of n runs: what makes it a fair bet, and Ville's inequality hold.
    runs = 60
    weights = [math.comb(runs, k) * limit**k * (1 - limit) ** (runs - k) for k in range(runs + 1)]
    for evidence in (log_evidence_below, log_evidence_above):
        expected = sum(weight * math.exp(evidence(runs, k, limit)) for k, weight in enumerate(weights))
        assert expected == pytest.approx(1.0, abs=1e-9)


def test_nothing_seen_is_undecided():
    assert decide(0, 0, LIMIT) is Decision.UNDECIDED
    assert decide(0, 0, 0.0) is Decision.UNDECIDED
    assert decide(0, 0, 1.0) is Decision.UNDECIDED
    assert (interval(0, 0).low, interval(0, 0).high) == (0.0, 1.0)


def test_limit_of_zero_breaks_with_the_first_failure_and_never_holds():
    assert decide(100_000, 0, 0.0) is Decision.UNDECIDED
    assert decide(100_000, 1, 0.0) is Decision.ABOVE
    assert clean_runs_needed(10, 0, 0.0) is None


def test_limit_of_one_holds_with_the_first_run():
    assert decide(1, 1, 1.0) is Decision.BELOW


def test_limit_too_small_for_any_history_has_no_number_of_clean_runs():
    assert clean_runs_needed(5, 5, 1e-9) is None


def test_doubtful_runs_keep_a_rate_from_being_good_and_never_make_it_bad():
    assert decide(400, 0, LIMIT) is Decision.BELOW
    assert decide(400, 0, LIMIT, doubtful=1) is Decision.UNDECIDED
    assert decide(10, 1, LIMIT, doubtful=50) is Decision.UNDECIDED


@pytest.mark.parametrize(("runs", "failures"), [(1, 2), (-1, 0), (5, -1)])
def test_counts_that_cannot_be_are_refused(runs, failures):
    with pytest.raises(ValueError, match="failures in"):
        decide(runs, failures, LIMIT)


def test_clean_runs_needed_when_already_shown_are_none():
    assert clean_runs_needed(367, 0, LIMIT) == 0
