"""What a process is doing that a test started: whether it is there, and whether it goes on by itself."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from typing import Any

_LENGTH = 60
_MANY = 32
_open = open  # as it is before anybody replaces it


class Child:
    """One process, without a hold on the object that stands for it in the project."""

    def __init__(self, pid: int, name: str) -> None:
        self.pid = pid
        self.name = name[:_LENGTH]
        self.born = self._fields()[1]

    def state(self) -> str:
        """Return the letter of its state; nothing where it is gone, and another one perhaps has its number."""
        state, born = self._fields()
        return state if born == self.born else ""

    def read(self, name: str) -> str:
        """Return what the system says; nothing where it says nothing."""
        try:
            with _open(f"/proc/{self.pid}/{name}", encoding="ascii", errors="replace") as stream:
                return stream.read()
        except OSError:
            return ""

    def _fields(self) -> tuple[str, str]:
        fields = self.read("stat").rpartition(")")[2].split()
        return (fields[0], fields[19]) if len(fields) > 19 else ("", "")  # noqa: PLR2004 - see proc(5)


class Processes:
    """The children of this process that `subprocess`, and with it `asyncio`, or `multiprocessing` started.

    What waits for input, such as a server for its next request, goes on when somebody asks for something. Nobody is
    asked whether a process ended: who asks takes its exit code away from the project.
    """

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._many = _MANY
        self._restore: Any = None

    def open(self) -> None:
        """Notice each process that `subprocess` starts."""
        original: Any = subprocess.Popen.__init__
        children = self._children

        @functools.wraps(original)
        def start(own: Any, *args: Any, **options: Any) -> None:
            original(own, *args, **options)
            with contextlib.suppress(Exception):  # a test may have replaced what is inside; it must not break by us
                children[own.pid] = Child(own.pid, _words(own.args))

        _put(start)
        self._restore = functools.partial(_put_back, start, original)

    def close(self) -> None:
        """Leave `subprocess` as it was."""
        if self._restore is not None:
            self._restore()
            self._restore = None

    def all(self) -> list[Child]:
        """Return those that were started, also some that ended."""
        module = sys.modules.get("multiprocessing.process")
        for process in tuple(getattr(module, "_children", ())):
            # All else of it asks whether it ended.
            pid = getattr(getattr(process, "_popen", None), "pid", None)
            if isinstance(pid, int) and pid not in self._children:
                self._children[pid] = Child(pid, process.name)
        if len(self._children) > self._many:
            for child in tuple(self._children.values()):
                if not self.alive(child):
                    self._children.pop(child.pid, None)
            self._many = max(_MANY, 2 * len(self._children))
        return list(self._children.values())

    def look(self) -> None:
        """Do nothing: each is looked at when it is asked about."""

    def alive(self, one: Child) -> bool:
        """Return whether a process is there, and no mere entry of one that ended."""
        return one.state() not in ("", "Z", "X")

    def name(self, one: Child) -> str:
        """Return the name of a process."""
        return one.name

    def works(self, one: Child) -> str:
        """Return a process in words: what it does is its own business, so any may be at work."""
        return f"process {one.pid} ({one.name})"

    def by_itself(self, one: Child) -> bool:
        """Return whether it runs, or its first thread sleeps until a moment comes."""
        return one.state() == "R" or "nanosleep" in one.read("wchan")

    def ran(self, one: Child) -> str:
        """Return how long and how often its first thread ran so far; nothing where the system does not tell that."""
        return one.read("schedstat")


def _words(arguments: Any) -> str:
    if isinstance(arguments, (str, bytes, os.PathLike)):
        return os.fsdecode(arguments)
    return " ".join(os.fsdecode(word) for word in arguments)


def _put(start: Any) -> None:
    setattr(subprocess.Popen, "__init__", start)  # noqa: B010 - its type has overloads


def _put_back(ours: Any, original: Any) -> None:
    if subprocess.Popen.__init__ is ours:  # else somebody put something around it since
        _put(original)
