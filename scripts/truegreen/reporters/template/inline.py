"""A line of a template: own text with bold, italics, code, links and values; all else is shown as it is written.

What a line may hold is listed here, and nothing that is not listed becomes markup: text and values meet before
they are escaped, so that no mention, reference or markup can come together where one ends and the other begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from truegreen.reporters.escape import code, markdown, one_line
from truegreen.reporters.template.names import VALUES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VALUE = re.compile(r"\{\{([a-z-]+)\}\}")
_SPACED = re.compile(r"\{\{ *([a-z-]+) *\}\}")
_MARKUP = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|(?P<image>!?)\[(?P<text>[^\[\]]+)\]\((?P<target>[^()\s]*)\)"
    r"|\*\*(?=\S)(?P<strong>[^*]+)(?<=\S)\*\*"
    r"|(?<![A-Za-z0-9_])_(?=\S)(?P<emphasis>[^_]+)(?<=\S)_(?![A-Za-z0-9_])"
)
_BEGIN = re.compile(r"[`!\[*_]")
"""What markup begins with: to look for this alone is faster by far than to try the whole at each character."""
_TARGET = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#](?:[A-Za-z0-9._~:/?#!&'*+,;=%-]|\{\{[a-z-]+\}\})*)?")
"""The values of an address come after its host, so that no value chooses where a link leads."""
_RUN_URL = "{{run-url}}"
_VALUE_CHARS = 300
_JOINER = "\u2060"
"""Invisible, and breaks a mention or a reference in two."""
_ENDS, _BEGINS = "`*_) ", "`*_[ "
"""What markup ends and begins with, and blanks; the empty text, which is in both, stands for nothing at all."""


class Text(msgspec.Struct, frozen=True):
    """Words and values in turn; a value is a name in a tuple of its own."""

    source: str


class Code(msgspec.Struct, frozen=True):
    """Inline code, in which values are replaced and nothing else."""

    source: str


class Link(msgspec.Struct, frozen=True):
    """A link to an https address of the template, or to the run."""

    pieces: tuple[Piece, ...]
    target: str


class Styled(msgspec.Struct, frozen=True):
    """Bold or italic text."""

    pieces: tuple[Piece, ...]
    mark: str


Piece = Text | Code | Link | Styled


def parse(line: str, refuse: Callable[[str, str], Exception]) -> tuple[Piece, ...]:
    """Return the pieces of a line.

    Args:
        line: of the template, without marks of a heading or list.
        refuse: returns the error for what is wrong and how to mend it, to be raised.
    """
    pieces: list[Piece] = []
    after = 0
    begin = _BEGIN.search(line)
    while begin:
        match = _MARKUP.match(line, begin.start())
        if match:
            pieces += _text(line[after : match.start()])
            after = match.end()
            pieces.append(_marked(match, refuse))
        begin = _BEGIN.search(line, match.end() if match else begin.end())
    return (*pieces, *_text(line[after:]))


def _text(source: str) -> list[Piece]:
    return [Text(source)] if source else []


def _marked(match: re.Match[str], refuse: Callable[[str, str], Exception]) -> Piece:
    if match["code"] is not None:
        return Code(match["code"])
    if match["strong"] is not None:
        return Styled(parse(match["strong"], refuse), "**")
    if match["emphasis"] is not None:
        return Styled(parse(match["emphasis"], refuse), "_")
    if match["image"]:
        raise refuse("a template shows no images", "link to it: take the ! away")
    if match["target"] != _RUN_URL and not _TARGET.fullmatch(match["target"]):
        raise refuse(
            f"{match['target'] or 'nothing'!r} is nothing a template links to",
            "write an address that begins with https:// and its host, with values after the host alone, or {{run-url}}",
        )
    return Link(parse(match["text"], refuse), match["target"])


def trimmed(line: str) -> str:
    """Return a line in which no blanks stand between a name and its braces."""
    return line if "{{" not in line else _SPACED.sub(r"{{\1}}", line)


def values(line: str) -> list[str]:
    """Return the names of the values of a line."""
    return [] if "{{" not in line else _VALUE.findall(line)


def render(pieces: tuple[Piece, ...], given: Mapping[str, str]) -> str:
    """Return the line as Markdown, with the values that are given."""
    done = ""
    for piece in pieces:
        shown = _render(piece, given)
        # What two pieces make together must be no image, mention or reference, also where one between them is empty.
        if done.endswith("!") and shown.startswith("["):
            done = f"{done[:-1]}\\!"
        plain = done[-1:] not in _ENDS and shown[:1] not in _BEGINS
        done += f"{_JOINER}{shown}" if plain or done.endswith("@") else shown
    return done


def _render(piece: Piece, given: Mapping[str, str]) -> str:
    match piece:
        case Text(source):
            return markdown(*_replaced(source, given))
        case Code(source):
            return code(*_replaced(source, given))
        case Styled(pieces, mark):
            text = render(pieces, given).strip()
            return f"{mark}{text}{mark}" if text else ""
        case Link(pieces, target):
            address = _address(target, given)
            text = render(pieces, given)
            return f"[{text}]({address})" if address and text.strip() else text


def words(pieces: tuple[Piece, ...], given: Mapping[str, str]) -> str:
    """Return what a reader sees of a line: no marks and no addresses. A value that is not given stays in its braces."""
    return "".join(
        words(piece.pieces, given)
        if isinstance(piece, Styled | Link)
        else _VALUE.sub(lambda match: given.get(match[1], match[0])[:_VALUE_CHARS], piece.source)
        for piece in pieces
    )


def _replaced(source: str, given: Mapping[str, str]) -> tuple[str, int]:
    """Return own text with its values, and how long it may be."""
    if "{{" not in source:
        return source, len(source)
    shown, number = _VALUE.subn(lambda match: one_line(given[match[1]], _VALUE_CHARS), source)
    return shown, len(source) + _VALUE_CHARS * number


def _address(target: str, given: Mapping[str, str]) -> str:
    if target == _RUN_URL:
        return given["run-url"]

    def quoted(match: re.Match[str]) -> str:
        return quote(given[match[1]][:_VALUE_CHARS].encode("utf-8", "replace"), safe="")

    return _VALUE.sub(quoted, target)


def unknown(line: str) -> str:
    """Return the first thing between braces that is no value; empty when there is none."""
    if "{{" not in line:
        return ""
    if "{{{" in line:
        return "{{{"
    rest = _VALUE.sub(lambda match: "" if match[1] in VALUES else match[0], line)
    _, brace, after = rest.partition("{{")
    inner, end, _ = after.partition("}}")
    return f"{brace}{inner}{end}"[:60] if brace else ""
