"""Glob patterns over repository paths; pure text, the disk is never asked."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a path (relative, with `/`) matches one of the patterns.

    `*` and `?` stay inside one folder, `**` crosses folders, and a pattern that names a folder means
    everything below it.
    """
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.removeprefix("./").rstrip("/")
    out, place = "", 0
    while place < len(text):
        if text.startswith("**/", place):
            out, place = out + "(?:[^/]+/)*", place + 3
        elif text.startswith("**", place):
            out, place = out + ".*", place + 2
        elif text[place] == "*":
            out, place = out + "[^/]*", place + 1
        elif text[place] == "?":
            out, place = out + "[^/]", place + 1
        else:
            out, place = out + re.escape(text[place]), place + 1
    return re.compile(f"{out}(?:/.*)?", re.DOTALL)
