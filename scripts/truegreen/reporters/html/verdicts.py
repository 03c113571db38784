"""Sections of the page about verdicts: stages, what is red and why, findings, waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.model.verdict import Status
from truegreen.reporters import links
from truegreen.reporters.html.markup import Html, block, element, joined, prose, row, stage_name, table, text
from truegreen.reporters.words import TESTS, WAIVERS, WORD, beside_red, duration, same_story, waivers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Fact, Item, LogTail, Report, StageReport, Verdict
    from truegreen.reporters.words import Story

FINDINGS = ("findings", "lint-clean")
"""Gates whose items are findings of scanners."""
PATCH = "patch-coverage"
"""The gate whose items are uncovered lines of the change."""
SIGN = {Status.PASS: "✓", Status.FAIL: "✗", Status.BLIND: "⊘", Status.WAIVED: "~", Status.SKIPPED: "-"}
_OWN_SECTION = (TESTS, *FINDINGS, PATCH)
OPEN = 3
"""Places that stand open when the page is opened."""
_LINES, _LINES_LATER, _LONG = 40, 10, 100


def badge(status: Status) -> Html:
    """Return a verdict as a sign and a word, so that nobody needs to see its colour."""
    return element("span", f"{SIGN[status]} {WORD[status]}", class_=f"badge {WORD[status]}")


def stages(report: Report) -> Html:
    """Return the table of stages that were planned, and a line on the others."""
    rows = [_stage(stage) for stage in report.stages if stage.status is not Status.SKIPPED]
    by_reason: dict[str, list[str]] = {}
    for stage in report.stages:
        if stage.status is Status.SKIPPED:
            by_reason.setdefault(stage.headline, []).append(stage.stage)
    others = "; ".join(f"{', '.join(names)} ({why})" for why, names in by_reason.items())
    return joined(
        (
            table(("Stage", "Verdict", "What was seen", "Time"), rows, label="Stages", numbers=1) if rows else None,
            element("p", f"Did not run: {others}", class_="quiet") if others else None,
        )
    )


def _stage(stage: StageReport) -> Html:
    took = duration(stage.duration_s) if stage.duration_s else ""
    return row(stage_name(stage.stage), badge(stage.status), prose(stage.headline, 400), took, numbers=1)


def reasons(report: Report) -> Html:
    """Return one article for each cause of a red: why, what was measured, how to make it green."""
    blob = links.blob(report.provenance)
    causes = (
        _reason(story, stage, blob)
        for stage in report.stages
        for story in same_story(verdict for verdict in stage.verdicts if verdict.red)
    )
    return joined((*causes, *map(_logs, report.stages)))


def _reason(story: Story, stage: StageReport, blob: str) -> Html:
    verdict = story.verdict
    elsewhere = verdict.gate in _OWN_SECTION and (verdict.items or verdict.unlisted)
    return element(
        "article",
        element("h3", badge(verdict.status), f" {stage.stage}: {', '.join(story.gates)}"),
        element("p", prose(verdict.reason)),
        facts(verdict.facts),
        Html("") if elsewhere else _items(verdict.items, blob, verdict.unlisted),
        _way_out(verdict, stage),
        _draft(story),
        class_="red item",
    )


def _draft(story: Story) -> Html:
    """Return the waiver to paste; nothing where several gates are red for one reason, which one row would not cover."""
    if not story.verdict.waiver or len(story.gates) > 1:
        return Html("")
    summary = element("summary", "If it has to wait: a waiver to fill in")
    return element("details", summary, block(story.verdict.waiver, _LINES))


def _logs(stage: StageReport) -> Html:
    """Return the last lines of what the services of a red stage wrote, and the logs of which none are shown."""
    return joined(
        element(
            "details",
            element("summary", text(f"{stage.stage}: the last lines of {log.service}")),
            block(log.text, _LINES),
        )
        if log.text
        else element(
            "p", text(f"Stage {stage.stage}: not shown: {log.path or log.service} ({_why(log)})"), class_="quiet"
        )
        for log in stage.logs
        if stage.status.red
    )


def _why(log: LogTail) -> str:
    return log.left_out or "too long"


def _way_out(verdict: Verdict, stage: StageReport) -> Html:
    rows = (
        ("Make it green", prose(verdict.remedy) if verdict.remedy else None),
        ("At your desk", command(stage.command) if stage.command else None),
        ("More", command(f"truegreen explain {verdict.code}") if verdict.code else None),
    )
    pairs = (joined((element("dt", name), element("dd", value))) for name, value in rows if value)
    return element("dl", *pairs)


def command(value: str) -> Html:
    """Return a command, which the page's script makes easy to copy."""
    return element("code", text(value), class_="command")


