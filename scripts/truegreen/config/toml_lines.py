"""Where each key stands in a TOML file, so that errors and provenance can name the line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Found = TypeVar("_Found")
_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
_DOTTED = rf"{_BARE_OR_QUOTED}(?:[ \t]*\.[ \t]*{_BARE_OR_QUOTED})*"
_TABLE = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_DOTTED})[ \t]*\]{{1,2}}[ \t]*(?:#.*)?\r?$")
_KEY = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_PART = re.compile(_BARE_OR_QUOTED)
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[\[\]{}\n]''', re.DOTALL
)


def key_lines(text: str) -> dict[str, int]:
    """Return dotted key → 1-based line for every table and key of a TOML document.

    A scanner, not a parser: keys inside arrays, inline tables and multi-line strings are not listed;
    the nearest listed prefix then names the place (see `line_of`).
    """
    lines: dict[str, int] = {}
    prefix: tuple[str, ...] = ()
    for number, row in _statements(text):
        if match := _TABLE.match(row):
            prefix = _parts(match.group(1))
            lines.setdefault(".".join(prefix), number)
        elif match := _KEY.match(row):
            lines.setdefault(".".join((*prefix, *_parts(match.group(1)))), number)
    return lines


def row_lines(text: str, table: str) -> list[tuple[int, int]]:
    """Return the first and the last 1-based line of each `[[table]]` of a TOML document, in order."""
    heads = [(number, _parts(match.group(1))) for number, row in _statements(text) if (match := _TABLE.match(row))]
    rows = text.split("\n")
    spans = []
    for place, (first, name) in enumerate(heads):
        if name != (table,):
            continue
        after = next((number for number, other in heads[place + 1 :] if other[0] != table or len(other) == 1), None)
        last = len(rows) if after is None else after - 1
        while last > first and re.match(r"\s*(#|$)", rows[last - 1]):
            last -= 1
        spans.append((first, last))
    return spans


def line_of(lines: Mapping[str, int], key: str) -> int:
    """Return the line of a key, or of the first listed below it, or of its nearest listed parent; 0 without any."""
    below = (line for name, line in lines.items() if name.startswith(f"{key}."))
    return lines.get(key) or next(below, 0) or nearest(lines, key) or 0


def nearest(table: Mapping[str, _Found], key: str) -> _Found | None:
    """Return what is listed for a dotted key, or for its nearest listed parent."""
    parts = key.split(".")
    while parts:
        if found := table.get(".".join(parts)):
            return found
        parts.pop()
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that begin a statement: those inside a value that goes on are left out."""
    rows = text.split("\n")
    yield 1, rows[0]
    number, depth = 1, 0
    for match in _TOKEN.finditer(text):
        mark = match.group()
        number += mark.count("\n")
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        elif mark == "\n" and depth == 0:
            yield number, rows[number - 1]


def _parts(text: str) -> tuple[str, ...]:
    return tuple(_name(part) for part in _PART.findall(text))


def _name(part: str) -> str:
    if part.startswith('"'):
        return str(tomllib.loads(f"v = {part}")["v"])
    return part.strip("'")
