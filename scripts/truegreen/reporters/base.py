"""The contract of a reporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from truegreen.model.verdict import Report


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


class Reporter(Protocol):
    """Renders a report; pure."""

    name: ClassVar[str]
    media_type: ClassVar[str]
    budget_bytes: ClassVar[int]
    """Default limit of the document in UTF-8 bytes."""

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document within the budget, never cut inside an entity, fence, table or emoji."""
        ...
