"""Fitting a document into a number of bytes without ever cutting inside a part of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.graphemes import whole

if TYPE_CHECKING:
    from collections.abc import Iterable


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a document, in one or more lengths."""

    name: str
    """What is missing when it is left out, such as `details of unit`."""
    forms: tuple[str, ...]
    """The same piece, shortest first; each is complete and balanced in itself."""
    required: bool = False
    """True for a piece that is never left out; it then needs a short form."""
    expendable: bool = False
    """True for a piece that is left out before any other, such as a team's own words."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """A document within its budget."""

    text: str
    shortened: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def omitted(self) -> str:
        """Say in words what the budget cost; empty when nothing."""
        clauses = []
        if self.shortened:
            clauses.append(f"shortened: {_names(self.shortened)}")
        if self.left_out:
            clauses.append(f"left out: {_names(self.left_out)}")
        return "; ".join(clauses)


_NAMED = 3
_NAME_CHARS = 80
_UNIT = re.compile(r"&[#A-Za-z0-9]{1,32};|\\.|.", re.DOTALL)
"""What is not cut in Markdown without code."""
_NOTE_BYTES = 450
"""Room kept for the sentence about what is missing."""


_CUT = "Not everything fits here."
_WHOLE = "The whole is in `report.html` of the artifact `truegreen-report`."


def size(text: str) -> int:
    """Return the length in UTF-8 bytes."""
    return len(text.encode())


def fit(parts: tuple[Part, ...], budget_bytes: int) -> Fitted:
    """Return the parts joined by blank lines, each in the longest form for which there is room.

    Earlier parts are served first. When not even the shortest forms fit, parts are left out from the end, expendable
    ones before the others, and what then fits all the same is put back. Required ones stay whatever the budget is, so
    a budget smaller than they are is exceeded.
    """
    full = join(part.forms[-1] for part in parts)
    if size(full) <= budget_bytes:
        return Fitted(text=full)
    room = budget_bytes - _NOTE_BYTES
    chosen, used = _shortest(parts, room)
    for place, part in enumerate(parts):
        current = chosen[place]
        if current is None:
            continue
        for form in reversed(part.forms[1:]):
            grown = used - size(current) + size(form)
            if grown <= room:
                chosen[place], used = form, grown
                break
    return _described(parts, chosen, budget_bytes)


def _shortest(parts: tuple[Part, ...], room: int) -> tuple[list[str | None], int]:
    """Return the shortest form of each part, None for those without room, and the bytes of all."""
    chosen: list[str | None] = [part.forms[0] for part in parts]
    costs = [size(part.forms[0]) + 2 if part.forms[0] else 0 for part in parts]
    used = sum(costs)
    dearest = sorted(range(len(parts)), key=lambda place: (parts[place].expendable, place))
    for place in reversed(dearest):
        if used > room and not parts[place].required:
            chosen[place], used = None, used - costs[place]
    for place in dearest:
        # What was left out for the sake of a part that does not fit itself comes back.
        if chosen[place] is None and used + costs[place] <= room:
            chosen[place], used = parts[place].forms[0], used + costs[place]
    return chosen, used


def _described(parts: tuple[Part, ...], chosen: list[str | None], budget_bytes: int) -> Fitted:
    """Return the document with a closing note on what is missing, when there is room for it."""
    shortened = tuple(p.name for p, text in zip(parts, chosen, strict=True) if text is not None and text != p.forms[-1])
    left_out = tuple(p.name for p, text in zip(parts, chosen, strict=True) if text is None)
    body = join(text for text in chosen if text)
    fitted = Fitted(text=body, shortened=shortened, left_out=left_out)
    for note in (f"_{_CUT} {_sentence(fitted.omitted)} {_WHOLE}_", f"_{_CUT} {_WHOLE}_"):
        with_note = join((body, note))
        if size(with_note) <= budget_bytes:
            return msgspec.structs.replace(fitted, text=with_note)
    return fitted


def join(texts: Iterable[str]) -> str:
    """Return non-empty pieces with a blank line between them and a newline at the end."""
    pieces = [text.strip("\n") for text in texts if text]
    return "\n\n".join(pieces) + "\n"


def _sentence(clauses: str) -> str:
    return f"{clauses[:1].upper()}{clauses[1:]}."


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(_name(name) for name in names[:_NAMED]) + more


def _name(name: str) -> str:
    """Return the beginning of a name, which is Markdown: no entity, escape or emoji of it is cut."""
    if len(name) <= _NAME_CHARS:
        return name
    ends = (unit.end() for unit in _UNIT.finditer(name))
    end = max((end for end in ends if end < _NAME_CHARS and whole(name, end) == end), default=0)
    return f"{name[:end].rstrip()}…"
