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


def test_exceptions_of_the_script_fail_and_are_listed():
    verdict = judged(load(exceptions=38, errors=("38 x exception: balance is 2",)))
    assert (verdict.status, verdict.reason) == (
        Status.FAIL,
        "38 iterations of the load script raised an exception",
    )
    assert verdict.items[0].message == "38 x exception: balance is 2"


def test_exceptions_and_failures_are_measured_together():
    figures = load(exceptions=30, failures=30)
    assert judged(figures, max_error_ratio=0.01).status is Status.FAIL
    assert judged(figures, max_error_ratio=0.02).status is Status.PASS
    assert judged(figures, max_error_ratio=0.02).reason.endswith("60 errors")


def test_threshold_of_the_script_that_was_crossed_fails():
    verdict = judged(load(crossed=("http_req_duration: p(95)<5",)), max_error_ratio=1.0)
    assert verdict.status is Status.FAIL
    assert "http_req_duration: p(95)<5" in verdict.reason


def test_exceptions_without_a_request_are_shown_in_the_blind_verdict():
    verdict = judged(load(requests=0, rps=0.0, exceptions=5, errors=("5 x exception",)))
    assert verdict.status is Status.BLIND
    assert verdict.items[0].message == "5 x exception"


def test_errors_of_the_tool_are_listed_first():
    assert judged(load(failures=9, errors=("9 x 502",))).items[0].message == "9 x 502"
