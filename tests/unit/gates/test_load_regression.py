"""load-regression: against earlier load tests of the default branch."""

from __future__ import annotations

import pytest
from tests.support import evidence as good
from tests.support.evidence import load, record, stage

from truegreen.analysis import kept_load
from truegreen.gates.load_regression import LoadRegression, LoadRegressionOptions
from truegreen.model.history import History, PastLoad
from truegreen.model.load import Endpoint
from truegreen.model.verdict import Status


def judged(figures=None, past=None, environment=good.ENVIRONMENT, **options):
    part = stage("performance", load=figures or load(), records=(record("performance", environment=environment),))
    history = History(loads=good.steady_loads() if past is None else past)
    return LoadRegression().evaluate(good.run(part), "performance", LoadRegressionOptions(**options), history)


def kinds(**p95_ms):
    return tuple(Endpoint(name=name, requests=9, failures=0, p95_ms=value) for name, value in p95_ms.items())


def test_load_like_the_earlier_ones_passes_and_says_with_how_many_it_was_compared():
    verdict = judged()
    assert (verdict.status, verdict.reason) == (
        Status.PASS,
        "p95 21 ms and 166 requests a second, no worse than 20 earlier runs",
    )
    assert {fact.label: fact.value for fact in verdict.facts} == {
        "earlier runs": "20",
        "kinds of requests compared": "1",
        "p95": "21 ms",
        "requests a second": "166.0",
    }


@pytest.mark.parametrize(
    ("figures", "reason", "title"),
    [
        ({"p95_ms": 50.0}, "p95 of all requests 21 to 50 ms", "p95 of all requests"),
        ({"rps": 80.0}, "time for a request 166.0 to 80.0 a second", "requests a second"),
        ({"endpoints": kinds(**{"POST /operations": 90.0})}, "POST /operations 21 to 90 ms", "POST /operations"),
    ],
)
def test_figure_that_became_worse_fails_with_before_and_now(figures, reason, title):
    verdict = judged(load(**figures))
    assert (verdict.status, verdict.reason) == (Status.FAIL, f"slower than 20 earlier runs: {reason}")
    assert [(item.title, item.level) for item in verdict.items] == [(title, "warning")]
    assert verdict.remedy


def test_figure_that_became_better_passes():
    assert judged(load(p95_ms=2.0, rps=900.0)).status is Status.PASS


@pytest.mark.parametrize("now", [{}, {"GET /new": 3.0}, {"POST /operations": 0.0}, {"POST /operations": float("inf")}])
def test_kind_of_request_that_is_not_measured_any_more_fails(now):
    verdict = judged(load(endpoints=kinds(**now)))
    assert verdict.status is Status.FAIL
    assert verdict.reason == "1 kind of requests not measured any more: POST /operations"
    assert [(item.title, item.message) for item in verdict.items] == [("POST /operations", "not measured")]
    past = (*good.steady_loads(18), *good.steady_loads(1, endpoints_p95_ms={}), *good.steady_loads(1))
    assert judged(load(endpoints=kinds(**now)), past).status is Status.PASS


def test_slow_down_below_the_least_step_or_ratio_does_not_matter():
    assert judged(load(p95_ms=25.9)).status is Status.PASS
    assert judged(load(p95_ms=25.9), min_ms=1.0).status is Status.FAIL
    assert judged(load(p95_ms=25.9), min_ms=1.0, min_ratio=1.3).status is Status.PASS


def test_new_kind_of_request_is_counted_and_not_judged():
    verdict = judged(load(endpoints=kinds(**{"POST /operations": 21.0, "GET /new": 900.0})))
    assert verdict.status is Status.PASS
    assert {fact.label: fact.value for fact in verdict.facts}["kinds of requests compared"] == (
        "1, 1 with too few runs"
    )


@pytest.mark.parametrize(
    ("past", "said"),
    [
        ((), "19 more runs of the default branch in this environment needed"),
        (good.steady_loads(18), "1 more run of the default branch"),
        (good.steady_loads(20, environment="other"), "(20 runs of another left out)"),
        (good.steady_loads(20, tool="k6"), "19 more runs"),
        (good.steady_loads(20, stage="e2e"), "19 more runs"),
    ],
)
def test_too_few_runs_that_can_be_compared_are_inconclusive(past, said):
    verdict = judged(load(p95_ms=900.0), past)
    assert verdict.status is Status.SKIPPED
    assert said in verdict.reason


def test_unknown_environment_is_inconclusive():
    verdict = judged(environment="")
    assert (verdict.status, verdict.reason) == (
        Status.SKIPPED,
        "inconclusive: nothing says in which environment the load test ran",
    )


@pytest.mark.parametrize("figures", [{"rps": 0.0}, {"p95_ms": float("nan")}, {"requests": 0}, {"rps": float("inf")}])
def test_figures_that_cannot_be_compared_are_blind(figures):
    assert judged(load(**figures)).status is Status.BLIND


def test_one_slow_run_among_noisy_ones_is_no_regression():
    past = tuple(good.steady_loads(1, p95_ms=21.0 + 9 * (n % 5))[0] for n in range(20))
    assert judged(load(p95_ms=56.0), past).status is Status.PASS


def test_what_is_kept_is_given_back_and_anything_else_refused():
    kept = kept_load.of([stage("performance")], ["performance"])
    assert kept == good.steady_loads(1)
    assert kept_load.unpacked(kept_load.packed(kept)) == kept
    for data in (b"", b"{", b"{}", b'[{"stage":"a","tool":"b","environment":"","rps":-1,"p95_ms":2}]', b"\xff"):
        with pytest.raises(ValueError, match=r"JSON|Input|Expected|codec"):
            kept_load.unpacked(data)


def test_script_with_a_name_for_each_request_keeps_no_kinds():
    many = tuple(Endpoint(name=f"GET /{n}", requests=1, failures=0, p95_ms=1.0) for n in range(501))
    (kept,) = kept_load.of([stage("performance", load=load(endpoints=many))], ["performance"])
    assert isinstance(kept, PastLoad)
    assert kept.endpoints_p95_ms == {}


def test_stage_that_failed_or_cannot_be_compared_is_not_kept():
    assert kept_load.of([stage("performance")], []) == ()
    assert kept_load.of([stage("performance", load=load(rps=0.0))], ["performance"]) == ()
