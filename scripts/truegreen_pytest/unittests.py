"""Where the phases of a `unittest.TestCase` end: pytest runs its setUp and tearDown inside the call."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    import pytest


def is_case(item: pytest.Item) -> bool:
    """Return whether a test has a set-up inside its call."""
    return isinstance(getattr(item, "instance", None), unittest.TestCase)


class Inside:
    """Tells when the set-up inside a call ended, and when the teardown inside it begins."""

    def __init__(self, item: pytest.Item, after_setup: Callable[[], None], before_teardown: Callable[[], None]) -> None:
        found = getattr(item, "instance", None)
        self._case = found if isinstance(found, unittest.TestCase) else None
        self._wrapped: list[str] = []
        self._after_setup = after_setup
        self._before_teardown = before_teardown
        self.began = self._case is None
        """Whether the test itself began; only a set-up that fails or skips comes before."""
        self.ended = False
        """Whether the test itself ended, and its teardown began."""
        if self._case is not None:
            # These two call asyncSetUp and asyncTearDown as well, where the case has them.
            self._wrap("_callSetUp" if hasattr(self._case, "_callSetUp") else "setUp", before=None, after=self._begin)
            self._wrap("_callTearDown" if hasattr(self._case, "_callTearDown") else "tearDown", before=self._end)

    def restore(self) -> None:
        """Take the wrappers off the test's instance."""
        for name in self._wrapped:
            self._case.__dict__.pop(name, None)

    def _begin(self) -> None:
        self.began = True
        self._after_setup()

    def _end(self) -> None:
        self.ended = True
        self._before_teardown()

    def _wrap(
        self, name: str, *, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None
    ) -> None:
        original = getattr(self._case, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if before is not None:
                before()
            result = original(*args, **kwargs)
            if after is not None:
                after()
            return result

        setattr(self._case, name, wrapped)
        self._wrapped.append(name)
