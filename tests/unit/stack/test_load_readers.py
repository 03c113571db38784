"""Readers of Locust and k6: right figures, and no guess at wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from truegreen.errors import EvidenceMissing, EvidenceUnreadable
from truegreen.ingest.k6 import K6Reader
from truegreen.ingest.locust import LocustReader, percentile


def row(**changes: Any) -> dict[str, Any]:
    values = {
        "name": "/operations",
        "method": "POST",
        "start_time": 1000.0,
        "last_request_timestamp": 1004.0,
        "num_requests": 100,
        "num_none_requests": 0,
        "num_failures": 0,
        "response_times": {"10": 90, "50": 9, "200": 1},
        "total_response_time": 1.5,
    }
    return {**values, **changes}


def locust(folder: Path, *rows: dict[str, Any], **changes: Any) -> Path:
    run = {"schema_version": 1, "version": "2.44.4", "run_time_s": 5.0, "stats": list(rows), "failures": []}
    run["exceptions"] = []
    path = folder / "locust.json"
    path.write_text(json.dumps({**run, **changes}))
    return path


def k6(folder: Path, **metrics: Any) -> Path:
    usual = {
        "http_reqs": {"count": 200, "rate": 100.0},
        "http_req_failed": {"passes": 0, "fails": 200, "value": 0},
        "http_req_duration": {"med": 4.0, "p(50)": 4.0, "p(95)": 9.0, "p(99)": 12.0},
    }
    path = folder / "k6.json"
    path.write_text(json.dumps({"metrics": {**usual, **metrics}, "root_group": {"groups": {}, "checks": {}}}))
    return path


def test_locust_run_gives_rate_over_the_whole_run_time(tmp_path: Path) -> None:
    result = LocustReader().read(locust(tmp_path, row()), tmp_path)
    assert (result.requests, result.failures, result.duration_s, result.rps) == (100, 0, 5.0, 20.0)
    assert (result.p50_ms, result.p95_ms, result.p99_ms) == (10.0, 50.0, 50.0)
    assert result.endpoints[0].name == "POST /operations"


def test_locust_run_that_lasted_longer_counts_its_real_length(tmp_path: Path) -> None:
    result = LocustReader().read(locust(tmp_path, row(last_request_timestamp=1010.0)), tmp_path)
    assert (result.duration_s, result.rps) == (10.0, 10.0)


def test_locust_percentiles_are_over_all_endpoints(tmp_path: Path) -> None:
    slow = row(name="/slow", num_requests=100, response_times={"900": 100})
    result = LocustReader().read(locust(tmp_path, row(), slow), tmp_path)
    assert (result.requests, result.p50_ms, result.p95_ms) == (200, 200.0, 900.0)


def test_locust_failures_and_their_texts_are_kept(tmp_path: Path) -> None:
    failures = [{"method": "POST", "name": "/operations", "error": "HTTPError('500')", "occurrences": 3}]
    result = LocustReader().read(locust(tmp_path, row(num_failures=4), failures=failures), tmp_path)
    assert result.failures == 4
    assert result.errors == ("3 x POST /operations: HTTPError('500')",)


def test_locust_exceptions_are_counted_apart_and_stand_first(tmp_path: Path) -> None:
    exceptions = [
        {"message": "balance is 2", "where": "locustfile.py:7, in read", "occurrences": 38},
        {"message": "", "occurrences": 2},
    ]
    result = LocustReader().read(locust(tmp_path, row(), exceptions=exceptions), tmp_path)
    assert (result.failures, result.exceptions) == (0, 40)
    assert result.errors[0] == "38 x exception in the load script (locustfile.py:7, in read): balance is 2"


@pytest.mark.parametrize("changes", [{"exceptions": None}, {"exceptions": [{"message": "x", "occurrences": 0}]}])
def test_locust_file_that_does_not_speak_of_exceptions_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceUnreadable):
        LocustReader().read(locust(tmp_path, row(), **changes), tmp_path)


def test_locust_without_a_request_is_zero_requests(tmp_path: Path) -> None:
    result = LocustReader().read(locust(tmp_path), tmp_path)
    assert (result.requests, result.rps, result.p95_ms, result.duration_s) == (0, 0.0, 0.0, 5.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_failures": 101},
        {"num_failures": -1},
        {"num_requests": 99},
        {"response_times": {"10": -1, "20": 101}},
        {"response_times": {"nan": 100}},
        {"response_times": {"fast": 100}},
        {"num_requests": "many"},
        {"num_none_requests": -1},
    ],
)
def test_locust_row_that_does_not_add_up_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceUnreadable, match="no Locust run"):
        LocustReader().read(locust(tmp_path, row(**changes)), tmp_path)


@pytest.mark.parametrize("changes", [{"run_time_s": 0}, {"run_time_s": -3.0}, {"schema_version": 2}, {"stats": None}])
def test_locust_file_of_another_shape_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(EvidenceUnreadable):
        LocustReader().read(locust(tmp_path, row(), **changes), tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stats":', '{"stats": ' + "[" * 5000])
def test_truncated_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "load.json"
    path.write_text(text)
    for reader in (LocustReader(), K6Reader()):
        with pytest.raises(EvidenceUnreadable):
            reader.read(path, tmp_path)


def test_missing_file_is_missing_evidence(tmp_path: Path) -> None:
    for reader in (LocustReader(), K6Reader()):
        with pytest.raises(EvidenceMissing):
            reader.read(tmp_path / "none.json", tmp_path)


def test_percentile_of_nothing_is_zero() -> None:
    assert percentile({}, 0.95) == 0.0


def test_k6_summary_gives_the_figures(tmp_path: Path) -> None:
    result = K6Reader().read(k6(tmp_path), tmp_path)
    assert (result.requests, result.failures, result.rps, result.duration_s) == (200, 0, 100.0, 2.0)
    assert (result.p50_ms, result.p95_ms, result.p99_ms) == (4.0, 9.0, 12.0)


def test_k6_counts_passes_of_failed_as_failures(tmp_path: Path) -> None:
    result = K6Reader().read(k6(tmp_path, http_req_failed={"passes": 7, "fails": 193}), tmp_path)
    assert result.failures == 7


def test_k6_failed_check_on_a_good_status_is_a_failure(tmp_path: Path) -> None:
    path = k6(tmp_path, checks={"passes": 195, "fails": 5})
    document = json.loads(path.read_text())
    document["root_group"]["groups"] = {
        "login": {"groups": {}, "checks": {"ok": {"path": "::login::ok", "passes": 195, "fails": 5}}}
    }
    path.write_text(json.dumps(document))
    result = K6Reader().read(path, tmp_path)
    assert result.failures == 5
    assert result.errors == ("5 x check ::login::ok",)


def completed(folder: Path, metrics: dict[str, Any], **more: Any) -> Path:
    path = k6(folder, **metrics)
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    return path


def test_k6_exceptions_are_counted_apart_and_stand_first(tmp_path: Path) -> None:
    exceptions = [{"message": "Error: balance wrong", "occurrences": 20}]
    result = K6Reader().read(completed(tmp_path, {}, exceptions=exceptions), tmp_path)
    assert (result.failures, result.exceptions) == (0, 20)
    assert result.errors[0] == "20 x exception in the load script: Error: balance wrong"


def test_k6_crossed_threshold_of_any_metric_is_named(tmp_path: Path) -> None:
    metrics = {"my_trend": {"avg": 1.0, "thresholds": {"avg<1": True, "avg<9": False}}}
    result = K6Reader().read(completed(tmp_path, metrics, thresholds_crossed=True), tmp_path)
    assert result.crossed == ("my_trend: avg<1",)


def test_k6_threshold_that_only_the_exit_code_tells_of_is_not_lost(tmp_path: Path) -> None:
    result = K6Reader().read(completed(tmp_path, {}, thresholds_crossed=True), tmp_path)
    assert len(result.crossed) == 1


def test_k6_without_a_request_is_zero_requests(tmp_path: Path) -> None:
    result = K6Reader().read(k6(tmp_path, http_reqs={"count": 0, "rate": 0}), tmp_path)
    assert (result.requests, result.rps) == (0, 0.0)


@pytest.mark.parametrize(
    "metrics",
    [
        {"http_reqs": {"count": -1, "rate": 1}},
        {"http_reqs": {"count": 200, "rate": 0}},
        {"http_req_failed": None},
        {"http_req_failed": {"passes": 1, "fails": 3}},
        {"http_req_duration": {"med": 1}},
        {"http_req_duration": None},
    ],
)
def test_k6_summary_that_does_not_add_up_is_refused(tmp_path: Path, metrics: dict[str, Any]) -> None:
    with pytest.raises(EvidenceUnreadable, match="no k6 summary"):
        K6Reader().read(k6(tmp_path, **metrics), tmp_path)


def test_k6_summary_recorded_from_the_real_program_is_read() -> None:
    sample = Path(__file__).parent / "samples" / "k6-1.8.1-summary.json"
    result = K6Reader().read(sample, sample.parent)
    assert (result.requests, result.failures) == (234, 117)
    assert result.p95_ms == pytest.approx(45.097)
