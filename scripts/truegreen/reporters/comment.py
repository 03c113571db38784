"""Reporter: the one comment on a pull request, in GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters import budget, sections
from truegreen.reporters.base import Document

if TYPE_CHECKING:
    from truegreen.model.verdict import Report
    from truegreen.reporters.base import Layout

MARKER = "<!-- truegreen:report -->"
"""By this line the comment is found again and updated."""


class CommentReporter:
    """The same sections as the summary but the logs of services, below a marker, within the forge's limit."""

    name: ClassVar[str] = "comment"
    media_type: ClassVar[str] = "text/markdown"
    budget_bytes: ClassVar[int] = 65_000

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the comment within the budget."""
        parts = sections.parts(report, logs=False)
        arranged = self.layout.arrange(report, parts) if self.layout else parts
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        marker = budget.Part(name="the marker", forms=(MARKER,), required=True)
        fitted = budget.fit((marker, *arranged), limit)
        return Document(body=fitted.text.encode(), media_type=self.media_type, omitted=fitted.omitted)
