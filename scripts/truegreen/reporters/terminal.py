"""Reporter: the report for a terminal or a log."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis import causes
from truegreen.model.verdict import Status
from truegreen.reporters import budget
from truegreen.reporters.base import Document
from truegreen.reporters.budget import Part
from truegreen.reporters.escape import last_lines, plain, plain_line, shorten
from truegreen.reporters.facts import foremost
from truegreen.reporters.words import (
    TESTS,
    Story,
    Waivers,
    alike,
    duration,
    further_shards,
    more_causes,
    same_story,
    waivers,
    without_cause,
)

if TYPE_CHECKING:
    from truegreen.model.verdict import Fact, Item, Report, StageReport, Verdict

_COLOUR = {Status.PASS: 32, Status.FAIL: 31, Status.BLIND: 35, Status.WAIVED: 33, Status.SKIPPED: 90}
_SIGN = {Status.PASS: "ok", Status.FAIL: "FAIL", Status.BLIND: "BLIND", Status.WAIVED: "waived", Status.SKIPPED: "-"}
_WIDTH = 110
_ITEMS = 10
_DETAIL_LINES = 6
_DETAILED = 3


class TerminalReporter:
    """An aligned table of the stages, and each cause of red in detail; colour only when asked for."""

    name: ClassVar[str] = "terminal"
    media_type: ClassVar[str] = "text/plain"
    budget_bytes: ClassVar[int] = 200_000

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the text within the budget; no line of foreign text begins a line."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        parts = [Part(name="the table of stages", forms=(self._table(report),))]
        for stage in report.stages:
            parts += [self._red(story, stage) for story in same_story(v for v in stage.verdicts if v.red)]
        if (known := waivers(report)).total:
            parts.append(Part(name="waivers", forms=(_waivers(known, _ITEMS), _waivers(known, known.total))))
        if report.history:
            parts.append(Part(name="the history", forms=(f"history: {plain(report.history, 600)}",)))
        verdict = f"truegreen: {self._painted(report.status, report.status.upper())}"
        forms = (verdict, f"{verdict}: {plain(report.headline, 500)}")
        parts.append(Part(name="the headline", forms=forms, required=True))
        fitted = budget.fit(tuple(parts), limit)
        return Document(body=fitted.text.encode(), media_type=self.media_type, omitted=fitted.omitted)

    def _painted(self, status: Status, text: str) -> str:
        return f"\x1b[{_COLOUR[status]}m{text}\x1b[0m" if self._colour else text

    def _table(self, report: Report) -> str:
        width = max((_cells(plain(stage.stage, 40)) for stage in report.stages), default=0)
        rows = []
        for stage in report.stages:
            took = duration(stage.duration_s) if stage.duration_s else ""
            sign = self._painted(stage.status, f"{_SIGN[stage.status]:<6}")
            rows.append(
                f"  {sign} {_padded(plain(stage.stage, 40), width)}  {took:>10}  {plain(stage.headline, _WIDTH)}"
            )
        return "\n".join(row.rstrip() for row in rows) or "  no stage"

    def _red(self, story: Story, stage: StageReport) -> Part:
        verdict = story.verdict
        title = f"{self._painted(verdict.status, verdict.status.upper())} {plain(stage.stage, 40)}: "
        title += plain(", ".join(story.gates), 200)
        lines = [title, f"  why       {plain(verdict.reason)}"]
        brief = "\n".join(lines)
        lines += _facts(verdict.facts)
        lines += _failures(verdict) if verdict.gate == TESTS else _items(verdict)
        if verdict.remedy:
            lines.append(f"  fix       {plain(verdict.remedy)}")
        if stage.command:
            lines.append(f"  again     {plain(stage.command, 300)}")
        if verdict.code:
            lines.append(f"  more      truegreen explain {plain(verdict.code, 20)}")
        return Part(name=f"details of {plain(stage.stage, 40)}", forms=(brief, "\n".join(lines)))


def _facts(facts: tuple[Fact, ...]) -> list[str]:
    shown, lines = foremost(facts), []
    for fact in shown:
        wanted = f"  (wanted: {plain(fact.wanted, 100)})" if fact.wanted else ""
        lines.append(f"  evidence  {plain(fact.label, 80)}: {plain(fact.value, 200)}{wanted}")
    more = len(facts) - len(shown)
    return [*lines, f"            … and {more:,} more"] if more else lines


def _waivers(known: Waivers, count: int) -> str:
    lines = [line for item in known.items[:count] for line in _item(item, detailed=False)]
    more = len(known.items[count:]) + known.unlisted
    rest = [f"  … and {more:,} more"] if more else []
    return "\n".join((f"waivers ({known.total:,})", *lines, *rest))


def _items(verdict: Verdict) -> list[str]:
    shown = enumerate(verdict.items[:_ITEMS])
    lines = [line for number, item in shown for line in _item(item, detailed=number < _DETAILED)]
    more = len(verdict.items[_ITEMS:]) + verdict.unlisted
    return [*lines, f"  … and {more:,} more"] if more else lines


def _failures(verdict: Verdict) -> list[str]:
    """Return failing tests cause by cause, each with its first test and the lines that say most."""
    found = causes.by_cause(verdict.items)
    lines = []
    for number, cause in enumerate(found[:_ITEMS]):
        first = cause.items[0]
        shard = f" in shard {plain(cause.shard, 100)}{further_shards(cause)}" if cause.shard else ""
        lead = f"{alike(cause)}, first " if cause.tests > 1 else ""
        lines.append(f"  - {lead}{plain(first.title, 300)}{_place(first)}{shard}")
        lines += _message(first)
        if number < _DETAILED:
            lines += [f"      │ {plain(line, 200)}" for line in causes.telling(first.detail, _DETAIL_LINES)]
    if left := found[_ITEMS:]:
        lines.append(f"  … and {more_causes(left)}")
    if rest := without_cause(found, verdict.unlisted):
        lines.append(f"  … and {rest}")
    return lines


def _item(item: Item, *, detailed: bool) -> list[str]:
    lines = [f"  - {plain(item.title, 300)}{_place(item)}", *_message(item)]
    if detailed and item.detail.strip():
        told, _ = last_lines(item.detail, _DETAIL_LINES, 200)
        lines += [f"      │ {plain(line, 200)}" for line in told]
    return lines


def _place(item: Item) -> str:
    place = f"{item.path}:{item.line}" if item.line else item.path
    return f"  [{plain(place, 200)}]" if place and item.title != place else ""


def _message(item: Item) -> list[str]:
    return [f"      {plain_line(item.message, 400)}"] if item.message else []


def _cells(text: str) -> int:
    """Return the columns a terminal needs for a text."""
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    return len(text) + wide - sum(1 for char in text if unicodedata.combining(char))


def _padded(text: str, width: int) -> str:
    return shorten(text, 40) + " " * max(0, width - _cells(text))
