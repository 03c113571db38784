"""A limit on how long a piece of our own work may take, for work whose size somebody else chose."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truegreen.errors import TimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def at_most(seconds_s: float, what: str) -> Iterator[None]:
    """Stop what runs inside after a time; only in the main thread, and not one inside the other.

    Args:
        seconds_s: on the wall clock.
        what: for the message.

    Raises:
        TimedOut: it took longer.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimedOut(f"{what} took longer than {seconds_s:g} s", fix="make it smaller, or look why it is so large")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
