"""What the call of a test leaves at work, and what that writes while another test is called.

Nothing tells which thread or process wrote a row. So the next test is kept waiting a moment for their end; of what goes
on for longer, the tests are named in which it was at work by itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from truegreen_pytest.lingering_processes import Processes
from truegreen_pytest.lingering_threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Protocol

    class Kind(Protocol):
        """What a test can leave behind."""

        def all(self) -> Iterable[Any]:
            """Return all of the kind that there are now."""

        def look(self) -> None:
            """Look at what they are doing."""

        def alive(self, one: Any) -> bool:
            """Return whether one did not end yet."""

        def works(self, one: Any) -> str:
            """Return what one is and does, in words, if it was at work on something of the project when looked at."""

        def by_itself(self, one: Any) -> bool:
            """Return whether it went on then without anything from outside."""

        def ran(self, one: Any) -> str:
            """Return how long and how often it ran so far; nothing where the system does not tell that."""

        def name(self, one: Any) -> str:
            """Return its name."""


_sleep = time.sleep  # as it is before anybody replaces it
_POLL_S, _POLLS, _POLLS_OF_ALL = 0.01, 100, 1000
"""The next test waits at most so many times for what one test left, and all tests together."""
_LENGTH = 200


class Lingering:
    """Knows what tests left behind, and whether it was at work while a later test was called.

    What a fixture starts is its own, however long it lives, and what is at rest does no harm unless somebody asks it.
    """

    def __init__(self, root: Path) -> None:
        self._processes = Processes()
        self._parts = (_Part(Threads(root)), _Part(self._processes))
        self._polls = _POLLS_OF_ALL

    def open(self) -> None:
        """Begin to notice processes."""
        self._processes.open()

    def close(self) -> None:
        """Leave everything as it was."""
        self._processes.close()

    def seen(self) -> Sequence[set[Any]]:
        """Return what there is now."""
        return [set(part.kind.all()) for part in self._parts]

    def started_by_fixture(self, before: Sequence[set[Any]]) -> None:
        """Take what a fixture started as its own: what is new since `seen`."""
        for part, old in zip(self._parts, before, strict=True):
            part.known.update(one for one in part.kind.all() if one not in old)

    def begin(self, *, after_setup: bool = False) -> None:
        """See who is at work before the test itself begins.

        Args:
            after_setup: a set-up that is no fixture ended; what it started is its own.
        """
        for part in self._parts:
            part.begin(after_setup=after_setup)

    def end(self, test: str) -> None:
        """See what the call of a test left behind."""
        for part in self._parts:
            part.end(test)

    def meanwhile(self) -> list[dict[str, str]]:
        """Return what earlier tests left that was at work since `begin`: the name of each, and what it did."""
        return [one for part in self._parts for one in part.meanwhile()]

    def wait(self) -> list[str]:
        """Wait a moment for the end of what is at work; returns what goes on, in words.

        Polls are counted and no clock is read: a test may have stopped that.
        """
        for _ in range(min(_POLLS, self._polls)):
            if not any(part.fresh() for part in self._parts):
                break
            self._polls -= 1
            _sleep(_POLL_S)
        return [str(left) for part in self._parts for left in part.waited()]


class _Left:
    """What was started while a test was called, and did not end with it."""

    def __init__(self, one: Any, test: str) -> None:
        self.one = one
        self.test = test
        self.waited = False
        self.words = ""
        """What it is, as it was first seen at work."""

    def __str__(self) -> str:
        return f"{self.words}, which {self.test} left running"[:_LENGTH]


class _Part:
    """All of one kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.known: set[Any] = set()
        """Those that belong to no test's call."""
        self._left: dict[Any, _Left] = {}
        self._watched: list[tuple[_Left, bool, str]] = []
        """Who is at work while a test is called, whether by itself, and how much it had run before."""
        self._last = ""
        """The test that was called last."""

    def begin(self, *, after_setup: bool) -> None:
        if after_setup:
            self.known.update(one for one in self.kind.all() if one not in self._left)
        self._watched = []
        self._left = {one: left for one, left in self._left.items() if self.kind.alive(one)}
        if not self._left:
            self.known = set(self.kind.all())
            return
        self._take(self._last)  # a thread may have started another one, as a repeated timer does
        self.known = {one for one in self.kind.all() if one not in self._left}
        self.kind.look()
        for left in filter(self._works, self._left.values()):
            self._watched.append((left, self.kind.by_itself(left.one), self.kind.ran(left.one)))

    def end(self, test: str) -> None:
        self._last = test
        self._take(test)

    def meanwhile(self) -> list[dict[str, str]]:
        found = []
        for left, by_itself, before in self._watched:
            if not self.kind.alive(left.one):
                found.append({"name": self.kind.name(left.one), "what": f"{left}, came to its end meanwhile"})
            elif by_itself and (not before or self.kind.ran(left.one) != before):
                found.append({"name": self.kind.name(left.one), "what": f"{left}, was at work meanwhile"})
        self._watched = []
        return found

    def fresh(self) -> list[_Left]:
        """Return those at work for which nobody waited yet, also those that another one started since."""
        if not self._left:
            return []
        self._take(self._last)
        self.kind.look()
        return [left for left in self._left.values() if not left.waited and self._works(left)]

    def waited(self) -> list[_Left]:
        """Return those that go on though somebody waited; nobody does again."""
        found = self.fresh()
        for left in self._left.values():
            left.waited = True
        return found

    def _take(self, test: str) -> None:
        for one in self.kind.all():
            if one not in self.known and one not in self._left:
                self._left[one] = _Left(one, test)

    def _works(self, left: _Left) -> bool:
        words = self.kind.works(left.one) if self.kind.alive(left.one) else ""
        left.words = left.words or words
        return bool(words)