def facts(found: tuple[Fact, ...]) -> Html:
    """Return what was measured and what was asked for; nothing when there is none."""
    if not found:
        return Html("")
    rows = [row(text(fact.label), text(fact.value), text(fact.wanted)) for fact in found]
    return table(("Evidence", "Measured", "Wanted"), rows, label="Evidence of this verdict")


def _items(items: tuple[Item, ...], blob: str, unlisted: int) -> Html:
    """Return items one by one, and how many more are known by number alone."""
    if not items and unlisted <= 0:
        return Html("")
    rest = element("li", f"… and {unlisted:,} more", class_="quiet") if unlisted > 0 else None
    return element("ul", *(_item(item, blob, number) for number, item in enumerate(items)), rest, class_="items")


def _item(item: Item, blob: str, number: int) -> Html:
    return element(
        "li",
        element("strong", text(item.title)),
        where(item, blob),
        element("p", prose(item.message)) if item.message else None,
        block(item.detail, lines_shown(number)) if item.detail.strip() else None,
        class_="item",
    )


def where(item: Item, blob: str) -> Html:
    """Return where an item stands and who owns the file; nothing without a path."""
    owner = element("small", text(f" owner {', '.join(item.owners)}", 300)) if item.owners else None
    found = place(blob, item.path, item.line, item.last_line)
    return joined((found, owner)) if found else found


def place(blob: str, path: str, line: int, last_line: int = 0) -> Html:
    """Return where something stands, as a link where the forge shows it; nothing without a path."""
    if not path:
        return Html("")
    shown = element("code", text(f"{path}:{line}" if line else path, 300))
    target = links.place(blob, path, line, last_line)
    return joined((" ", element("a", shown, href=target) if target else shown))


def lines_shown(number: int) -> int:
    """Return how many lines are shown of the text of the item of this number."""
    return _LINES if number < _LONG else _LINES_LATER


# --- what scanners found, and what no test ran -----------------------------------------------------------------------


def findings(report: Report) -> Html:
    """Return what scanners found, red or not."""
    blob = links.blob(report.provenance)
    rows = [
        row(
            stage_name(stage.stage),
            text(item.level),
            element("span", text(item.title)),
            joined((prose(item.message), where(item, blob))),
            class_="item",
        )
        for stage, item in _items_of(report, FINDINGS)
    ]
    head = ("Stage", "Level", "Finding", "What and where")
    listed = table(head, rows, label="Findings", name="t-findings") if rows else None
    return joined((listed, *_unlisted(report, FINDINGS)))


def uncovered(report: Report) -> Html:
    """Return the lines that the change brings and no test ran, with their source."""
    blob = links.blob(report.provenance)
    places = (
        element(
            "details",
            element("summary", element("strong", text(item.title)), f" {item.message}"),
            element("p", where(item, blob)),
            _source(item) if item.detail else None,
            class_="item",
            open=number < OPEN,
        )
        for number, (_, item) in enumerate(_items_of(report, (PATCH,)))
    )
    return joined((*places, *_unlisted(report, (PATCH,))))


def _source(item: Item) -> Html:
    """Return lines of source with their numbers, which are no part of what is copied."""
    lines = item.detail.split("\n")
    rows = (
        joined((element("span", f"{number:>5} ", class_="line"), text(line, 300)))
        for number, line in enumerate(lines, item.line)
    )
    return element("pre", Html("\n".join(rows)), class_="source", tabindex=0)


def _items_of(report: Report, gates: tuple[str, ...]) -> Iterator[tuple[StageReport, Item]]:
    for stage in report.stages:
        for verdict in stage.verdicts:
            if verdict.gate in gates:
                yield from ((stage, item) for item in verdict.items)


def _unlisted(report: Report, gates: tuple[str, ...]) -> Iterator[Html]:
    """Yield for each stage how many items the verdicts of some gates know by number alone."""
    for stage in report.stages:
        more = sum(verdict.unlisted for verdict in stage.verdicts if verdict.gate in gates and verdict.unlisted > 0)
        if more:
            yield element("p", text(f"Stage {stage.stage}: and {more:,} more"), class_="quiet")


def excused(report: Report) -> Html:
    """Return the waivers of the run."""
    found = waivers(report)
    return _items(found.items, links.blob(report.provenance), found.unlisted)


def advice(report: Report) -> Html:
    """Return what is worth knowing and turns nothing red, and what gates left open."""
    blob = links.blob(report.provenance)
    return joined(
        element(
            "details",
            element("summary", badge(verdict.status), f" {stage.stage}: {verdict.gate}: ", prose(verdict.reason, 300)),
            facts(verdict.facts),
            None if verdict.gate in (*_OWN_SECTION, WAIVERS) else _items(verdict.items, blob, verdict.unlisted),
            element("p", prose(verdict.remedy)) if verdict.remedy and verdict.status.red else None,
        )
        for stage in report.stages
        if stage.status is not Status.SKIPPED
        for verdict in beside_red(stage)
    )
