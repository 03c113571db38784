"""Reporter: the summary of a job, in GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters import budget, sections
from truegreen.reporters.base import Document

if TYPE_CHECKING:
    from truegreen.model.verdict import Report


class SummaryReporter:
    """Short when green; when red, for each cause: why, the evidence, the places, the way out.

    The budget keeps a margin below the 1 MiB at which the runner throws a summary away as a whole.
    """

    name: ClassVar[str] = "summary"
    media_type: ClassVar[str] = "text/markdown"
    budget_bytes: ClassVar[int] = 1_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the summary within the budget."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        fitted = budget.fit(sections.parts(report), limit)
        return Document(body=fitted.text.encode(), media_type=self.media_type, omitted=fitted.omitted)
