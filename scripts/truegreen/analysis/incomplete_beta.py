"""The regularised incomplete beta function, in logarithms: its tails are far below what a float can hold."""

from __future__ import annotations

import math

_TINY = 1e-300
_PRECISION = 1e-15
_TERMS_MAX = 10_000


def log_beta(a: float, b: float) -> float:
    """Return the logarithm of Euler's beta function (DLMF 5.12.1); both arguments are above 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_tails(a: float, b: float, x: float) -> tuple[float, float]:
    """Return the logarithms of I_x(a, b) and of 1 - I_x(a, b).

    These are the probabilities that a Beta(a, b) variable lies below, and above, x. The continued fraction is
    DLMF 8.17.22, summed by the modified Lentz algorithm; it converges fast on one side of the mean, and the
    symmetry I_x(a, b) = 1 - I_{1-x}(b, a) (DLMF 8.17.4) gives the other side.

    Args:
        a: first shape, above 0.
        b: second shape, above 0.
        x: the point, 0 to 1.
    """
    if x <= 0:
        return -math.inf, 0.0
    if x >= 1:
        return 0.0, -math.inf
    if x < (a + 1) / (a + b + 2):
        small = min(_log_fraction(a, b, x), 0.0)
        return small, _log_complement(small)
    small = min(_log_fraction(b, a, 1 - x), 0.0)
    return _log_complement(small), small


def _log_complement(log_p: float) -> float:
    """Return log(1 - p) from log(p)."""
    return math.log(-math.expm1(log_p)) if log_p < 0 else -math.inf


def _log_fraction(a: float, b: float, x: float) -> float:
    """Return log I_x(a, b) by the continued fraction, for x below about the mean."""
    front = a * math.log(x) + b * math.log1p(-x) - math.log(a) - log_beta(a, b)
    value, upper, lower = 1.0, 1.0, 0.0
    for m in range(_TERMS_MAX):
        # DLMF 8.17.23 has one coefficient for odd terms and one for even ones, of which term 0 has none.
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)) if m else 0.0
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for step in (even, odd) if m else (odd,):
            lower = 1 + step * lower
            lower = 1 / (lower if abs(lower) > _TINY else _TINY)
            upper = 1 + step / upper
            upper = upper if abs(upper) > _TINY else _TINY
            change = upper * lower
            value *= change
        if abs(change - 1) < _PRECISION:
            break
    return front - math.log(value)
