"""Which test left which file, told by their names: no format of test results says it for all runners."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BETWEEN = re.compile(r"[^a-z0-9]+")
_LEAST = 6
"""A shorter name is a part of too many others."""
_CHARS = 300
"""Of a path that are looked at."""


def by_test(tests: Iterable[str], paths: Iterable[str]) -> dict[str, list[str]]:
    """Return test → the files whose path holds its name; a file belongs to the longest name in it.

    pytest-playwright names a folder after the whole id (`tests-test-a-py-test-b-chromium`), other tools a file after
    the test's own name. A file that two tests could have left belongs to neither.

    Args:
        tests: ids of tests.
        paths: of files.
    """
    known: dict[str, set[str]] = {}
    for test in tests:
        for name in _names(test):
            known.setdefault(name, set()).add(test)
    lengths: dict[str, set[int]] = {}
    for name in known:
        words = name.split("-")
        lengths.setdefault(words[0], set()).add(len(words))
    found: dict[str, list[str]] = {}
    for path in paths:
        longest = max((name for name in _parts(path, lengths) if name in known), key=len, default="")
        if len(owners := known.get(longest, set())) == 1:
            found.setdefault(next(iter(owners)), []).append(path)
    return found


def _names(test: str) -> set[str]:
    """Return what a path may call a test: its id, its own name, and both without its parameters."""
    whole = (test, test.partition("[")[0])
    own = (name.rpartition("::")[2] for name in (test, test.partition("[")[0]))
    return {slug for name in (*whole, *own) if len(slug := _slug(name)) >= _LEAST}


def _parts(path: str, lengths: dict[str, set[int]]) -> Iterator[str]:
    """Yield each run of words of a path that may be a name; looking one up costs the same however many tests there are.

    Args:
        path: of a file.
        lengths: first word → how many words the names have that begin with it.
    """
    words = _slug(path[-_CHARS:]).split("-")
    for first, word in enumerate(words):
        for length in lengths.get(word, ()):
            if first + length <= len(words):
                yield "-".join(words[first : first + length])


def _slug(text: str) -> str:
    return _BETWEEN.sub("-", text.lower()).strip("-")
