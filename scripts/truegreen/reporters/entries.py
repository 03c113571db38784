"""Lists of what is behind a verdict, in Markdown: items one by one, failures of tests cause by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import causes
from truegreen.reporters import links
from truegreen.reporters.escape import code, fence, markdown, prose
from truegreen.reporters.words import alike, further_shards, more_causes, told_by_base, without_cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.analysis.causes import Cause
    from truegreen.model.verdict import Item

DETAIL_LINES = 6
_ALSO = 5
"""Further tests of a cause that are named."""
_OWNERS = 4


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where links lead; empty where the report does not say it beyond doubt."""

    blob: str = ""

    def place(self, path: str, line: int, last_line: int = 0) -> str:
        """Return `path:line` or `path:line-last` as a link to the commit that was judged, or as code."""
        if not path:
            return ""
        lines = f":{line}" + (f"-{last_line}" if last_line > line else "") if line else ""
        shown = code(f"{path}{lines}", 300)
        target = links.place(self.blob, path, line, last_line)
        return f"[{shown}]({target})" if target else shown


def items(found: tuple[Item, ...], source: Source, *, count: int, detailed: int, unlisted: int = 0) -> str:
    """Return so many items one by one, the first of them with their text; `unlisted` more are known by number alone."""
    rows = []
    for number, item in enumerate(found[:count]):
        block = fence(item.detail, lines=DETAIL_LINES, width=300) if number < detailed and item.detail.strip() else ""
        rows.append(_entry(_head(item, source), item.message, block, _owners(item)))
    if more := len(found[count:]) + unlisted:
        rows.append(f"- … and {more:,} more")
    return "\n".join(rows).strip("\n")


def failures(
    found: tuple[Cause, ...],
    source: Source,
    *,
    count: int,
    detailed: int,
    news: Mapping[str, str] | None = None,
    unlisted: int = 0,
) -> str:
    """Return so many causes, each with its first test, the lines that say most, and the other tests that fail alike.

    Args:
        found: the tests that failed, cause by cause, what fails most often first.
        source: where links lead.
        count: causes that are shown.
        detailed: causes whose lines are shown.
        news: test → what the base says about its failure.
        unlisted: tests that are known by number alone, those that causes count among them.
    """
    rows = []
    for place, cause in enumerate(found[:count]):
        first = cause.items[0]
        head = f"**{alike(cause)}**, first {_head(first, source)}" if cause.tests > 1 else _head(first, source)
        if cause.shard:
            head += f" in shard {code(cause.shard, 100)}{further_shards(cause)}"
        head += "".join(f" **({word})**" for word in told_by_base(cause, news or {}))
        after = "<br>".join(text for text in (_owners(first), _also(cause)) if text)
        rows.append(_entry(head, first.message, _telling(first) if place < detailed else "", after))
    if left := found[count:]:
        rows.append(f"- … and {more_causes(left)}")
    if rest := without_cause(found, unlisted):
        rows.append(f"- … and {rest}")
    return "\n".join(rows).strip("\n")


def _also(cause: Cause) -> str:
    """Return the further tests of a cause: some by name, the others by number."""
    named = cause.items[1 : 1 + _ALSO]
    others = ", ".join(code(item.title, 200) for item in named)
    rest = cause.tests - 1 - len(named)
    return f"also {others}" * bool(named) + f" and {rest:,} more" * (rest > 0 and bool(named))


def _head(item: Item, source: Source) -> str:
    place = source.place(item.path, item.line, item.last_line)
    if place and item.title == item.path:  # a file is named once, with its lines
        return place
    return code(item.title, 300) + (f" at {place}" if place else "")


def _entry(head: str, message: str, block: str, after: str) -> str:
    line = "<br>".join(text for text in (head, prose(message, 400) if message else "", after) if text)
    inside = "\n".join(f"  {row}" for row in block.split("\n"))
    return f"- {line}" + (f"\n\n{inside}\n" if block else "")


def _telling(item: Item) -> str:
    """Return the lines of a failure that say most, fenced, with how many there are in all."""
    lines = causes.telling(item.detail, DETAIL_LINES)
    if not lines:
        return ""
    total = sum(1 for row in item.detail.splitlines() if row.strip())
    note = (f"[{len(lines)} of {total:,} lines]",) if total > len(lines) else ()
    return fence("\n".join((*note, *lines)), lines=DETAIL_LINES + 1, width=300)


def _owners(item: Item) -> str:
    """Return who owns the file; the names are broken, so that nobody is notified."""
    if not item.owners:
        return ""
    more = f" and {len(item.owners) - _OWNERS:,} more" if len(item.owners) > _OWNERS else ""
    return f"Owner: {', '.join(markdown(name, 100) for name in item.owners[:_OWNERS])}{more}"
