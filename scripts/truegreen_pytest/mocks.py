"""Notes which targets were replaced while a test ran."""

import unittest.mock

import pytest


class Watch:
    """Wraps the two usual ways to replace something; removed again at the end of the session."""

    def __init__(self):
        self.targets = []
        self._undo = []

    def start(self):
        """Begin to watch; mock and monkeypatch go on to work as before."""
        patch = unittest.mock._patch  # noqa: SLF001 - the one class behind patch, patch.object and mocker
        self._wrap(patch, "__enter__", lambda own, *_: "%s.%s" % (_name(own.getter), own.attribute))
        from _pytest.monkeypatch import MonkeyPatch

        self._wrap(MonkeyPatch, "setattr", _monkeypatched)

    def stop(self):
        """Put everything back."""
        while self._undo:
            cls, name, original = self._undo.pop()
            setattr(cls, name, original)

    def _wrap(self, cls, name, describe):
        original = getattr(cls, name)
        targets = self.targets

        def wrapped(own, *args, **kwargs):
            try:
                target = describe(own, *args)
                if target:
                    targets.append(target[:200])
            except Exception:  # a description is never worth a failing test
                targets.append("something that cannot be named")
            return original(own, *args, **kwargs)

        setattr(cls, name, wrapped)
        self._undo.append((cls, name, original))


def _name(getter):
    target = getter()
    return getattr(target, "__qualname__", None) or getattr(target, "__name__", None) or type(target).__name__


def _monkeypatched(_own, target, name="", *_):
    if isinstance(target, str):
        return target
    if isinstance(target, pytest.Item):  # a plugin that runs the test, not something the test replaced
        return ""
    return "%s.%s" % (getattr(target, "__qualname__", None) or getattr(target, "__name__", type(target).__name__), name)
