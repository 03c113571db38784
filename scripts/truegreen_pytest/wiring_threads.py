"""Threads that roots started and that go on: they are named, and nobody waits for them when the tests are done."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import thread as pools
from typing import Mapping

import pytest

PATIENCE_S = 3.0
"""How long threads may go on after the last test, when everything is written."""


def living() -> set[threading.Thread]:
    """Return the threads for which the interpreter waits at its end; those of pools end by themselves."""
    pooled: Mapping[threading.Thread, object] = getattr(pools, "_threads_queues", {})
    return {
        one
        for one in threading.enumerate()
        if one.is_alive() and not one.daemon and one is not threading.main_thread() and one not in pooled
    }


class Threads:
    """Watches which root started which thread; ends the process where one of them would keep it for ever."""

    def __init__(self) -> None:
        self._of: dict[threading.Thread, str] = {}

    def started(self, root: str, before: set[threading.Thread]) -> list[str]:
        """Return the names of the threads that a root has started and that go on."""
        new = living() - before
        self._of.update(dict.fromkeys(new, root))
        return sorted(one.name for one in new)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Watch the end of the process where it may never come."""
        if any(one.is_alive() for one in self._of):
            threading.Thread(target=self._end, args=(session,), daemon=True).start()

    def _end(self, session: pytest.Session) -> None:
        """Wait until nothing but threads keeps the process, and then a while; it ends with pytest's own status."""
        threading.main_thread().join()
        time.sleep(PATIENCE_S)
        left = [f"{one.name} (started by {root})" for one, root in self._of.items() if one.is_alive()]
        if left:
            line = (
                f"truegreen: not waited for: {', '.join(left)}; make it a daemon, or end it when the factory is closed"
            )
            os.write(2, f"{line}\n".encode(errors="replace"))
            sys.stdout.flush()
            os._exit(int(session.exitstatus))
