"""The only place that asks for the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Real time; tests pass a subclass."""

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def iso(self) -> str:
        """Return the present moment as ISO 8601 with seconds, such as `2026-11-21T07:00:00Z`."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def sleep(self, seconds_s: float) -> None:
        """Wait."""
        time.sleep(seconds_s)
