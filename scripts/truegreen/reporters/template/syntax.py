"""Reading a template: lines to nodes, or one error that names the line.

The language is a small part of Mustache (https://mustache.github.io/mustache.5.html): names, conditions, inverted
conditions and comments. There are no loops, no expressions and no includes, so what a template writes is never
longer than itself and its values.
"""

from __future__ import annotations

import difflib
import re
from typing import NoReturn

import msgspec

from truegreen.errors import TemplateUnusable
from truegreen.reporters.template import inline, names
from truegreen.reporters.template.names import CONDITIONS, MORE, SECTIONS, VALUES

MAX_BYTES = 20_000
_MAX_LINE = 2_000
_MAX_DEPTH = 8
_MAX_VALUES = 100
_TAG = re.compile(r"\{\{ *(?P<kind>[#^/!]?) *(?P<name>[^{}]*?) *\}\}")
_HEADING = re.compile(r"(#{1,6}) +(\S.*?)(?: +#+)?")
_BULLET = re.compile(r"( {0,8})[-*+] +(\S.*)")
_NUMBER = re.compile(r"( {0,8})(\d{1,9})([.)]) +(\S.*)")
_LEAST_HEADING = 3


class Line(msgspec.Struct, frozen=True):
    """A line of own text."""

    start: str
    """What stands before it in Markdown: `- `, `> ` or nothing."""
    pieces: tuple[inline.Piece, ...]


class Fence(msgspec.Struct, frozen=True):
    """A block of code, as it is written."""

    text: str


class Blank(msgspec.Struct, frozen=True):
    """What parts two paragraphs."""


class Heading(msgspec.Struct, frozen=True):
    """A heading of own text; directly above a section it belongs to it."""

    line: Line


class Place(msgspec.Struct, frozen=True):
    """Where a section stands."""

    section: str


class When(msgspec.Struct, frozen=True):
    """Nodes that are there while a condition holds, or while it does not."""

    condition: str
    holds: bool
    nodes: tuple[Node, ...]


Node = Line | Fence | Blank | Heading | Place | When


class _Open(msgspec.Struct):
    """A condition whose end has not come yet; the outermost stands for the whole template."""

    condition: str = ""
    holds: bool = True
    line: int = 0
    nodes: list[Node] = msgspec.field(default_factory=list)


