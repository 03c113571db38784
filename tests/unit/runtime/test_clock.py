"""The clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from truegreen.runtime.clock import Clock


def test_now_is_the_present_in_utc():
    before = datetime.now(UTC)
    now = Clock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset().total_seconds() == 0


def test_iso_is_seconds_in_utc():
    class Stopped(Clock):
        def now(self):
            return datetime(2026, 11, 21, 7, 0, 9, 999_999, tzinfo=UTC)

    assert Stopped().iso() == "2026-11-21T07:00:09Z"


def test_sleep_takes_as_long_as_it_says():
    clock = Clock()
    start, real = clock.monotonic(), time.monotonic()
    clock.sleep(0.05)
    assert clock.monotonic() - start >= 0.05
    assert time.monotonic() - real >= 0.05
