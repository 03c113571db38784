"""Threads that the call of a test leaves at work: what one writes while a later test runs would be taken for its own.

Nothing tells which thread of a process wrote a row. So the next test is kept waiting a moment for their end; of one
that goes on for longer, the tests are named in which it was at work by itself.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import CodeType, FrameType

_LIBRARY = tuple(
    f"{os.path.realpath(place)}{os.sep}"
    for place in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parent)
)
_INSTALLED = ("site-packages", "dist-packages")
# As they are before anybody replaces them.
_threads, _frames, _sleep = threading.enumerate, sys._current_frames, time.sleep  # noqa: SLF001 - the one way there is
_Dummy: Any = getattr(threading, "_DummyThread", ())
_POLL_S, _POLLS, _POLLS_OF_ALL = 0.01, 100, 1000
"""The next test waits at most so many times for what one test left, and all tests together."""
_LENGTH = 200


class Left:
    """A thread that was started while a test was called, and did not end with it."""

    def __init__(self, thread: threading.Thread, test: str) -> None:
        self.thread = thread
        self.test = test
        self.waited = False
        self.place = ""
        """The project's function that it runs, as far as it was seen."""

    def __str__(self) -> str:
        return f"thread {self.thread.name} ({self.place}), which {self.test} left running"[:_LENGTH]


class Lingering:
    """Knows which threads a test left behind, and whether one was at work while a later test was called.

    Threads that a fixture starts are its own, however long they live. A thread at rest is harmless: a worker of a pool,
    or one that takes jobs from a queue, does nothing that nobody asks it for. One in which no function of the project
    runs belongs to a library, such as one that keeps a connection alive.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[threading.Thread] = set()
        """Threads that belong to no test's call."""
        self._left: dict[threading.Thread, Left] = {}
        self._watched: list[tuple[Left, bool, str]] = []
        """Who is at work while a test is called, whether by itself, and how much it had run before."""
        self._last = ""
        """The test that was called last."""
        self._polls = _POLLS_OF_ALL

    def started_by_fixture(self, before: Collection[threading.Thread]) -> None:
        """Take threads that a fixture started as its own."""
        self._known.update(thread for thread in _threads() if thread not in before)

    def begin(self) -> None:
        """See who is at work before the test itself begins."""
        alive = _threads()
        self._left = {thread: left for thread, left in self._left.items() if thread.is_alive()}
        if self._left:  # a thread may have started another one, as a repeated timer does
            self._take(alive, self._last)
        self._known = {thread for thread in alive if thread not in self._left}
        self._watched = []
        frames = _frames() if self._left else {}
        for left in self._left.values():
            if self._works(left, frames):
                by_itself = _by_itself(left.thread, frames.get(left.thread.ident or 0))
                self._watched.append((left, by_itself, _ran(left.thread)))

    def end(self, test: str) -> None:
        """See whom the call of a test left behind."""
        self._last = test
        self._take(_threads(), test)

    def meanwhile(self) -> list[dict[str, str]]:
        """Return the threads of earlier tests that were at work since `begin`: the name of each, and what it did."""
        found = []
        for left, by_itself, before in self._watched:
            if not left.thread.is_alive():
                found.append({"thread": left.thread.name, "what": f"{left}, came to its end meanwhile"})
            elif by_itself and (not before or _ran(left.thread) != before):
                found.append({"thread": left.thread.name, "what": f"{left}, was at work meanwhile"})
        self._watched = []
        return found

    def wait(self) -> list[str]:
        """Wait a moment for the end of what is at work; returns what goes on, in words.

        Polls are counted and no clock is read: a test may have stopped that.
        """
        for _ in range(min(_POLLS, self._polls)):
            if not self._fresh():
                break
            self._polls -= 1
            _sleep(_POLL_S)
        fresh = self._fresh()
        for left in self._left.values():
            left.waited = True
        return [str(left) for left in fresh]

    def _fresh(self) -> list[Left]:
        """Return the threads at work for which nobody waited yet, also those that another one started since."""
        if not self._left:
            return []
        self._take(_threads(), self._last)
        frames = _frames()
        return [left for left in self._left.values() if not left.waited and self._works(left, frames)]

    def _take(self, alive: list[threading.Thread], test: str) -> None:
        for thread in alive:
            if thread not in self._known and thread not in self._left and not isinstance(thread, _Dummy):
                self._left[thread] = Left(thread, test)

    def _works(self, left: Left, frames: dict[int, FrameType]) -> bool:
        """Return whether a thread is at work on something of the project."""
        if not left.thread.is_alive():
            return False
        innermost = frames.get(left.thread.ident or 0)
        if innermost is not None and _takes_from_a_queue(innermost):
            return False
        code = _project_code(left.thread, innermost)
        if code is None:
            return False
        left.place = left.place or f"{self._relative(code.co_filename)}:{code.co_firstlineno} {code.co_name}"
        return True

    def _relative(self, path: str) -> str:
        try:
            return Path(path).relative_to(self._root).as_posix()
        except ValueError:
            return path


def _project_code(thread: threading.Thread, innermost: FrameType | None) -> CodeType | None:
    """Return the project's function with which a thread began what it does; None where there is none."""
    found, frame = None, innermost
    while frame is not None:
        if _own(frame.f_code.co_filename):
            found = frame.f_code
        frame = frame.f_back
    if found is None and isinstance(thread, threading.Timer):
        found = _code(thread.function)
    if found is None and innermost is None:  # it has not begun yet
        found = _code(getattr(thread, "_target", None))
    return found if found is not None and _own(found.co_filename) else None


def _code(function: Any) -> CodeType | None:
    while isinstance(function, functools.partial):
        function = function.func
    code: CodeType | None = getattr(getattr(function, "__func__", function), "__code__", None)
    return code


@functools.lru_cache(maxsize=4096)
def _own(path: str) -> bool:
    """Return whether a file is the project's: of no library, and no code without a file."""
    if path.startswith("<"):
        return False
    real = os.path.realpath(path)
    return not real.startswith(_LIBRARY) and not any(part in _INSTALLED for part in Path(real).parts)


def _takes_from_a_queue(innermost: FrameType) -> bool:
    """Return whether a thread waits for a job that somebody has to put into a queue."""
    frame = _outside_threading(innermost)
    return frame is not None and frame.f_code.co_filename == queue.__file__


def _by_itself(thread: threading.Thread, innermost: FrameType | None) -> bool:
    """Return whether a thread goes on without anything from outside: the project's function runs, sleeps, or waits.

    One that waits inside a library, such as a server for its next request, goes on when somebody asks for something.
    """
    frame = _outside_threading(innermost)
    if frame is None:
        return innermost is None or isinstance(thread, threading.Timer)
    return _own(frame.f_code.co_filename)


def _outside_threading(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename == threading.__file__:
        frame = frame.f_back
    return frame


def _ran(thread: threading.Thread) -> str:
    """Return how long and how often a thread ran so far; nothing where the system does not tell that."""
    try:
        return Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text(encoding="ascii")
    except OSError:
        return ""
