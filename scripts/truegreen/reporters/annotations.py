"""Reporter: workflow commands that put each red on its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis import causes
from truegreen.reporters.base import Document
from truegreen.reporters.escape import command_data, command_property
from truegreen.reporters.words import TESTS, same_story

if TYPE_CHECKING:
    from truegreen.model.verdict import Item, Report, StageReport, Verdict
    from truegreen.reporters.words import Story

_EACH = 10
"""The runner shows ten annotations of each level for one step; more vanish without a word."""
_LEVELS = ("error", "warning", "notice")


class AnnotationsReporter:
    """At most ten errors, ten warnings and one notice that says how many more there are."""

    name: ClassVar[str] = "annotations"
    media_type: ClassVar[str] = "text/x-workflow-commands"
    budget_bytes: ClassVar[int] = 64_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return one command a line; a report without red returns nothing."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        used = dict.fromkeys(_LEVELS, 0)
        lines: list[str] = []
        commands, left = _commands(report)
        size, room = 0, limit - 200
        for level, line in commands:
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


def _commands(report: Report) -> tuple[list[tuple[str, str]], int]:
    """Return level and command, something of every cause before more of any, and how many items have no place."""
    leads: list[tuple[str, str]] = []
    places: list[tuple[str, str]] = []
    unplaced = 0
    if report.status.red and not report.red_verdicts():
        told = command_data(report.headline or report.status.value)
        leads.append(("error", f"::error title=truegreen {report.status}::{told}"))
    for stage in report.stages:
        for story in same_story(v for v in stage.verdicts if v.red):
            items = _by_cause(story.verdict)
            placed = [_place(item, stage) for item in items if item.path]
            errors = [found for found in placed if found[0] == "error"]
            bare = [item for item in items if not item.path]
            unplaced += len(bare) + story.verdict.unlisted
            if not errors or any(_level(item) == "error" for item in bare):
                leads.append(("error", _cause(story, stage)))
            else:
                leads.append(errors[0])
                placed.remove(errors[0])
            places += placed
    return [*leads, *places], unplaced


def _by_cause(verdict: Verdict) -> tuple[Item, ...]:
    """Return the items of a verdict, of failing tests one of each cause before a second of any."""
    if verdict.gate != TESTS or len(verdict.items) <= _EACH:
        return verdict.items
    found = causes.by_cause(verdict.items)
    return (*(cause.items[0] for cause in found), *(item for cause in found for item in cause.items[1:]))


def _place(item: Item, stage: StageReport) -> tuple[str, str]:
    return _level(item), _command(_level(item), item, f"{stage.stage}: {item.title}")


def _level(item: Item) -> str:
    return item.level if item.level in _LEVELS else "error"


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