def parse(text: str, label: str) -> tuple[Node, ...]:
    """Return the nodes of a template.

    Args:
        text: of the template.
        label: how errors name its file.

    Raises:
        TemplateUnusable: a name nothing knows, or a line that cannot be understood; names file and line.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        _refuse(label, 0, f"a template has more than {MAX_BYTES:,} bytes", "shorten it: sections bring their own text")
    return _Reading(label).nodes(text)


def _refuse(label: str, line: int, what: str, fix: str) -> NoReturn:
    raise TemplateUnusable(what, where=f"{label}:{line}" if line else label, fix=fix)


class _Reading:
    """One pass over the lines of a template."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.number = 0
        self.stack = [_Open()]
        self.values = 0

    def nodes(self, text: str) -> tuple[Node, ...]:
        fence: list[str] | None = None
        opened = 0
        for self.number, raw in enumerate(re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff")), start=1):
            row = raw.rstrip()
            if len(row) > _MAX_LINE:
                self.refuse(f"a line has more than {_MAX_LINE:,} characters", "break it")
            if fence is not None and row.strip() == "```":
                self.add(Fence("\n".join(fence)))
                fence = None
            elif fence is not None:
                self.other_than_verdict(row)
                fence.append(row)
            elif row.lstrip().startswith("```"):
                fence, opened = [], self.number
            else:
                self.read(row)
        if fence is not None:
            _refuse(self.label, opened, "a block of code is not closed", "end it by a line with ``` alone")
        if len(self.stack) > 1:
            last = self.stack[-1]
            fix = f"end it by a line with {{{{/{last.condition}}}}} alone"
            _refuse(self.label, last.line, f"the condition {last.condition} is not closed", fix)
        return tuple(self.stack[0].nodes)

    def refuse(self, what: str, fix: str) -> NoReturn:
        _refuse(self.label, self.number, what, fix)

    def add(self, node: Node) -> None:
        self.stack[-1].nodes.append(node)

    def read(self, row: str) -> None:
        """Read one line outside a block of code."""
        tag = _TAG.fullmatch(row.strip())
        if tag is None:
            self.text(row)
        elif tag["kind"] == "/":
            self.close(tag["name"])
        elif tag["kind"] in ("#", "^"):
            self.open(tag["name"], holds=tag["kind"] == "#")
        elif tag["kind"] == "!":
            pass
        elif tag["name"] in SECTIONS or tag["name"] == MORE:
            self.add(Place(tag["name"]))
        else:
            self.text(row)

    def open(self, name: str, *, holds: bool) -> None:
        if name not in CONDITIONS:
            self.unknown(name, CONDITIONS, "condition")
        if len(self.stack) > _MAX_DEPTH:
            self.refuse(f"conditions stand in more than {_MAX_DEPTH} others", "put one after the other")
        self.stack.append(_Open(name, holds, self.number))

    def close(self, name: str) -> None:
        last = self.stack[-1]
        if len(self.stack) == 1 or last.condition != name:
            what = f"the open one is {last.condition}, of line {last.line}" if len(self.stack) > 1 else "none is open"
            self.refuse(f"the end of {name[:60]!r} ends no condition: {what}", "end them in turn, the innermost first")
        self.stack.pop()
        self.add(When(last.condition, last.holds, tuple(last.nodes)))

    def text(self, row: str) -> None:
        """Read a line of own text."""
        line = inline.trimmed(row)
        if wrong := inline.unknown(line):
            self.refuse_tag(wrong)
        self.values += len(inline.values(line))
        if self.values > _MAX_VALUES:
            self.refuse(f"the template names more than {_MAX_VALUES} values", "name fewer of them")
        words = line.strip()
        if not words:
            self.add(Blank())
        elif heading := _HEADING.fullmatch(words):
            shown = self.line(f"{heading[1]} ", heading[2], heading=True)
            if len(heading[1]) < _LEAST_HEADING:
                self.refuse("a heading is as large as the verdict's", "begin it with ###, or with more of them")
            self.add(Heading(shown))
        elif bullet := _BULLET.fullmatch(line):
            self.add(self.line(f"{bullet[1]}- ", bullet[2]))
        elif number := _NUMBER.fullmatch(line):
            self.add(self.line(f"{number[1]}{number[2]}{number[3]} ", number[4]))
        elif line.startswith(">"):
            self.add(self.line("> ", line[1:].strip()))
        else:
            self.add(self.line("", words))

    def line(self, start: str, text: str, *, heading: bool = False) -> Line:
        def refuse(what: str, fix: str) -> TemplateUnusable:
            return TemplateUnusable(what, where=f"{self.label}:{self.number}", fix=fix)

        pieces = inline.parse(text, refuse)
        self.other_than_verdict(inline.words(pieces, {}), heading=heading)
        return Line(start, pieces)

    def other_than_verdict(self, words: str, *, heading: bool = False) -> None:
        """Refuse what a reader could take for the verdict's line."""
        if names.looks_like_verdict(words, heading=heading):
            self.refuse("a line looks like the verdict's", "say it in other words; {{verdict}} stands for the verdict")

    def refuse_tag(self, wrong: str) -> NoReturn:
        """Say what is wrong with something between braces that is no value."""
        tag = _TAG.fullmatch(wrong)
        if tag is None:
            self.refuse(f"{wrong!r} is no name between {{{{ and }}}}", "text is escaped always; write {{name}}")
        if tag["name"] in SECTIONS or tag["name"] == MORE or tag["kind"]:
            self.refuse(f"{wrong} has words beside it", "put it on a line of its own")
        self.unknown(tag["name"], (*SECTIONS, MORE, *VALUES), "name")

    def unknown(self, name: str, known: tuple[str, ...], kind: str) -> NoReturn:
        near = difflib.get_close_matches(name, known, n=1)
        fix = f"perhaps you meant {near[0]}" if near else f"known here: {', '.join(known)}"
        self.refuse(f"unknown {kind} {name[:60]!r} in a template", fix)
