"""Failures that are likely to have one cause, and the lines of a failure that say what it is; pure text."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import fingerprint
from truegreen.model.verdict import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LINES_READ = 5_000
_WIDTH = 1_000
_GLANCE = 200
_DIGITS = re.compile(r"\d+")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_CAPTURED = re.compile(r"-{3,200} ?Captured [^\n]{1,80} ?-{3,200}")
_PYTEST_PLACE = re.compile(r"[^\s:][^:]{0,500}\.py:\d{1,9}: ")
_STACK = re.compile(r"\s{0,16}at \S")


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Failures that are alike: same exception, same message but for what changes from run to run, same place."""

    items: tuple[Item, ...]
    """At least one, in the order they came."""

    @property
    def tests(self) -> int:
        """How many tests there are, those that are not listed among them."""
        return sum(1 + item.unlisted for item in self.items)

    @property
    def shard(self) -> str:
        """Where the first of them failed; empty outside shards."""
        return self.items[0].shard

    @property
    def more_shards(self) -> int:
        """In how many shards besides more of them failed."""
        return len({item.shard for item in self.items} - {self.shard, ""})


def by_cause(items: Iterable[Item]) -> tuple[Cause, ...]:
    """Return the failures in groups, those with most tests first; among equals the order of the first of each.

    A failure that names neither a place of the repository nor an exception of its own stands alone: with so little
    known, the likeness would be one of words.
    """
    groups: dict[str, list[Item]] = {}
    for number, item in enumerate(items):
        groups.setdefault(_key(item, number), []).append(item)
    found = [Cause(items=tuple(group)) for group in groups.values()]
    return tuple(sorted(found, key=lambda cause: -cause.tests))


def listed(items: Sequence[Item], limit: int) -> tuple[Item, ...]:
    """Return at most `limit` failures in their order: one of each cause before a second of any.

    The first of each cause counts those of it that are not listed. When there are more causes than the limit, those
    of most tests are kept.
    """
    if len(items) <= limit:
        return tuple(items)
    places: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        places.setdefault(_key(item, number), []).append(number)
    groups = sorted(places.values(), key=len, reverse=True)
    turns = sorted((turn, rank) for rank, group in enumerate(groups) for turn in range(min(len(group), limit)))[:limit]
    kept = Counter(rank for _, rank in turns)
    rest = {groups[rank][0]: len(groups[rank]) - count for rank, count in kept.items()}
    return tuple(
        msgspec.structs.replace(items[number], unlisted=rest[number]) if rest.get(number) else items[number]
        for number in sorted(groups[rank][turn] for turn, rank in turns)
    )


def varied(messages: Iterable[str]) -> list[int]:
    """Return the places of messages, one of each kind before a second of any; a kind is told by a glance."""
    seen: Counter[str] = Counter()
    turns = []
    for place, message in enumerate(messages):
        kind = _DIGITS.sub("", message[:_GLANCE])
        turns.append((seen[kind], place))
        seen[kind] += 1
    return [place for _, place in sorted(turns)]


def _key(item: Item, number: int) -> str:
    found = fingerprint.parts(item.message, item.detail)
    alike = found.frame or found.exception not in ("", "AssertionError")
    return found.key if alike else f"alone {number}"


def telling(detail: str, count: int = 6) -> tuple[str, ...]:
    """Return the lines of a failure that say most, at most `count`, in their order.

    What was captured of the program's output comes after the failure, and is left out. Of pytest's own form these are
    the statement that failed, what was compared and the place; of a stack that begins with its message (JVM, Node)
    the last cause, its message and the frames next to it; of anything else the last lines.
    """
    plain = _COLOUR.sub("", detail) if "\x1b" in detail else detail
    rows = [row[:_WIDTH].rstrip() for row in plain.splitlines()[-_LINES_READ:]]
    cut = next((place for place, row in enumerate(rows) if _CAPTURED.fullmatch(row.strip())), len(rows))
    rows = [row for row in rows[:cut] if row.strip()] or [row for row in rows if row.strip()]
    if any(row.startswith("E  ") for row in rows):
        return _of_pytest(rows, count)
    if any(_STACK.match(row) for row in rows):
        return _of_stack(rows, count)
    return tuple(rows[-count:])


def _of_pytest(rows: list[str], count: int) -> tuple[str, ...]:
    last = max(place for place, row in enumerate(rows) if row.startswith("E  "))
    first = last
    while first and rows[first - 1].startswith("E  "):
        first -= 1
    statement = rows[first - 1 : first] if first and rows[first - 1].startswith(">") else []
    place = [row for row in rows[last + 1 :] if _PYTEST_PLACE.match(row)][:1]
    room = max(1, count - len(statement) - len(place))
    kept = (*statement, *rows[first : last + 1][:room], *place)[:count]
    above = first - len(statement)
    return (*rows[max(0, above - (count - len(kept))) : above], *kept)


def _of_stack(rows: list[str], count: int) -> tuple[str, ...]:
    start = max((place for place, row in enumerate(rows) if row.startswith("Caused by:")), default=0)
    frames = next((place for place in range(start, len(rows)) if _STACK.match(rows[place])), len(rows))
    message = rows[start:frames][: max(1, count - 2)]
    return (*message, *rows[frames : frames + count - len(message)])[:count]
