"""Arranging the parts of a report: by a team's template, or as built in where its template cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.reporters.budget import Part, join
from truegreen.reporters.escape import code, fence, prose
from truegreen.reporters.template import inline, names
from truegreen.reporters.template.syntax import Blank, Fence, Heading, Line, Node, Place, When, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Report

_WHOLE = "The whole is in `report.html` of the artifact `truegreen-report`."
_FENCE_LINES = 400
_SAYS = "The template says: "
_GOES_ON = ("", "> ")
"""How a line begins that may go on in the paragraph of the line before it."""
_BEGINNING = 1_000


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """The layout of a team."""

    label: str
    """Its file, relative to the project."""
    nodes: tuple[Node, ...]

    def arrange(self, report: Report, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """Return the headline, then what the template places, then what no template leaves out.

        A section stands where it is placed first. What was required stays required, wherever it stands, and what
        the template leaves out is named in the last part.
        """
        head = tuple(part for part in parts if part.name == names.HEAD)
        waiting: dict[str, list[Part]] = {}
        for part in parts[len(head) :]:
            waiting.setdefault(names.section(part), []).append(part)
        filling = _Filling(report, waiting)
        placed = tuple(filling.parts(self.nodes))
        missing = [part for rest in waiting.values() for part in rest]
        kept = tuple(part for part in missing if part.required)
        left_out = dict.fromkeys(names.section(part) for part in missing if not part.required)
        note = (self._note(tuple(left_out)),) if left_out else ()
        return (*head, *placed, *kept, *note)

    def _note(self, left_out: tuple[str, ...]) -> Part:
        what = ", ".join(f"`{name}`" for name in left_out)
        text = f"_The template {code(self.label, 100)} leaves out {what}. {_WHOLE}_"
        return Part(name="what the template leaves out", forms=(text,), required=True)


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The built-in layout, in place of a template that cannot be used, and why."""

    label: str
    reason: str

    def arrange(self, report: Report, parts: tuple[Part, ...]) -> tuple[Part, ...]:  # noqa: ARG002 - as of a Template
        """Return the parts as they are, and what is wrong with the template."""
        text = f"This is the built-in form, because the template {code(self.label, 100)} cannot be used: "
        return (*parts, Part(name="the fault of the template", forms=(text + prose(self.reason, 500),), required=True))


Layout = Template | Refused


def read(text: str, label: str) -> Template:
    """Return the template in a text.

    Raises:
        TemplateUnusable: see `syntax.parse`.
    """
    return Template(label=label, nodes=parse(text, label))


class _Filling:
    """One pass over a template for one report; takes the parts that it places out of those that wait."""

    def __init__(self, report: Report, waiting: dict[str, list[Part]]) -> None:
        self.waiting = waiting
        self.given = {name: value(report) for name, value in names.VALUES.items()}
        self.true = names.true(report, set(waiting))
        self.before = ""
        """What is seen of the paragraph in front of a line: its lines may be shown as one."""

    def parts(self, nodes: tuple[Node, ...]) -> Iterator[Part]:
        """Yield own text and sections in the order of the template."""
        texts: list[str] = []
        heading = ""
        for node in self.flat(nodes):
            if isinstance(node, Place):
                yield from _own(texts)
                yield from _under(heading, self.waiting.pop(node.section, []))
                texts, heading, self.before = [], "", ""
            elif not (heading and isinstance(node, Blank)):
                # A heading waits for what comes: directly above a section it shows with the section alone.
                texts += [heading, ""] if heading else []
                heading = self.text(node) if isinstance(node, Heading) else ""
                texts += [] if heading else [self.text(node)]
        yield from _own([*texts, heading])

    def flat(self, nodes: tuple[Node, ...]) -> Iterator[Node]:
        """Yield the nodes whose conditions hold."""
        for node in nodes:
            if not isinstance(node, When):
                yield node
            elif (node.condition in self.true) == node.holds:
                yield from self.flat(node.nodes)

    def text(self, node: Node) -> str:
        match node:
            case Line(start, pieces) | Heading(Line(start, pieces)):
                return f"{start}{self.lead(node, inline.words(pieces, self.given))}{inline.render(pieces, self.given)}"
            case Fence(text):
                self.before = ""
                return fence(text, lines=_FENCE_LINES, width=2_000)
            case _:
                self.before = ""
                return ""

    def lead(self, node: Line | Heading, words: str) -> str:
        """Return what stands in front of words that look like another verdict.

        A value is foreign, and may say what the template itself may not; so may several lines together.
        """
        heading, verdict = isinstance(node, Heading), self.given["verdict"]
        before = self.before if isinstance(node, Line) and node.start in _GOES_ON else ""
        joined = (words, f"{before} {words}")
        alike = any(names.looks_like_verdict(one, heading=heading, verdict=verdict) for one in joined)
        lead = _SAYS if alike else ""
        # Of a paragraph no more is asked than how it begins.
        self.before = "" if heading else f"{before} {lead}{words}"[:_BEGINNING]
        return lead


def _own(texts: list[str]) -> Iterator[Part]:
    """Yield own text as one part; nothing where there is none."""
    text = "\n".join(texts).strip("\n")
    if text:
        yield Part(name="text of the template", forms=(text,), expendable=True)


def _under(heading: str, parts: list[Part]) -> Iterator[Part]:
    """Yield the parts of a section, the first with its heading unless only the shortest of it fits."""
    for place, part in enumerate(parts):
        if place or not heading:
            yield part
            continue
        forms = (part.forms[0], *(join((heading, form)).strip("\n") for form in part.forms))
        yield msgspec.structs.replace(part, forms=tuple(dict.fromkeys(forms)))
