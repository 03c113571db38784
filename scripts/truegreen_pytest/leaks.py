"""What tests leave changed in their own process: folder, environment, umask, locale, import path, threads."""

from __future__ import annotations

import locale
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "TRUEGREEN_LEAKS"
"""Set where the stage wants to know."""
_OUTPUT = "truegreen_leaks"
"""Where a worker of pytest-xdist hands on what it saw."""
_THEIRS = ("PYTEST_", "COV_CORE_", "COVERAGE_", "TRUEGREEN_")
"""Variables that pytest and its plugins set while a test runs."""
# As they are before anybody replaces them: a Mock would note that it was called.
_folder, _mask, _locale, _threads = os.getcwd, os.umask, locale.setlocale, threading.enumerate
_open, _read_file, _close = os.open, os.read, os.close
_LIMIT, _LENGTH = 500, 200
State = dict[str, Any]
"""Kind → value; of `environ`, the variables as the system has them, which costs a hundredth of reading each."""
Key = tuple[str, Any]
"""Kind, and the variable where it is `environ`."""


class Leaks:
    """Compares the state of the process after each test with that before it.

    What a fixture wider than a function changes is its own, and so is what it puts back in the end.
    """

    def __init__(self) -> None:
        self.watched = 0
        self._found: list[tuple[str, str, str]] = []
        self._lost = 0
        self._before: State | None = None
        self._owned: dict[Key, list[Any]] = {}
        """Values that wider fixtures found, and may put back."""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Look before and after everything that belongs to a test, its fixtures included."""
        if self._before is None:
            self._before = _state()
        yield
        before, after = self._before, _state()
        self._before = after
        if before is None or after is None:
            return
        self.watched += 1
        for key, old, new in _changes(before, after):
            if new not in self._owned.get(key, ()):
                self._note(item.nodeid, key, old, new)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """Take what a wider fixture changes as its own."""
        if fixturedef.scope == "function" or self._before is None:
            yield
            return
        before = _state()
        yield
        after = _state()
        for key, old, new in _changes(before, after) if before is not None and after is not None else ():
            self._owned.setdefault(key, []).append(old)
            _keep(self._before, key, new)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Hand on what a worker saw."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_OUTPUT] = self.record()
        yield

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker saw."""
        if output := getattr(node, "workeroutput", {}).get(_OUTPUT):
            self.watched += output["leaks_watched"]
            self._lost += output["leaks_lost"]
            self._found += [tuple(row) for row in output["leaks"]]

    def record(self) -> dict[str, Any]:
        """Return what was seen, for the file of the session."""
        return {"leaks_watched": self.watched, "leaks": self._found, "leaks_lost": self._lost}

    def _note(self, test: str, key: Key, before: Any, after: Any) -> None:
        if len(self._found) >= _LIMIT:
            self._lost += 1
            return
        for what in _words(key, before, after):
            self._found.append((test, key[0], what[:_LENGTH]))


def asked() -> Leaks | None:
    """Return what looks for leaks; None where the stage does not want to know."""
    return Leaks() if os.environ.get(VARIABLE) else None


def _state() -> State | None:
    """Return what a test may change; None where that cannot be told, for who looks on must never break a test."""
    try:
        return _read()
    except Exception:  # noqa: BLE001 - such as a threading module that a fixture replaced
        return None


def _read() -> State:
    try:
        folder = _folder()
    except OSError:
        folder = "a folder that is gone"
    main = threading.main_thread()
    return {
        "environ": dict(getattr(os.environ, "_data", os.environ)),
        "cwd": folder,
        "umask": _umask(),
        "locale": _locale(locale.LC_ALL),
        "sys.path": tuple(sys.path),
        "threads": {one.ident: one.name for one in _threads() if one is not main and not one.daemon},
    }


def _umask() -> int:
    """Return the mask; where the system does not tell it, by setting it, and a file made at that moment is stricter."""
    try:
        file = _open("/proc/self/status", os.O_RDONLY)
        try:
            return int(_read_file(file, 4096).partition(b"Umask:")[2].split(None, 1)[0], 8)
        finally:
            _close(file)
    except (OSError, ValueError, IndexError):
        mask = _mask(0o077)
        _mask(mask)
        return mask


def _changes(before: State, after: State) -> list[tuple[Key, Any, Any]]:
    """Return what differs, with its value before and after; a thread that ended is no difference."""
    if before == after:
        return []
    found: list[tuple[Key, Any, Any]] = [
        ((kind, None), before[kind], after[kind])
        for kind in before
        if kind != "environ"
        and before[kind] != after[kind]
        and (kind != "threads" or after[kind].keys() - before[kind])
    ]
    old, new = before["environ"], after["environ"]
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    found += [
        (("environ", name), old.get(name), new.get(name)) for name in names if not os.fsdecode(name).startswith(_THEIRS)
    ]
    return found


def _keep(state: State, key: Key, value: Any) -> None:
    """Let a state have a value; None takes a variable away."""
    kind, name = key
    if kind != "environ":
        state[kind] = value
    elif value is None:
        state[kind].pop(name, None)
    else:
        state[kind][name] = value


def _words(key: Key, before: Any, after: Any) -> list[str]:
    """Return what was changed; of environment variables the names alone, for their values may be secrets."""
    kind, name = key
    if kind == "environ":
        return [f"{os.fsdecode(name)} was {'added' if before is None else 'removed' if after is None else 'changed'}"]
    if kind == "threads":
        return [f"thread {after[ident]} goes on" for ident in sorted(after.keys() - before.keys())]
    if kind == "sys.path":
        added, gone = [one for one in after if one not in before], [one for one in before if one not in after]
        return [*(f"{one} was added" for one in added), *(f"{one} was removed" for one in gone)] or ["was put in order"]
    if kind == "umask":
        before, after = f"{before:03o}", f"{after:03o}"
    return [f"became {after}, and was {before}"]
