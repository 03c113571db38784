"""Foreign text for Slack: escaped, unable to mention anybody, never cut inside a character or entity.

Slack's own count of characters is not documented; UTF-16 units are counted here, the stricter guess.
"""

from __future__ import annotations

import re

from truegreen.analysis.graphemes import whole
from truegreen.runtime.console import neutral_line

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone))", re.IGNORECASE)
_URL = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?:/[A-Za-z0-9._~/%#?=&+@-]{0,1000})?")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RUN = "/actions/runs/"
_BASIC_PLANE = 0xFFFF


def units(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) + sum(1 for char in text if ord(char) > _BASIC_PLANE)


def clean(text: str, limit: int) -> str:
    """Return text on one line, without control characters, lone surrogates and broadcasts.

    What is longer than `limit` may be left out, and the line is longer then.
    """
    line = neutral_line(text, limit)
    return _BROADCAST.sub("@\u200b", line)


def escape(text: str) -> str:
    """Return text in which Slack sees neither a link, a mention nor an entity."""
    return "".join(_ENTITIES.get(char, char) for char in text)


def clip(text: str, limit: int) -> str:
    """Return escaped text of at most `limit` units, cut between characters as people see them."""
    full = escape(text)
    if units(full) <= limit:
        return full
    used = end = 0
    for position, char in enumerate(text):
        used += units(_ENTITIES.get(char, char))
        if used > limit - 1:
            break
        end = position + 1
    return escape(text[: whole(text, end)].rstrip()) + "…" if limit > 0 else ""


def say(text: str, limit: int) -> str:
    """Return foreign text as a running line; an odd backtick cannot swallow what follows."""
    line = clean(text, limit)
    cut = clip(line, limit)
    return cut if cut.count("`") % 2 == 0 else clip(line.replace("`", "'"), limit)


def plain(text: str, limit: int) -> str:
    """Return foreign text for a plain_text object, where Slack reads no entity and no markup."""
    line = clean(text, limit)
    if units(line) <= limit:
        return line
    end = limit - 1
    while units(line[:end]) > limit - 1:
        end -= 1
    return line[: whole(line, end)] + "…"


def code(text: str, limit: int) -> str:
    """Return foreign text as a code span; empty for empty text."""
    inner = clip(clean(text, limit).replace("`", "\u02cb"), limit - 2)
    return f"`{inner}`" if inner else ""


def link(url: str, label: str) -> str:
    """Return a link when the address is plain https, else the label alone; the label is our own text."""
    return f"<{escape(url)}|{label}>" if _URL.fullmatch(url) else label


def commit_link(run_url: str, commit: str) -> str:
    """Return the short commit, linked when the run's address tells where the repository is."""
    if not _SHA.fullmatch(commit):
        return code(commit, 50)
    home, found, _ = run_url.partition(_RUN)
    return link(f"{home}/commit/{commit}", commit[:12]) if found else f"`{commit[:12]}`"
