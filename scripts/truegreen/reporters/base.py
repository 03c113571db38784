"""The contract of a reporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from truegreen.model.verdict import Report
    from truegreen.reporters.budget import Part


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered report."""

    body: bytes
    media_type: str
    omitted: str = ""
    """What the byte budget left out, in words; empty when nothing."""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Layout(Protocol):
    """The order in which a document shows the parts of a report, and what stands between them; pure."""

    def arrange(self, report: Report, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        """Return the parts of the document, with the headline first and every required part among them."""
        ...


class Reporter(Protocol):
    """Renders a report; pure."""

    name: ClassVar[str]
    media_type: ClassVar[str]
    budget_bytes: ClassVar[int]
    """Default limit of the document in UTF-8 bytes."""

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document within the budget, never cut inside an entity, fence, table or emoji."""
        ...
