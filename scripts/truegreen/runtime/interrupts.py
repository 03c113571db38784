"""Signals that end us, and what they must not break off.

The first signal becomes one KeyboardInterrupt, and further ones of the next seconds are not heard. While something is
stopped and removed the first one is held: raised there, it would leave a server to nobody. Who still waits after those
seconds sends another one, which is never held.
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
STOPPING_S = 15.0
"""How long the first signal is left to stop everything: who cancels a job sends a second one after some seconds."""
_T = TypeVar("_T")


class _State:
    """What came so far; signals are the process's, and only the main thread handles them."""

    last_s: float | None = None
    """When the last signal was heard."""
    holds: int = 0
    """How many parts of the program, one within the other, hold the first signal."""
    waits: bool = False
    """Whether the first signal is held."""


def forget() -> None:
    """Begin anew: no signal has come."""
    _State.last_s, _State.holds, _State.waits = None, 0, False


def interrupt(signum: int, frame: object) -> None:
    """Turn a signal into one orderly end, which further ones of the next seconds do not disturb.

    They are not ignored for ever: an interrupt may get lost where Python cannot raise it, as in a destructor.
    """
    del signum, frame
    if stopping():
        return
    first, _State.last_s = _State.last_s is None, time.monotonic()
    atexit.register(be_deaf)
    _State.waits = first and _State.holds > 0
    if not _State.waits:
        raise KeyboardInterrupt


def stopping() -> bool:
    """Return whether a signal is about to end us."""
    return _State.last_s is not None and time.monotonic() - _State.last_s < STOPPING_S


def be_deaf() -> None:
    """Keep the exit code when one more signal comes in our last moment, in which Python has no handlers any more."""
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold the first signal to the end of this; another one, after `STOPPING_S`, ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    _State.holds += 1
    try:
        yield
    finally:
        _State.holds -= 1
        if _State.waits and not _State.holds:
            _State.waits = False
            raise KeyboardInterrupt


def undisturbed(action: Callable[[], _T]) -> _T:
    """Do what must be done, though the first signal comes while it is done, or in the moment before."""
    begun = False
    try:
        with held():
            begun = True
            return action()
    except KeyboardInterrupt:
        if not begun:  # further signals are not heard now
            action()
        raise
