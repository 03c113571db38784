"""Calls a factory as its application would: waits for what is async, enters what is a context, closes it at the end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import os
import re
import sys
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTEXTS = tuple(
    getattr(contextlib, name) for name in ("_GeneratorContextManager", "_AsyncGeneratorContextManager")
    if hasattr(contextlib, name)
)  # fmt: skip
_MARKS = ("Depends", "Security")
NEEDS = object()
"""Stands for an argument that nobody can give."""


class CannotBuild(Exception):
    """A root could not be imported or called; `args` are what and how it is mended."""


class Workshop:
    """Everything that is built for one walk; closing it closes all of that, the last one first."""

    def __init__(self, fixture: Callable[[str], Any]) -> None:
        self._fixture = fixture
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: list[Callable[[], Any]] = []
        self._made: dict[Any, Any] = {}

    def make(self, factory: Callable[..., Any]) -> Any:
        """Call something without arguments but those it declares: what it depends on, and fixtures by their names."""
        __tracebackhide__ = True
        return self.settle(factory(**self.arguments(factory)))

    def once(self, factory: Callable[..., Any]) -> Any:
        """Call something, and give the same object to whoever asks again, as one request would."""
        if factory not in self._made:
            self._made[factory] = self.make(factory)
        return self._made[factory]

    def wait(self, waiting: Any) -> Any:
        """Run something to its end; the loop is ours, and nobody else's current one is touched."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(waiting)

    def settle(self, value: Any) -> Any:
        """Return the object behind a coroutine, a generator or a context manager."""
        if inspect.iscoroutine(value):
            value = self.wait(value)
        if inspect.isgenerator(value):
            self._open.append(value.close)
            return next(value, None)
        if inspect.isasyncgen(value):
            self._open.append(lambda: self.wait(value.aclose()))
            return self.wait(_first(value))
        return self.enter(value) if isinstance(value, _CONTEXTS) else value

    def enter(self, context: Any) -> Any:
        """Enter a context manager, async or not."""
        if hasattr(context, "__aenter__"):
            self._open.append(lambda: self.wait(context.__aexit__(None, None, None)))
            return self.wait(context.__aenter__())
        self._open.append(lambda: context.__exit__(None, None, None))
        return context.__enter__()

    def later(self, closing: Callable[[], Any]) -> None:
        """Take something that has to be done at the end."""
        self._open.append(closing)

    def arguments(self, factory: Callable[..., Any]) -> dict[str, Any]:
        """Return what a factory has to be given: what it depends on by FastAPI's marks, and fixtures by name.

        Raises:
            CannotBuild: nobody can give a required argument.
        """
        found: dict[str, Any] = {}
        for name, parameter in _parameters(factory).items():
            mark = _mark(factory, parameter)
            if mark is not None:
                found[name] = self.once(mark)
            elif parameter.default is parameter.empty:
                found[name] = self._given(factory, name)
        return found

    def _given(self, factory: Callable[..., Any], name: str) -> Any:
        value = self._fixture(name)
        if value is NEEDS:
            raise CannotBuild(
                f"{getattr(factory, '__name__', factory)}() needs `{name}`, and there is no fixture of that name",
                f"write a fixture `{name}` in the conftest.py of the tests, or name a factory without arguments",
            )
        return value

    def close(self) -> None:
        """Close everything, whatever happens on the way; what a cleanup raises says nothing about the wiring."""
        while self._open:
            with contextlib.suppress(Exception, GeneratorExit):
                self._open.pop()()
        if self._loop is not None:
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
            self._loop = None


def found(name: str, path: str, root: str) -> Any:
    """Import what a root names.

    Args:
        name: `module:attribute`.
        path: its file relative to the project, where it is known: it may be imported under a longer name.
        root: the project's folder.

    Raises:
        CannotBuild: it could not be imported, or is not there.
    """
    module_name, _, attribute = name.partition(":")
    value: Any = _module(module_name, str(Path(root, path)) if path else "")
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise CannotBuild(
                f"{value.__name__ if isinstance(value, types.ModuleType) else module_name} has no `{part}`",
                "correct the name in `factories` of [tool.truegreen.wiring]",
            ) from None
    return value


def returns(factory: Any) -> str:
    """Return what a factory says that it gives, as text; empty where it does not say."""
    annotation = getattr(inspect.unwrap(factory) if callable(factory) else factory, "__annotations__", {}).get("return")
    if annotation is None:
        return ""
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None) or str(annotation)


def _module(name: str, path: str) -> types.ModuleType:
    """Import a module by the name that its application uses: the one that is loaded, else as its file lies."""
    for loaded in [*sys.modules.values()] if path else ():
        if _same(getattr(loaded, "__file__", None), path):
            return loaded
    first: Exception | None = None
    for candidate in dict.fromkeys((name, *_names(path))):
        try:
            return importlib.import_module(candidate)
        except ModuleNotFoundError as error:
            # Only the name itself may be wrong; what is missing inside of the module is an error of its own.
            if not error.name or not f"{candidate}.".startswith(f"{error.name}."):
                raise
            first = first or error
    raise CannotBuild(
        f"{first}",
        "name the module as the application imports it, set pytest's `pythonpath`, or leave the root out by "
        "`leave-out` of [tool.truegreen.wiring]",
    )


def _names(path: str) -> list[str]:
    """Return the names a file can be imported under, the most particular folder first."""
    folders = sorted({os.path.realpath(entry or os.curdir) for entry in sys.path}, key=len, reverse=True)
    real = os.path.realpath(path) if path else ""
    inside = [real[len(folder) + 1 :] for folder in folders if real.startswith(folder + os.sep)]
    return [re.sub(r"(/__init__)?\.py$", "", name.replace(os.sep, "/")).replace("/", ".") for name in inside]


def _same(file: Any, path: str) -> bool:
    return isinstance(file, str) and Path(file).name == Path(path).name and Path(file).samefile(path)


def _parameters(factory: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        found = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return {}
    return {
        name: one for name, one in found.items() if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    }  # fmt: skip


def _mark(factory: Callable[..., Any], parameter: inspect.Parameter) -> Callable[..., Any] | None:
    """Return what a parameter depends on, by `= Depends(f)` or `Annotated[X, Depends(f)]`."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        with contextlib.suppress(Exception):
            annotation = typing.get_type_hints(inspect.unwrap(factory), include_extras=True).get(parameter.name)
    for mark in (parameter.default, *getattr(annotation, "__metadata__", ())):
        if type(mark).__name__ in _MARKS and type(mark).__module__.startswith("fastapi"):
            dependency = mark.dependency or getattr(annotation, "__origin__", annotation)
            return dependency if callable(dependency) else None
    return None


async def _first(generator: Any) -> Any:
    async for value in generator:
        return value
    return None
