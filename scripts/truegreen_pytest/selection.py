"""Which tests were left out, and what asked for it: the stage's own marker, or something else."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest

VARIABLE = "TRUEGREEN_SELECTION"
"""What the stage asks for, as JSON: `marker`, `tests` (its own paths), `after` (arguments after `--`) …"""
_LISTS = (("--deselect", "deselect"), ("--ignore", "ignore"), ("--ignore-glob", "ignore_glob"))
_BY_ITEM = ("-k ", "-m ", "--deselect ", "--lf", "--sw")
"""Words that leave tests out one by one, so that `left_out` says whether they did."""


class Selection:
    """What one session was asked to leave out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        asked = given()
        self._marker = str(asked.get("marker") or "")
        self._tests = [str(path) for path in asked.get("tests") or ()]
        self._after = [str(word) for word in asked.get("after") or ()]
        self._matches = expression(self._marker)
        self._remembers = _remembers(config)
        self.left_out = 0
        """Tests of the stage that something else than its marker deselected."""

    def deselected(self, items: Iterable[pytest.Item]) -> None:
        """Count what the stage's own marker would have kept."""
        self.left_out += sum(1 for item in items if self._matches(item))

    def record(self) -> dict[str, Any]:
        """Return what narrowed the session: asked for after `--`, by nobody's leave, or by the project itself."""
        asked = self._words(self._parsed(self._after), self._after)
        strange = _addopts_of_the_environment()
        unasked = [*self._words(self._parsed(strange), strange), *self._memory()]
        option = self._config.option
        standing = [word for word in self._narrowing(option) if word not in (*asked, *unasked)]
        return {
            "left_out": self.left_out,
            "asked": self._effective(asked),
            "unasked": self._effective([word for word in dict.fromkeys(unasked) if word not in asked]),
            "standing": self._effective(standing),
            "ci": os.environ.get("CI", "").lower() not in ("", "0", "false"),
        }

    def _parsed(self, words: Sequence[str]) -> argparse.Namespace | None:
        """Return words as pytest understands them; None where it does not."""
        # A table that an option starts from is one object for every parse: what we read must not change the session.
        own = argparse.Namespace(
            **{name: {} for name, value in vars(self._config.option).items() if type(value) is dict}
        )
        try:
            return self._config._parser.parse_known_args([*words], own)  # noqa: SLF001 - there is no public way
        except BaseException:  # noqa: BLE001 - `--help` and usage errors leave argparse in many ways
            return None

    def _words(self, found: argparse.Namespace | None, words: Sequence[str]) -> list[str]:
        """Return what leaves tests out among words of the command line; all of them where they are not understood."""
        if found is None:
            return [shlex.join(words)]
        memory = [flag for flag, name in (("--lf", "lf"), ("--sw", "stepwise")) if getattr(found, name, False)]
        return [*self._narrowing(found), *memory, *self._paths(getattr(found, "file_or_dir", None) or [])]

    def _narrowing(self, found: Any) -> list[str]:
        keyword, marker = getattr(found, "keyword", ""), getattr(found, "markexpr", "")
        words = [f"-k {keyword}"] if keyword else []
        words += [f"-m {marker}"] if marker and marker != self._marker else []
        return words + [f"{flag} {value}" for flag, name in _LISTS for value in getattr(found, name, None) or ()]

    def _paths(self, paths: list[str]) -> list[str]:
        """Return paths that take the place of the project's own; beside paths of the stage they only add."""
        own = {os.path.normpath(path) for path in self._config.getini("testpaths") or (".",)}
        return [] if self._tests or own <= {os.path.normpath(path) for path in paths} else paths

    def _memory(self) -> list[str]:
        """Return what depends on earlier runs in this folder."""
        option = self._config.option
        words = ["--lf"] if getattr(option, "lf", False) else []
        return words + (["--sw"] if getattr(option, "stepwise", False) else [])

    def _effective(self, words: list[str]) -> list[str]:
        """Drop words that could only leave out single tests, where none was."""
        if self.left_out:
            return words
        # --lf also passes over whole files, whose tests nobody ever counts.
        return [word for word in words if not word.startswith(_BY_ITEM) or (word == "--lf" and self._remembers)]


def given() -> dict[str, Any]:
    """Return what the stage says about its selection; empty without a stage."""
    try:
        found = json.loads(os.environ.get(VARIABLE) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _addopts_of_the_environment() -> list[str]:
    try:
        return shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    except ValueError:
        return []


def _remembers(config: pytest.Config) -> bool:
    """Return whether a run before this one left failures; asked at the start, for the end overwrites them."""
    cache = getattr(config, "cache", None)
    return cache is not None and bool(cache.get("cache/lastfailed", {}))


def expression(text: str) -> Callable[[pytest.Item], bool]:
    """Return a function that tells whether a test matches a marker expression; every test where it is unreadable."""
    if not text:
        return lambda _: True
    try:
        from _pytest.mark.expression import Expression  # noqa: PLC0415 - not part of pytest's interface

        compiled = Expression.compile(text)
    except Exception:  # noqa: BLE001 - a pytest of another shape, or an expression that pytest refuses by itself
        return lambda _: True

    def matches(item: pytest.Item) -> bool:
        def has(name: str, /, **wanted: Any) -> bool:
            return any(
                mark.name == name and all(mark.kwargs.get(key) == value for key, value in wanted.items())
                for mark in item.iter_markers()
            )

        return bool(compiled.evaluate(has))

    return matches
