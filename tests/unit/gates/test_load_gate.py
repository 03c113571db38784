"""load: rate, errors, percentile."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import load, stage

from truegreen.gates.load import Load, LoadOptions
from truegreen.model.verdict import Status


def judged(figures, **options):
    run = good.run(stage("performance", load=figures))
    return Load().evaluate(run, "performance", LoadOptions(**options), good.NO_HISTORY)


def test_enough_requests_fast_enough_without_errors_passes():
    assert judged(load()).reason == "166 requests a second, p95 21 ms, 0 errors"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rps": 99.9}, "99.9 requests a second, 100 are asked for"),
        ({"failures": 1}, "1 of 5,000 requests failed (0.02%)"),
        ({"p95_ms": 501.0}, "p95 is 501 ms, at most 500 ms is allowed"),
    ],
)
def test_figure_beyond_its_threshold_fails(change, reason):
    verdict = judged(load(**change))
    assert (verdict.status, verdict.reason) == (Status.FAIL, reason)
    assert verdict.items[-1].title == "POST /operations"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"requests": 0, "rps": 0.0}, "sent no request"),
        ({"requests": 999}, "999 requests carry no verdict"),
        ({"rps": float("nan")}, "not a number"),
        ({"p95_ms": float("inf")}, "not a number"),
        ({"p95_ms": 0.0}, "no rate or no times"),
        ({"rps": 0.0}, "no rate or no times"),
        ({"failures": 5001}, "more failures than requests"),
        ({"failures": -1}, "more failures than requests"),
    ],
)
def test_figures_that_carry_no_verdict_are_blind(change, reason):
    verdict = judged(load(**change))
    assert verdict.status is Status.BLIND
    assert reason in verdict.reason


def test_no_load_test_is_blind():
    assert judged(None).status is Status.BLIND


def test_percentile_of_zero_is_not_judged():
    assert judged(load(p95_ms=9000.0), p95_ms=0).status is Status.PASS


def test_errors_of_the_tool_are_listed_first():
    assert judged(load(failures=9, errors=("9 x 502",))).items[0].message == "9 x 502"
