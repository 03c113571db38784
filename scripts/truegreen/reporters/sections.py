"""The sections of a report in Markdown; summary and comment are made of the same ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from truegreen.model.verdict import Status
from truegreen.reporters.budget import Part
from truegreen.reporters.escape import code, fence, markdown, prose
from truegreen.reporters.words import ICON, WAIVERS, WORD, duration, same_story, waivers

if TYPE_CHECKING:
    from truegreen.model.verdict import Fact, Item, Report, StageReport, Verdict
    from truegreen.reporters.words import Story

ITEMS = 10
DETAIL_LINES = 6
_RUN_URL = re.compile(r"(https://[A-Za-z0-9.:-]+/)([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)/actions/runs/\d+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_DETAILED_ITEMS = 3
"""Items whose text is shown; the others are one line each."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where links lead; empty where the report does not say it beyond doubt."""

    blob: str = ""

    def place(self, path: str, line: int) -> str:
        """Return `path:line` as a link to the commit that was judged, or as code."""
        if not path:
            return ""
        shown = code(f"{path}:{line}" if line else path, 300)
        if not self.blob or path.startswith("/") or ".." in path.split("/"):
            return shown
        target = quote(path.encode("utf-8", "replace"), safe="/") + (f"#L{line}" if line else "")
        return f"[{shown}]({self.blob}/{target})"


def parts(report: Report) -> tuple[Part, ...]:
    """Return the report as parts, the most important first."""
    source = _source(report)
    rows = [_row(stage) for stage in report.stages if stage.status is not Status.SKIPPED]
    found = [_headline(report)]
    if rows:
        found.append(Part(name="the table of stages", forms=(_table(rows),)))
    for stage in report.stages:
        found += [_red(story, stage, source) for story in same_story(v for v in stage.verdicts if v.red)]
    found += [part for part in (_waivers(report, source),) if part]
    found += [part for part in (_advice(report, source), _not_judged(report), _skipped(report), _notes(report)) if part]
    if report.history:
        found.append(Part(name="the history", forms=(f"History: {prose(report.history, 600)}",)))
    found.append(_provenance(report))
    return tuple(found)


def _source(report: Report) -> Source:
    origin = report.provenance
    match = _RUN_URL.match(origin.run_url)
    if match and match[2] == origin.repository and _COMMIT.fullmatch(origin.commit) and not origin.dirty:
        return Source(blob=f"{match[1]}{match[2]}/blob/{origin.commit}")
    return Source()


def _headline(report: Report) -> Part:
    lead = f"## {ICON[report.status]} truegreen: {WORD[report.status]}"
    long = f"{lead} · {markdown(report.headline, 300)}"
    return Part(name="the headline", forms=(lead, f"{lead} · {markdown(report.headline, 60)}", long), required=True)


def _table(rows: list[str]) -> str:
    return "\n".join(("| | Stage | Verdict | What was seen | Time |", "|---|---|---|---|--:|", *rows))


def _row(stage: StageReport) -> str:
    took = duration(stage.duration_s) if stage.duration_s else ""
    name, clause = markdown(stage.stage, 60), markdown(stage.headline, 200)
    word = f"**{WORD[stage.status]}**" if stage.status.red else WORD[stage.status]
    return f"| {ICON[stage.status]} | {name} | {word} | {clause} | {took} |"


def _red(story: Story, stage: StageReport, source: Source) -> Part:
    """Return one red verdict, from two lines to everything that helps."""
    verdict = story.verdict
    title = f"### {ICON[verdict.status]} {markdown(stage.stage, 60)}: {markdown(', '.join(story.gates), 200)}"
    why = f"**Why:** {prose(verdict.reason, 1000)}"
    brief_why = f"**Why:** {prose(verdict.reason, 120)}"
    end = _way_out(verdict, stage)
    facts = _facts(verdict.facts)
    forms = (
        (title, brief_why),
        (title, why, end),
        (title, why, facts, _items(verdict.items, source, count=3, detailed=0), end),
        (title, why, facts, _items(verdict.items, source, count=ITEMS, detailed=0), end),
        (title, why, facts, _items(verdict.items, source, count=ITEMS, detailed=_DETAILED_ITEMS), end),
    )
    texts = tuple(dict.fromkeys("\n\n".join(piece for piece in form if piece) for form in forms))
    return Part(name=f"details of {markdown(stage.stage, 40)}", forms=texts)


def _way_out(verdict: Verdict, stage: StageReport) -> str:
    lines = []
    if verdict.remedy:
        lines.append(f"**Make it green:** {prose(verdict.remedy, 600)}")
    if stage.command:
        lines.append(f"**At your desk:** {code(stage.command, 300)}")
    if verdict.code:
        lines.append(f"**More:** {code(f'truegreen explain {verdict.code}', 60)}")
    return "<br>\n".join(lines)


def _facts(facts: tuple[Fact, ...]) -> str:
    if not facts:
        return ""
    rows = [f"| {markdown(f.label, 80)} | {markdown(f.value, 200)} | {markdown(f.wanted, 80)} |" for f in facts[:20]]
    return "\n".join(("| Evidence | Measured | Wanted |", "|---|---|---|", *rows))


