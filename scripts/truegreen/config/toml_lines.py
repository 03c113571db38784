"""Where each key stands in a TOML file, so that errors and provenance can name the line."""

from __future__ import annotations

import re

_TABLE = re.compile(r"^\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def key_lines(text: str) -> dict[str, int]:
    """Return dotted key → 1-based line for every table and key of a TOML document.

    A scanner, not a parser: keys inside inline tables and multi-line strings are not listed; the
    nearest listed prefix then names the place (see `line_of`).
    """
    lines: dict[str, int] = {}
    prefix: tuple[str, ...] = ()
    for number, row in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(row):
            prefix = _parts(match.group(1))
            lines.setdefault(".".join(prefix), number)
        elif match := _KEY.match(row):
            lines.setdefault(".".join((*prefix, *_parts(match.group(1)))), number)
    return lines


def line_of(lines: dict[str, int], key: str) -> int:
    """Return the line of a key, or of its nearest listed parent; 0 when none is listed."""
    parts = key.split(".")
    while parts:
        if found := lines.get(".".join(parts)):
            return found
        parts.pop()
    return 0


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))
