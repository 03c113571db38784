"""What a thread is doing: whether it is at work on something of the project, and whether by itself."""

from __future__ import annotations

import functools
import os
import queue
import sys
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType, FrameType

_LIBRARY = tuple(
    f"{os.path.realpath(place)}{os.sep}"
    for place in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), Path(__file__).parent)
)
_INSTALLED = ("site-packages", "dist-packages")
# As they are before anybody replaces them.
_threads, _frames = threading.enumerate, sys._current_frames  # noqa: SLF001 - the one way there is
_Dummy: Any = getattr(threading, "_DummyThread", ())


class Threads:
    """The threads of this process.

    At rest is a worker of a pool without a job, and one that takes jobs from a queue. One in which no function of the
    project runs belongs to a library, such as one that keeps a connection alive.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._frames: dict[int, FrameType] = {}

    def all(self) -> list[threading.Thread]:
        """Return all that Python started."""
        return [thread for thread in _threads() if not isinstance(thread, _Dummy)]

    def look(self) -> None:
        """Take the stack of each thread."""
        self._frames = _frames()

    def alive(self, one: threading.Thread) -> bool:
        """Return whether a thread did not end yet."""
        return one.is_alive()

    def name(self, one: threading.Thread) -> str:
        """Return the name of a thread."""
        return one.name

    def works(self, one: threading.Thread) -> str:
        """Return a thread in words if a function of the project was at work in it."""
        innermost = self._innermost(one)
        if innermost is not None and _takes_from_a_queue(innermost):
            return ""
        code = _project_code(one, innermost)
        if code is None:
            return ""
        return f"thread {one.name} ({self._relative(code.co_filename)}:{code.co_firstlineno} {code.co_name})"

    def by_itself(self, one: threading.Thread) -> bool:
        """Return whether the project's function ran, slept, or waited for a moment or a lock.

        One that waits inside a library, such as a server for its next request, goes on when somebody wants something.
        """
        innermost = self._innermost(one)
        frame = _outside_threading(innermost)
        if frame is None:
            return innermost is None or isinstance(one, threading.Timer)
        return _own(frame.f_code.co_filename)

    def ran(self, one: threading.Thread) -> str:
        """Return how long and how often a thread ran so far; nothing where the system does not tell that."""
        try:
            return Path(f"/proc/self/task/{one.native_id}/schedstat").read_text(encoding="ascii")
        except OSError:
            return ""

    def _innermost(self, one: threading.Thread) -> FrameType | None:
        return self._frames.get(one.ident or 0)

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


def _outside_threading(frame: FrameType | None) -> FrameType | None:
    while frame is not None and frame.f_code.co_filename == threading.__file__:
        frame = frame.f_back
    return frame
