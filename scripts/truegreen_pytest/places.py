"""Where the tests of changed files stand, so that those of a change can be told from the others."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truegreen_pytest.order import identity

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

CHANGED = "TRUEGREEN_CHANGED"
"""File with the changed files, as a JSON list of absolute paths; absent asks for nothing."""
WHOLE_FILE = (1, 1 << 31)
"""Lines of a test whose place in its file is unknown: any line may be its own."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Places:
    """Finds the lines of tests by their names, decorators included; parametrised tests share theirs."""

    def __init__(self) -> None:
        self.wanted = _wanted()
        self._spans: dict[str, dict[str, tuple[int, int]]] = {}

    def of(self, items: Iterable[pytest.Item]) -> list[tuple[str, str, int, int]]:
        """Return id, file, first and last line (1-based) of each test in a changed file."""
        found = []
        for item in items:
            path = os.path.realpath(item.path)
            if path in self.wanted:
                found.append((identity(item), path, *self._lines(path, item)))
        return found

    def _lines(self, path: str, item: pytest.Item) -> tuple[int, int]:
        if path not in self._spans:
            self._spans[path] = _spans(path)
        spans = self._spans[path]
        classes = [node.name for node in item.listchain() if type(node).__name__ in ("Class", "UnitTestCase")]
        name = ".".join([*classes, getattr(item, "originalname", None) or item.name.partition("[")[0]])
        # A method of a base class stands elsewhere: then its class decides, and where that is not found, the file.
        return spans.get(name) or spans.get(".".join(classes)) or WHOLE_FILE


def begins(item: pytest.Item) -> str:
    """Return file and line at which a test begins, with its first decorator: `tests/test_a.py:12`."""
    path, line, _ = item.location
    return f"{path}:{(line or 0) + 1}"


class Ended:
    """Which tests came to their end, for runs that must know that none was left out."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._ended: set[str] = set()
        self._skipped: set[str] = set()

    def report(self, test: str, report: pytest.TestReport) -> None:
        """Take one phase; a test that took its process along has no report of a teardown."""
        self._spent[test] = self._spent.get(test, 0.0) + report.duration
        if report.skipped:
            self._skipped.add(test)
        if report.when == "teardown":
            self._ended.add(test)

    def record(self, places: list[tuple[str, str, int, int]]) -> dict[str, Any]:
        """Return how many tests ended, which of them skipped, and the seconds of those with a place."""
        return {
            "ran": len(self._ended),
            "skipped_tests": sorted(self._skipped),
            "places": [(*place, round(self._spent.get(place[0], 0.0), 4)) for place in places],
        }


def _wanted() -> frozenset[str]:
    path = os.environ.get(CHANGED, "")
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else []
    except (OSError, ValueError):
        return frozenset()
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _spans(path: str) -> dict[str, tuple[int, int]]:
    """Return the lines of every function and class by its dotted name; nothing where the file is not Python."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, tuple[int, int]] = {}
    _walk(tree.body, "", found)
    return found


def _walk(body: list[ast.stmt], prefix: str, found: dict[str, tuple[int, int]]) -> None:
    for node in body:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            name = f"{prefix}{node.name}"
            # Of two with one name (behind an `if`), either may be the one that runs.
            known = found.get(name, (first, first))
            found[name] = min(known[0], first), max(known[1], node.end_lineno or first)
            if isinstance(node, ast.ClassDef):
                _walk(node.body, f"{name}.", found)
        else:
            for field in ("body", "orelse", "finalbody"):
                _walk(getattr(node, field, []), prefix, found)
            for handler in getattr(node, "handlers", []):
                _walk(handler.body, prefix, found)
