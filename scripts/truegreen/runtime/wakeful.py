"""A signal that comes in the moment in which the main thread begins to wait is heard all the same.

Python notes a signal and acts on it between two of its own steps. One that comes after the last step before a wait
(for a lock, for a child) is noted, and the wait goes on until it ends by itself or until the next signal: Ctrl-C, and
nothing happens. So somebody listens for what was noted, and wakes the main thread where nobody has acted.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_ACTS_WITHIN_S = 0.2
"""Longer than Python's steps take on a busy machine; too short costs a second signal, which changes nothing."""


def listen(signals: Collection[int], heard: Callable[[], bool]) -> None:
    """Wake the main thread, as often as it takes, when one of these signals is noted and not heard.

    To be called by the main thread. What wakes it is the same signal again.

    Args:
        signals: those with a handler of ours.
        heard: whether the handler of any of them has run of late.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    main = threading.main_thread().ident or 0

    def wake() -> None:
        while came := os.read(reading, 1):
            time.sleep(_ACTS_WITHIN_S)
            if came[0] in signals and not heard():
                signal.pthread_kill(main, came[0])

    threading.Thread(target=wake, name="signals", daemon=True).start()
