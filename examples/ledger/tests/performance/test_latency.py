"""One cheap check beside the load test."""

import os
import time

import httpx
import pytest

pytestmark = pytest.mark.performance


def test_health_answers_within_100_ms():
    with httpx.Client(
        base_url=os.environ.get("LEDGER_BASE_URL", "http://127.0.0.1:8080"), timeout=5
    ) as client:
        client.get("/healthz")
        start = time.perf_counter()
        assert client.get("/healthz").status_code == 200
        assert time.perf_counter() - start < 0.1
