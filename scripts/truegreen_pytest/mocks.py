"""Notes what was replaced while each test ran: by mock, monkeypatch, and overrides of FastAPI's dependencies."""

from __future__ import annotations

import os
import sys
import unittest.mock
from typing import TYPE_CHECKING, Any, Callable

import pytest

from truegreen_pytest.imports import Imports
from truegreen_pytest.naming import NAMELESS, Names, cut, dotted, home, is_setting, mock_inside, plain
from truegreen_pytest.spies import calls_real, wraps_original

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROWS_MAX, _USES_MAX = 2_000, 100_000
_HARMLESS, _HARMLESS_MAX = ("environment", "setting", "spy"), 100
"""Kinds that replace nothing real: of their tests, so many are named."""
_TOOLS = ("_pytest.", "unittest.mock.", "mock.mock.")
"""Where replacing is bookkeeping: pytest's own, and pytest-mock's better messages of mocks."""
_GUARDS = ("django.test.testcases",)
"""Modules whose functions take the place of others to refuse what a test did not declare, and else call them."""
_LATE = ("mock", "fastapi.routing")
"""Modules that are watched as soon as somebody imports them: that may be a fixture, or the test itself."""
_CALL = "call"
_UNKNOWN = object()
"""What took the place of something where that cannot be told."""


Row = dict[str, Any]
"""One replacement, with the tests that ran under it."""


