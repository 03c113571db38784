"""Reporter: the one comment on a pull request, in GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters import budget, sections
from truegreen.reporters.base import Document

if TYPE_CHECKING:
    from truegreen.model.verdict import Report

MARKER = "<!-- truegreen:report -->"
"""By this line the comment is found again and updated."""


class CommentReporter:
    """The same sections as the summary, below a marker, within the forge's limit for comments."""

    name: ClassVar[str] = "comment"
    media_type: ClassVar[str] = "text/markdown"
    budget_bytes: ClassVar[int] = 65_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the comment within the budget."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        marker = budget.Part(name="the marker", forms=(MARKER,), required=True)
        fitted = budget.fit((marker, *sections.parts(report)), limit)
        return Document(body=fitted.text.encode(), media_type=self.media_type, omitted=fitted.omitted)
