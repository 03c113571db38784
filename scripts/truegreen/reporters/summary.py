"""Reporter: the summary of a job, in GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters import budget, sections
from truegreen.reporters.base import Document

if TYPE_CHECKING:
    from truegreen.model.verdict import Report
    from truegreen.reporters.base import Layout


class SummaryReporter:
    """Short when green; when red, for each cause: why, the evidence, the places, the way out.

    The budget keeps a margin below the 1 MiB at which the runner throws a summary away as a whole.
    """

    name: ClassVar[str] = "summary"
    media_type: ClassVar[str] = "text/markdown"
    budget_bytes: ClassVar[int] = 1_000_000

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the summary within the budget."""
        parts = sections.parts(report)
        arranged = self.layout.arrange(report, parts) if self.layout else parts
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        fitted = budget.fit(arranged, limit)
        return Document(body=fitted.text.encode(), media_type=self.media_type, omitted=fitted.omitted)