class Watch:
    """Wraps what replaces things; all of it goes on to work as before, and is put back at the end of the session."""

    def __init__(self, config: pytest.Config) -> None:
        self.problem = ""
        """Why something could not be watched, or not all of it was kept."""
        self.watched: set[str] = set()
        self._names = Names(config)
        self._rows: dict[tuple[str, str, str, int], Row] = {}
        self._uses = 0
        self._active: dict[int, list[Row]] = {}
        """Replacements that are in place, by the object that put them there."""
        self._roots: dict[int, tuple[Any, Row, Any]] = {}
        """Mocks that a replacement put in place, each with its effect; who calls one uses the replacement."""
        self._called_already: dict[int, tuple[Any, Row]] = {}
        """Mocks that this test called before; kept, so that no other takes the place of one that is gone."""
        self._allowed: dict[tuple[str, str, str], list[str]] = {}
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._imports = Imports(_LATE, self._late)
        self._given = ""
        """Name under which `patch.dict` was told a dictionary."""
        self._test, self._phase = "", ""
        self._item: pytest.Item | None = None

    def start(self) -> None:
        """Begin to watch."""
        self._mock(unittest.mock)
        for name in ("setattr", "delattr"):
            self._wrap(pytest.MonkeyPatch, name, self._attribute)
        for name in ("setitem", "delitem"):
            self._wrap(pytest.MonkeyPatch, name, self._entry)
        self._wrap(pytest.MonkeyPatch, "undo", self._ended)
        self._imports.start()

    def stop(self) -> None:
        """Put everything back that nobody wrapped again."""
        self._imports.stop()
        while self._undo:
            owner, name, original, wrapper = self._undo.pop()
            if getattr(owner, name, None) is wrapper:
                setattr(owner, name, original)

    def begin(self, item: pytest.Item) -> None:
        """Take note of a test whose set-up begins."""
        self._test, self._phase = item.nodeid, "setup"
        self._item = item
        self.watched.add(item.nodeid)
        for mark in item.iter_markers("allow_mocks"):
            self._allowed.setdefault(_allowance(mark), []).append(item.nodeid)

    def call(self) -> None:
        """Begin the test itself: what its fixtures replaced and is still in place counts for it."""
        self._phase = _CALL
        for rows in [*self._active.values()]:
            for row in rows:
                self._count(row, "setup")

    def end(self) -> None:
        """End the test itself; its teardown puts things back."""
        self._phase = ""
        self._called_already.clear()

    def targets(self) -> list[str]:
        """Return what was replaced while the test ran that ended last."""
        return sorted({row["target"] for row in self._rows.values() if self._test in row["uses"]})

    def record(self) -> dict[str, Any]:
        """Return what was noted, as it stands in the session's file."""
        rows = [row for row in self._rows.values() if row["uses"]]
        return {
            "watched": len(self.watched),
            "watch_problem": self.problem,
            "replaced": [{**row, "uses": [(test, *use) for test, use in row["uses"].items()]} for row in rows],
            "allowances": [
                {"target": target, "reason": reason, "until": until, "tests": tests}
                for (target, reason, until), tests in self._allowed.items()
            ],
        }

    def _late(self, name: str) -> None:
        """Watch a module that was imported just now, or once more."""
        self._safely(self._fastapi if name == "fastapi.routing" else self._mock, sys.modules.get(name))

    def _mock(self, module: Any) -> None:
        """Watch one copy of mock: the standard library's, or the one from PyPI."""
        module = getattr(module, "mock", module) if module.__name__ == "mock" else module
        self._wrap(getattr(module, "_patch", None), "__enter__", self._patched)
        self._wrap(getattr(module, "_patch", None), "__exit__", self._ended)
        self._wrap(getattr(module, "_patch_dict", None), "_patch_dict", self._patched_dict, self._dict_name)
        self._wrap(getattr(module, "_patch_dict", None), "_unpatch_dict", self._ended)
        self._wrap(getattr(module, "CallableMixin", None), "_mock_call", self._called)

    def _fastapi(self, module: Any) -> None:
        """Watch requests that FastAPI answers in this process, and whose dependencies are overridden then."""
        self._wrap(module, "solve_dependencies", self._solved)

    def _wrap(
        self, owner: Any, name: str, note: Callable[..., None], before: Callable[..., None] | None = None
    ) -> None:
        original = getattr(owner, name, None)
        if original is None:
            self._missed(f"{getattr(owner, '__name__', 'mock')}.{name} is not there to be watched")
            return

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if before is not None:
                self._safely(before, *args)
            result = original(*args, **kwargs)
            self._safely(note, result, *args, **kwargs)
            return result

        wrapped.__name__, wrapped.__qualname__, wrapped.__doc__ = name, original.__qualname__, original.__doc__
        setattr(owner, name, wrapped)
        self._undo.append((owner, name, original, wrapped))

    def _safely(self, note: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        try:
            note(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - a note is never worth a failing test
            self._missed(f"a replacement could not be noted: {type(error).__name__}")

    def _missed(self, why: str) -> None:
        self.problem = self.problem or why

    def _patched(self, result: Any, own: Any, *_: Any) -> None:
        new = result
        if own.attribute_name is not None:  # of patch.multiple
            new = result.get(own.attribute_name, own.new)
        self._replaced(own, "patch", own.target, own.attribute, own.temp_original, new)

    def _dict_name(self, own: Any, *_: Any) -> None:
        self._given = own.in_dict if isinstance(own.in_dict, str) else ""

    def _patched_dict(self, _: Any, own: Any, *__: Any) -> None:
        for key, value in dict(own.values).items():
            self._in_dict(own, "patch", own.in_dict, key, value, self._given)

    def _attribute(self, _: Any, own: Any, *__: Any, **___: Any) -> None:
        if not own._setattr:  # noqa: SLF001 - nothing was there to be replaced
            return
        target, name, old = own._setattr[-1]  # noqa: SLF001 - where a name in a text was followed to
        if issubclass(type(target), pytest.Item):  # a plugin that runs the test, not something the test replaced
            return
        new = getattr(target, "__dict__", {}).get(name, _UNKNOWN)
        self._replaced(own, "monkeypatch", target, name, old, new)

    def _entry(self, _: Any, own: Any, dic: Any, name: Any, value: Any = None, **__: Any) -> None:
        self._in_dict(own, "monkeypatch", dic, name, value)

    def _in_dict(self, own: Any, kind: str, dic: Any, key: Any, value: Any, given: str = "") -> None:
        """Note one entry of a dictionary; what holds plain values is settings, and no stand-in."""
        text = key if type(key) is str else dotted(key)
        if dic is os.environ:
            self._add(own, "environment", f"os.environ[{text}]", "os")
        elif dic is sys.modules:
            self._add(own, kind, f"sys.modules[{text}]", text)
        elif not plain(value):
            self._add(own, kind, f"{given or 'a dictionary'}[{text}]", home(key))

    def _replaced(self, own: Any, kind: str, target: Any, name: str, old: Any, new: Any) -> None:
        """Note an attribute that was replaced, and the mock that took its place."""
        try:
            holder, source = dotted(target), home(old)
            text = f"{holder}.{name}"
        except Exception:  # noqa: BLE001 - whatever it is, it has no usable name
            holder, source, text = "", "", NAMELESS
        if holder.startswith(_TOOLS) or home(new) in _GUARDS:
            return
        if is_setting(old, new):
            kind = "setting"
        mock = mock_inside(new)
        if mock is not None and wraps_original(mock, old):
            kind = "spy"
        row = self._add(own, kind, text, source or holder)
        if mock is not None and row is not None:
            self._roots[id(mock)] = (mock, row, mock.side_effect if row["kind"] == "spy" else None)

    def _add(self, own: Any, kind: str, target: str, source: str) -> Row | None:
        """Note a replacement by `own`, which takes it back later; None where too many are known already."""
        path, line, library, spy = self._names.place()
        row = self._row("spy" if spy else kind, target, source, (path, line), library)
        if row is not None:
            self._active.setdefault(id(own), []).append(row)
            if self._phase == _CALL:
                self._count(row, _CALL)
        return row

    def _row(self, kind: str, target: str, source: str, place: tuple[str, int], library: str = "") -> Row | None:
        path, line = place
        if not path and self._item is not None:
            path, line = self._names.of_test(self._item)
        key = (kind, cut(target), path, line)
        found = self._rows.get(key)
        if found is None:
            if len(self._rows) >= _ROWS_MAX:
                self._missed(f"there were more than {_ROWS_MAX:,} replacements")
                return None
            found = Row(kind=kind, target=key[1], home=cut(source), origin=self._names.origin(source), path=path)
            found.update(line=line, by=cut(library), uses={})
            self._rows[key] = found
        return found

    def _count(self, row: Row, phase: str) -> None:
        """Count a replacement for the test that runs."""
        known = row["uses"].get(self._test)
        if known is not None:
            known[1] += 1
        elif row["kind"] in _HARMLESS and len(row["uses"]) >= _HARMLESS_MAX:
            return
        elif self._uses < _USES_MAX:
            self._uses += 1
            row["uses"][self._test] = [phase, 1]
        else:
            self._missed(f"replacements were used more than {_USES_MAX:,} times")

    def _ended(self, _: Any, own: Any, *__: Any) -> None:
        gone = self._active.pop(id(own), [])
        if gone and self._roots:
            rows = {id(row) for row in gone}
            self._roots = {key: root for key, root in self._roots.items() if id(root[1]) not in rows}

    def _called(self, _: Any, own: Any, *__: Any, **___: Any) -> None:
        """Note a mock that was called in a test, unless a replacement that is known already put it there."""
        if self._phase != _CALL:
            return
        if (known := self._called_already.get(id(own))) is not None:
            self._count(known[1], _CALL)
            return
        root = own
        while (parent := root.__dict__.get("_mock_new_parent")) is not None:
            root = parent
        if (placed := self._roots.get(id(root))) is not None:
            self._spied(own, *placed)
            return
        if root.__dict__.get("_mock_wraps") is not None and calls_real(own):
            return
        spec = root.__dict__.get("_spec_class")
        called = own._extract_mock_name()  # noqa: SLF001 - as its messages call it
        target = f"{dotted(spec)}.{called.partition('.')[2]}".rstrip(".") if spec is not None else called
        place = self._names.place(str(self._item.path) if self._item is not None else "")
        row = self._row("mock", target, home(spec) if spec is not None else "", place[:2], place[2])
        if row is not None:
            self._called_already[id(own)] = (own, row)
            self._count(row, _CALL)

    def _spied(self, own: Any, root: Any, row: Row, effect: Any) -> None:
        """Note a spy that was told later what to answer, and so is none any more."""
        if row["kind"] != "spy" or calls_real(own, effect if own is root else None):
            return
        key = ("patch", row["target"], row["path"], row["line"])
        found = self._rows.setdefault(key, {**row, "kind": "patch", "uses": {}})
        self._called_already[id(own)] = (own, found)
        self._count(found, _CALL)

    def _solved(self, _: Any, *__: Any, **given: Any) -> None:
        app = given.get("dependency_overrides_provider")
        overrides: Iterable[Any] = getattr(app, "dependency_overrides", None) or ()
        for dependency in [*overrides] if self._phase == _CALL else ():
            row = self._row("override", dotted(dependency), home(dependency), ("", 0))
            if row is not None:
                self._count(row, _CALL)


def joined(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one record of all processes; a process without one leaves its tests unwatched."""
    replaced: dict[tuple[Any, ...], Row] = {}
    allowances: dict[tuple[str, ...], Row] = {}
    for record in records:
        for row in record.get("replaced", ()):
            known = replaced.setdefault(
                tuple(row[key] for key in ("kind", "target", "path", "line")), {**row, "uses": []}
            )
            known["uses"] += row["uses"]
        for row in record.get("allowances", ()):
            known = allowances.setdefault((row["target"], row["reason"], row["until"]), {**row, "tests": []})
            known["tests"] += row["tests"]
    return {
        "watched": sum(record.get("watched", 0) for record in records),
        "watch_problem": next((record["watch_problem"] for record in records if record.get("watch_problem")), ""),
        "replaced": [*replaced.values()],
        "allowances": [*allowances.values()],
    }


def _allowance(mark: pytest.Mark) -> tuple[str, str, str]:
    """Return target, reason and last day that a marker gives; empty where it does not."""
    given = dict(zip(("target", "reason", "until"), mark.args, strict=False), **mark.kwargs)
    target, reason, until = (cut(str(given.get(name) or "")) for name in ("target", "reason", "until"))
    return target, reason, until
