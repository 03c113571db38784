"""The outcome of a test from its attempts."""

from __future__ import annotations

import pytest
from tests.support.evidence import ERROR, FAIL, PASS, SKIP

from truegreen.analysis.attempts import decided


@pytest.mark.parametrize(
    ("attempts", "outcome"),
    [
        ((PASS,), PASS),
        ((SKIP,), SKIP),
        ((FAIL, PASS), PASS),
        ((PASS, FAIL), FAIL),
        ((FAIL, SKIP), FAIL),
        ((ERROR, SKIP, SKIP), ERROR),
        ((FAIL, SKIP, PASS), PASS),
        ((PASS, SKIP), SKIP),
        ((FAIL, PASS, SKIP), SKIP),
    ],
)
def test_last_attempt_decides_except_that_a_skip_mends_no_failure(attempts, outcome):
    assert decided(attempts) is outcome


def test_test_without_an_attempt_has_no_outcome():
    with pytest.raises(ValueError, match="without an attempt"):
        decided(())
