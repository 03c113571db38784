"""The sections of a report in Markdown; summary and comment are made of the same ones."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from truegreen.analysis import causes
from truegreen.model.verdict import Status
from truegreen.reporters import against_base, coverage_words, entries, findings_words, links
from truegreen.reporters.budget import Part
from truegreen.reporters.entries import Source
from truegreen.reporters.escape import code, fence, markdown, prose
from truegreen.reporters.facts import foremost
from truegreen.reporters.words import (
    ICON,
    TESTS,
    WAIVERS,
    WORD,
    beside_red,
    digest_of,
    duration,
    news,
    same_story,
    waivers,
)

if TYPE_CHECKING:
    from truegreen.model.verdict import Fact, Report, StageReport, Verdict
    from truegreen.reporters.words import Story

ITEMS = 10
_DETAILED_ITEMS = 3
"""Items whose text is shown; the others are one line each."""
_LOG_LINES = 15
_MACHINES = 3
_WAIVER_LINES = 40
"""More than a row with all its items has."""


def parts(report: Report, *, logs: bool = True) -> tuple[Part, ...]:
    """Return the report as parts, the most important first; without logs where everybody reads along."""
    source = Source(blob=links.blob(report.provenance))
    rows = [_row(stage) for stage in report.stages if stage.status is not Status.SKIPPED]
    found, told = [_headline(report)], news(report)
    if rows:
        found.append(Part(name="the table of stages", forms=(_table(rows),)))
    for stage in report.stages:
        known = told.get(stage.stage, {})
        found += [_red(story, stage, source, known) for story in same_story(v for v in stage.verdicts if v.red)]
    compared = (
        against_base.part(report),
        coverage_words.part(report, source),
        findings_words.part(report, source),
    )
    found += [part for part in (*compared, _waivers(report, source), _waived(report, source)) if part]
    found += [part for part in map(_logs, report.stages) if part and logs]
    found += [part for part in (_advice(report, source), _not_judged(report), _skipped(report), _notes(report)) if part]
    if report.history:
        found.append(Part(name="the history", forms=(f"History: {prose(report.history, 600)}",)))
    found.append(_provenance(report))
    return tuple(found)


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


def _red(story: Story, stage: StageReport, source: Source, known: dict[str, str]) -> Part:
    """Return one red verdict, from two lines to everything that helps."""
    verdict = story.verdict
    title = f"### {ICON[verdict.status]} {markdown(stage.stage, 60)}: {markdown(', '.join(story.gates), 200)}"
    why = f"**Why:** {prose(verdict.reason, 1000)}"
    brief_why = f"**Why:** {prose(verdict.reason, 120)}"
    end = _way_out(verdict, stage)
    facts = _facts(verdict.facts)
    listed = partial(entries.items, verdict.items, unlisted=verdict.unlisted)
    if verdict.gate == TESTS:
        listed = partial(entries.failures, causes.by_cause(verdict.items), news=known, unlisted=verdict.unlisted)
    forms = (
        (title, brief_why),
        (title, why, end),
        (title, why, facts, listed(source, count=3, detailed=0), end),
        (title, why, facts, listed(source, count=ITEMS, detailed=0), end),
        (title, why, facts, listed(source, count=ITEMS, detailed=_DETAILED_ITEMS), end),
        (title, why, facts, listed(source, count=ITEMS, detailed=_DETAILED_ITEMS), end, _draft(story)),
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


def _draft(story: Story) -> str:
    """Return the waiver to paste; nothing where several gates are red for one reason, which one row would not cover."""
    if not story.verdict.waiver or len(story.gates) > 1:
        return ""
    block = fence(story.verdict.waiver, lines=_WAIVER_LINES, width=400)
    return f"<details><summary>If it has to wait: a waiver to fill in</summary>\n\n{block}\n\n</details>"


def _facts(facts: tuple[Fact, ...]) -> str:
    if not facts:
        return ""
    shown = foremost(facts)
    rows = [f"| {markdown(f.label, 80)} | {markdown(f.value, 200)} | {markdown(f.wanted, 80)} |" for f in shown]
    if len(facts) > len(shown):
        rows.append(f"| … and {len(facts) - len(shown):,} more | | |")
    return "\n".join(("| Evidence | Measured | Wanted |", "|---|---|---|", *rows))


def _waivers(report: Report, source: Source) -> Part | None:
    """Return every waiver that is shown: the short form is never left out."""
    found = waivers(report)
    if not found.total:
        return None
    items = tuple(sorted(found.items, key=lambda item: item.level != "warning"))
    near = sum(item.level == "warning" for item in items)
    known = f" of the {len(items):,} that are listed" if found.unlisted else ""
    ending = f", {near:,}{known} near the end" if near else ""
    head = f"### {ICON[Status.WAIVED]} Waivers ({found.total:,}{ending})"
    brief = f"{head}\n\n{markdown('; '.join(item.title for item in items), 300)}"
    listed = partial(entries.items, items, source, detailed=0, unlisted=found.unlisted)
    forms = (brief, *(f"{head}\n\n{listed(count=n)}" for n in (ITEMS, len(items))))
    return Part(name="waivers", forms=tuple(dict.fromkeys(forms)), required=True)


def _waived(report: Report, source: Source) -> Part | None:
    """Return what waivers cover, verdict by verdict: it is as red as before, and only excused."""
    told = [v for stage in report.stages for v in stage.verdicts if v.status is Status.WAIVED]
    if not told:
        return None
    forms = []
    for shown in (0, 3, ITEMS):
        blocks = []
        for verdict in told:
            line = f"{markdown(verdict.stage, 60)}, {markdown(verdict.gate, 60)}: {prose(verdict.reason, 300)}"
            listed = entries.items(verdict.items, source, count=shown, detailed=0, unlisted=verdict.unlisted)
            blocks.append("\n".join((line, "", listed) if shown and listed else (line,)))
        body = "\n\n".join(blocks)
        forms.append(f"<details><summary>What is waived ({len(told):,})</summary>\n\n{body}\n\n</details>")
    return Part(name="what is waived", forms=tuple(dict.fromkeys(forms)))


def _logs(stage: StageReport) -> Part | None:
    """Return the last lines of what the services of a red stage wrote."""
    if not stage.logs or not stage.status.red:
        return None
    name = markdown(stage.stage, 60)
    head = f"<details><summary>The last lines of the services of {name}</summary>"

    rest = _logs_left_out(stage)

    def shown(lines: int) -> str:
        blocks = (
            f"{code(log.service, 60)}, the whole of it in the evidence, {code(log.path, 200)}:\n\n"
            f"{fence(log.text, lines=lines, width=300)}"
            for log in stage.logs
            if log.text
        )
        return "\n\n".join((head, *blocks, *rest, "</details>"))

    return Part(name=f"logs of services of {markdown(stage.stage, 40)}", forms=(shown(3), shown(_LOG_LINES)))


def _logs_left_out(stage: StageReport) -> list[str]:
    """Return a line on the logs of which no line is shown, each with the reason and its place; none where all are."""
    found = [log for log in stage.logs if not log.text]
    if not found:
        return []
    named = (f"{code(log.path or log.service, 200)} ({markdown(log.left_out or 'too long', 100)})" for log in found)
    more = f" and {len(found) - ITEMS:,} more" if len(found) > ITEMS else ""
    return [f"Not shown: {', '.join(islice(named, ITEMS))}{more}"]


def _advice(report: Report, source: Source) -> Part | None:
    """Return what is worth knowing and turns nothing red: advisory verdicts, and items of passed gates."""
    blocks, brief = [], []
    for verdict in (verdict for stage in report.stages for verdict in beside_red(stage)):
        told = verdict.items or verdict.unlisted
        if verdict.gate == WAIVERS or not (verdict.status.red or (told and verdict.status is Status.PASS)):
            continue
        word = f"{WORD[verdict.status]} (advice only)" if verdict.status.red else "worth a look"
        line = f"{markdown(verdict.stage, 60)}, {markdown(verdict.gate, 60)}: {word}: {prose(verdict.reason, 300)}"
        brief.append(f"- {line}")
        listed = entries.items(verdict.items, source, count=ITEMS, detailed=0, unlisted=verdict.unlisted)
        blocks.append("\n".join(text for text in (line, "", listed) if text))
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
        used = [f"{s.name} {s.version}".strip() + f" ({_words(s.provider, s.origin())})" for s in stage.services]
        rows += [
            f"- {markdown(stage.stage, 60)}: service {markdown(s.name, 60)} {markdown(', '.join(s.incidents()), 200)}"
            for s in stage.services
            if s.incidents()
        ]
        if used:
            rows.append(f"- {markdown(stage.stage, 60)}: real services: {markdown(', '.join(used), 300)}")
    if not rows:
        return None
    unique = list(dict.fromkeys(rows))
    text = f"<details><summary>Notes ({len(unique)})</summary>\n\n{{}}\n\n</details>"
    return Part(name="notes", forms=tuple(text.format("\n".join(unique[:n])) for n in (5, len(unique))))


def _words(*words: str) -> str:
    return ", ".join(word for word in words if word)


def _machines(report: Report) -> list[str]:
    found = list(dict.fromkeys(machine for stage in report.stages for machine in stage.machines))
    more = f" and {len(found) - _MACHINES:,} more" if len(found) > _MACHINES else ""
    return [f"on {', '.join(markdown(machine, 100) for machine in found[:_MACHINES])}{more}"] if found else []


def _evidence(report: Report) -> list[str]:
    """Return how many files of evidence there are, and one digest over theirs."""
    files = [file for stage in report.stages for file in stage.files]
    if not files:
        return []
    noun = "file" if len(files) == 1 else "files"
    return [f"{len(files):,} {noun} of evidence, {code(f'sha256:{digest_of(files)[:16]}')}"]


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
    clauses += _machines(report) + _evidence(report)
    if address := links.run(origin):
        clauses.append(f"[run]({address})")
    if origin.created:
        clauses.append(markdown(origin.created, 40))
    line = f"<sub>{' · '.join(clauses) or 'origin unknown'}</sub>"
    return Part(name="provenance", forms=(line,))
