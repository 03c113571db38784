"""The incomplete beta function against values of other mathematics."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from truegreen.analysis.incomplete_beta import log_beta, log_tails

# (a, b, x, log I_x(a, b), log(1 - I_x(a, b))): mpmath 1.3, betainc(..., regularized=True) at 40 digits.
VALUES = [
    (0.5, 50, 0.01, -0.38170619646263796, -1.1478937201858648),
    (0.5, 417, 0.01, -0.0038073124359645271, -5.5727347883715174),
    (5.5, 50, 0.01, -9.6494849982251021, -6.4460832415705511e-5),
    (300.5, 50, 0.01, -1245.4737746244333, 0.0),
    (0.5, 10, 0.01, -1.0727345498079698, -0.41865950991148211),
    (2.5, 19, 0.01, -5.3857415068221645, -0.004591968861675273),
    (0.5, 4000, 0.01, -3.0615661299235834e-19, -42.630190174686624),
    (1000.5, 9000.5, 0.1, -0.69670008494932893, -0.68960685462330659),
    (40.5, 10, 0.99, -6.4128950267296242e-11, -23.470125211758134),
    (2, 3, 0.5, -0.37469344944141069, -1.1631508098056809),
    (12.5, 1e6, 1e-5, -1.3736309917851887, -0.2919390837878337),
]


@pytest.mark.parametrize(("a", "b", "x", "lower", "upper"), VALUES)
def test_tails_at_known_points_have_known_values(a, b, x, lower, upper):
    found = log_tails(a, b, x)
    assert found[0] == pytest.approx(lower, rel=1e-8, abs=1e-15)
    assert found[1] == pytest.approx(upper, rel=1e-8, abs=1e-15)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 7), (3, 5), (20, 2), (40, 60)])
@pytest.mark.parametrize("x", [Fraction(1, 100), Fraction(1, 3), Fraction(9, 10)])
def test_tails_with_whole_shapes_are_binomial_sums(a, b, x):
    # DLMF 8.17.5: I_x(a, b) is the probability of at least a successes in a + b - 1 trials.
    trials = a + b - 1
    terms = [math.comb(trials, k) * x**k * (1 - x) ** (trials - k) for k in range(trials + 1)]
    lower, upper = log_tails(a, b, float(x))
    assert math.exp(lower) == pytest.approx(float(sum(terms[a:])), rel=1e-9, abs=1e-300)
    assert math.exp(upper) == pytest.approx(float(sum(terms[:a])), rel=1e-9, abs=1e-300)


def test_tails_beyond_the_ends_are_all_or_nothing():
    assert log_tails(2, 3, 0.0) == (-math.inf, 0.0)
    assert log_tails(2, 3, 1.0) == (0.0, -math.inf)


def test_log_beta_of_whole_numbers_is_of_factorials():
    assert log_beta(3, 4) == pytest.approx(math.log(2 * 6 / 720))
