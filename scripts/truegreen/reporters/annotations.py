"""Reporter: workflow commands that put each red on its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters.base import Document
from truegreen.reporters.escape import command_data, command_property
from truegreen.reporters.words import same_story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Item, Report, StageReport
    from truegreen.reporters.words import Story

_EACH = 10
"""The runner shows ten annotations of each level for one step; more vanish without a word."""
_LEVELS = ("error", "warning", "notice")


class AnnotationsReporter:
    """At most ten errors, ten warnings and one notice that says how many more there are."""

    name: ClassVar[str] = "annotations"
    media_type: ClassVar[str] = "text/plain"
    budget_bytes: ClassVar[int] = 64_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return one command a line; a report without red returns nothing."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        used = dict.fromkeys(_LEVELS, 0)
        lines: list[str] = []
        size, left = 0, 0
        room = limit - 200
        for level, line in _commands(report):
            cost = len(line.encode()) + 1
            if used[level] >= _EACH or size + cost > room:
                left += 1
                continue
            used[level] += 1
            size += cost
            lines.append(line)
        omitted = f"{left:,} more annotations; the summary has them" if left else ""
        if omitted and limit > 200:  # noqa: PLR2004 - the room kept for this line
            lines.append(f"::notice title=truegreen::{command_data(omitted)}")
        return Document(
            body="".join(f"{line}\n" for line in lines).encode(), media_type=self.media_type, omitted=omitted
        )


def _commands(report: Report) -> Iterator[tuple[str, str]]:
    """Yield level and command: first every cause, then its places, stage by stage."""
    for stage in report.stages:
        for story in same_story(v for v in stage.verdicts if v.red):
            placed = [item for item in story.verdict.items if item.path]
            if not any(item.level == "error" for item in placed):
                yield "error", _cause(story, stage)
            for item in placed:
                level = item.level if item.level in _LEVELS else "error"
                yield level, _command(level, item, f"{stage.stage}: {item.title}")


def _cause(story: Story, stage: StageReport) -> str:
    message = story.verdict.reason + (f"\nHow to make it green: {story.verdict.remedy}" if story.verdict.remedy else "")
    title = command_property(f"{stage.stage} {story.verdict.status}: {', '.join(story.gates)}", 200)
    return f"::error title={title}::{command_data(message)}"


def _command(level: str, item: Item, title: str) -> str:
    properties = []
    if not item.path.startswith("/") and ".." not in item.path.split("/"):
        properties.append(f"file={command_property(item.path)}")
        if item.line > 0:
            properties.append(f"line={item.line}")
    properties.append(f"title={command_property(title, 200)}")
    return f"::{level} {','.join(properties)}::{command_data(item.message or item.title)}"
