"""Notes which targets were replaced while a test ran."""

from __future__ import annotations

import unittest.mock
from typing import Any, Callable

import pytest

_LIMIT = 200


class Watch:
    """Wraps the two usual ways to replace something; removed again at the end of the session."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._undo: list[tuple[Any, str, Any]] = []

    def start(self) -> None:
        """Begin to watch; mock and monkeypatch go on to work as before."""
        # The one class behind patch, patch.object and pytest-mock's mocker.
        patch = getattr(unittest.mock, "_patch")  # noqa: B009 - private, so mypy does not know it
        self._wrap(patch, "__enter__", _patched)
        self._wrap(pytest.MonkeyPatch, "setattr", _monkeypatched)

    def stop(self) -> None:
        """Put everything back."""
        while self._undo:
            cls, name, original = self._undo.pop()
            setattr(cls, name, original)

    def _wrap(self, cls: Any, name: str, describe: Callable[..., str]) -> None:
        original = getattr(cls, name)
        targets = self.targets

        def wrapped(own: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                target = describe(own, *args)
            except Exception:  # noqa: BLE001 - a description is never worth a failing test
                target = "something that cannot be named"
            if target:
                targets.append(target[:_LIMIT])
            return original(own, *args, **kwargs)

        setattr(cls, name, wrapped)
        self._undo.append((cls, name, original))


def _patched(own: Any, *_: Any) -> str:
    return f"{_name(own.getter())}.{own.attribute}"


def _monkeypatched(_own: Any, target: Any, name: Any = "", *_: Any) -> str:
    if isinstance(target, str):
        return target
    if isinstance(target, pytest.Item):  # a plugin that runs the test, not something the test replaced
        return ""
    return f"{_name(target)}.{name}"


def _name(target: Any) -> str:
    return getattr(target, "__qualname__", None) or getattr(target, "__name__", None) or type(target).__name__
