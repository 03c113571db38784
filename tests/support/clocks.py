"""A clock that waits without waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from truegreen.runtime.clock import Clock


class QuickClock(Clock):
    """Real time, except that waiting moves the hands instead; `slept` tells how long each wait was."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return super().monotonic() + sum(self.slept)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sum(self.slept))

    def sleep(self, seconds_s: float) -> None:
        self.slept.append(seconds_s)