def _items(items: tuple[Item, ...], source: Source, *, count: int, detailed: int) -> str:
    lines = []
    for number, item in enumerate(items[:count]):
        place = source.place(item.path, item.line)
        title = code(item.title, 300)
        head = title + (f" at {place}" if place and item.title != item.path else "")
        lines.append(f"- {head}" + (f"<br>{prose(item.message, 400)}" if item.message else ""))
        if number < detailed and item.detail.strip():
            block = fence(item.detail, lines=DETAIL_LINES, width=300)
            lines.append("\n" + "\n".join(f"  {line}" for line in block.split("\n")) + "\n")
    if len(items) > count:
        lines.append(f"- … and {len(items) - count:,} more")
    return "\n".join(lines)


def _waivers(report: Report, source: Source) -> Part | None:
    """Return every waiver that is shown: the short form is never left out."""
    items = waivers(report)
    if not items:
        return None
    head = f"### {ICON[Status.WAIVED]} Waivers ({len(items):,})"
    brief = f"{head}\n\n{markdown('; '.join(item.title for item in items), 300)}"
    forms = (brief, *(f"{head}\n\n{_items(items, source, count=n, detailed=0)}" for n in (ITEMS, len(items))))
    return Part(name="waivers", forms=tuple(dict.fromkeys(forms)), required=True)


def _advice(report: Report, source: Source) -> Part | None:
    """Return what is worth knowing and turns nothing red: advisory verdicts, and items of passed gates."""
    blocks, brief = [], []
    told = {(verdict.stage, verdict.reason) for verdict in report.red_verdicts()}
    for verdict in (v for stage in report.stages for v in stage.verdicts if not v.red):
        if verdict.gate == WAIVERS or not (verdict.status.red or (verdict.items and verdict.status is Status.PASS)):
            continue
        if (verdict.stage, verdict.reason) in told:  # one cause is told once
            continue
        word = f"{WORD[verdict.status]} (advice only)" if verdict.status.red else "worth a look"
        line = f"{markdown(verdict.stage, 60)}, {markdown(verdict.gate, 60)}: {word}: {prose(verdict.reason, 300)}"
        brief.append(f"- {line}")
        blocks.append(
            "\n".join(text for text in (line, "", _items(verdict.items, source, count=10, detailed=0)) if text)
        )
    if not blocks:
        return None
    head = "<details><summary>Worth a look, and not red</summary>"
    forms = tuple(f"{head}\n\n{text}\n\n</details>" for text in ("\n".join(brief[:20]), "\n\n".join(blocks)))
    return Part(name="advice", forms=forms)


def _not_judged(report: Report) -> Part | None:
    """Return what gates left open in stages that ran, one line a reason: neither good nor bad, and never hidden."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for stage in report.stages:
        for verdict in stage.verdicts:
            if verdict.status is Status.SKIPPED and stage.status is not Status.SKIPPED:
                by_reason.setdefault((verdict.gate, verdict.reason), []).append(stage.stage)
    if not by_reason:
        return None
    rows = [
        f"- {markdown(', '.join(stages), 200)}: {markdown(gate, 60)}: {prose(why, 300)}"
        for (gate, why), stages in by_reason.items()
    ]
    text = f"<details><summary>Not judged ({len(rows)})</summary>\n\n{{}}\n\n</details>"
    return Part(name="what was not judged", forms=tuple(text.format("\n".join(rows[:n])) for n in (5, len(rows))))


def _skipped(report: Report) -> Part | None:
    """Return the stages that did not run, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for stage in report.stages:
        if stage.status is Status.SKIPPED:
            by_reason.setdefault(stage.headline, []).append(stage.stage)
    if not by_reason:
        return None
    clauses = [f"{markdown(', '.join(names), 200)} ({markdown(why, 200)})" for why, names in by_reason.items()]
    return Part(name="stages that did not run", forms=(f"{ICON[Status.SKIPPED]} Did not run: {'; '.join(clauses)}",))


def _notes(report: Report) -> Part | None:
    rows = [f"- {markdown(stage.stage, 60)}: {markdown(note, 300)}" for stage in report.stages for note in stage.notes]
    for stage in report.stages:
        used = [f"{s.name} {s.version}".strip() + f" ({s.provider})" for s in stage.services]
        if used:
            rows.append(f"- {markdown(stage.stage, 60)}: real services: {markdown(', '.join(used), 300)}")
    if not rows:
        return None
    unique = list(dict.fromkeys(rows))
    text = f"<details><summary>Notes ({len(unique)})</summary>\n\n{{}}\n\n</details>"
    return Part(name="notes", forms=tuple(text.format("\n".join(unique[:n])) for n in (5, len(unique))))


def _provenance(report: Report) -> Part:
    origin = report.provenance
    clauses = []
    if origin.commit:
        clauses.append(f"commit {code(origin.commit[:12])}{' with uncommitted changes' if origin.dirty else ''}")
    if origin.event:
        clauses.append(markdown(origin.event, 60))
    if report.duration_s:
        clauses.append(f"{duration(report.duration_s)} in all")
    if origin.pack_version:
        commit = f" ({code(origin.pack_commit[:12])})" if origin.pack_commit else ""
        clauses.append(f"truegreen {markdown(origin.pack_version, 60)}{commit}")
    if _RUN_URL.fullmatch(origin.run_url):
        clauses.append(f"[run]({origin.run_url})")
    if origin.created:
        clauses.append(markdown(origin.created, 40))
    line = f"<sub>{' · '.join(clauses) or 'origin unknown'}</sub>"
    return Part(name="provenance", forms=(line,))
