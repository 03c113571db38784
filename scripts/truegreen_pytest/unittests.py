"""Where a test itself begins and ends inside its call.

A `unittest.TestCase` has its setUp and tearDown there, and hooks and asynchronous fixtures may run around any function.
"""

from __future__ import annotations

import functools
import inspect
import types
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
    inside it begins. Where somebody else works around the function of a test, the test is what that function does.
    """

    def __init__(
        self,
        item: pytest.Item,
        *,
        before: Callable[[], None],
        after_setup: Callable[[], None],
        ended: Callable[[], None],
        function: bool = False,
    ) -> None:
        """Wrap what runs the test.

        Args:
            item: the test.
            before: called before anything of the test runs.
            after_setup: called where the set-up inside a call ended.
            ended: called where the test itself ended.
            function: whether the test is only what its function does.
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
        self._function: Any = None
        self._put(item, "runtest", self._run)
        if function and self._case is None and getattr(item, "obj", None) is not None:
            self._function = item.obj  # type: ignore[attr-defined]
            item.obj = self._around(self._function)  # type: ignore[attr-defined]
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
        if self._function is not None:
            # Also where a plugin put something around it for this call, which a further attempt does again.
            self._item.obj = self._function  # type: ignore[attr-defined]

    def _run(self, original: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        if self._function is None:
            self._before()
        if self._case is not None:
            return original()
        self.began, self.ended = self._function is None, False
        try:
            return original()
        finally:
            if self.began and not self.ended:
                self._end()

    def _around(self, function: Any) -> Callable[..., Any]:
        """Return a test's function that tells where it begins and ends; of a method, one that has the same instance."""
        if inspect.ismethod(function):
            return types.MethodType(self._around(function.__func__), function.__self__)

        @functools.wraps(function)
        def now(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            self._enter()
            made = None
            try:
                made = function(*args, **kwargs)
            finally:
                # What is still to be waited for ends later: at the latest where the call ends.
                if not (hasattr(made, "__await__") or inspect.isgenerator(made)):
                    self._end()
            return self._awaited(made) if inspect.iscoroutine(made) else made

        @functools.wraps(function)
        async def later(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            self._enter()
            return await self._awaited(function(*args, **kwargs))

        return later if inspect.iscoroutinefunction(function) else now

    async def _awaited(self, made: Any) -> Any:
        __tracebackhide__ = True
        try:
            return await made
        finally:
            self._end()

    def _enter(self) -> None:
        self.began, self.ended = True, False
        self._before()

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
