"""Where the phases of a `unittest.TestCase` end: pytest runs its setUp and tearDown inside the call."""

from __future__ import annotations

import functools
import unittest
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    import pytest

_NOTHING: Any = object()


def is_case(item: pytest.Item) -> bool:
    """Return whether a test has a set-up inside its call."""
    return isinstance(getattr(item, "instance", None), unittest.TestCase)


class Inside:
    """Tells when the call of a test really begins and ends: inside of what hooks do around it.

    Of a `unittest.TestCase`, the test itself begins where the set-up inside its call ended, and ends where the teardown
    inside it begins.
    """

    def __init__(
        self,
        item: pytest.Item,
        *,
        before: Callable[[], None],
        after_setup: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """Wrap what runs the test.

        Args:
            item: the test.
            before: called before anything of the test runs.
            after_setup: called where the set-up inside a call ended.
            ended: called where the test itself ended.
        """
        found = getattr(item, "instance", None)
        self._case = found if isinstance(found, unittest.TestCase) else None
        self._item = item
        self._wrapped: list[tuple[Any, str, Any]] = []
        self._before, self._after_setup, self._test_ended = before, after_setup, ended
        self.began = False
        """Whether the test itself began; only a set-up that fails or skips comes before."""
        self.ended = False
        """Whether the test itself ended, and its teardown began."""
        self._put(item, "runtest", self._run)
        if self._case is not None:
            # These two call asyncSetUp and asyncTearDown as well, where the case has them.
            self._wrap("_callSetUp" if hasattr(self._case, "_callSetUp") else "setUp", after=self._begin)
            self._wrap("_callTearDown" if hasattr(self._case, "_callTearDown") else "tearDown", before=self._end)

    def restore(self) -> None:
        """Take the wrappers off the test and its instance."""
        for owner, name, before in self._wrapped:
            if before is _NOTHING:
                owner.__dict__.pop(name, None)
            else:
                setattr(owner, name, before)

    def _run(self, original: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        self._before()
        if self._case is not None:
            return original()
        self.began = True
        try:
            return original()
        finally:
            self._end()

    def _begin(self) -> None:
        self.began = True
        self._after_setup()

    def _end(self) -> None:
        self.ended = True
        self._test_ended()

    def _wrap(
        self, name: str, *, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
    ) -> None:
        def wrapped(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if before is not None:
                before()
            result = original(*args, **kwargs)
            if after is not None:
                after()
            return result

        self._put(self._case, name, wrapped)

    def _put(self, owner: Any, name: str, wrapped: Callable[..., Any]) -> None:
        self._wrapped.append((owner, name, owner.__dict__.get(name, _NOTHING)))
        setattr(owner, name, functools.partial(wrapped, getattr(owner, name)))
