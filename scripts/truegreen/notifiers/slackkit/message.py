"""The message itself: Block Kit within every limit that Slack documents, and the one it does not.

Slack was seen to refuse messages above about 13,200 characters in total although each documented limit
held, so a message keeps to 12,000: it says less, and how much less, before it is ever dropped.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.model.verdict import Status
from truegreen.notifiers import transition as transitions
from truegreen.notifiers.base import Transition
from truegreen.notifiers.slackkit import text as words

if TYPE_CHECKING:
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Item, Report, StageReport, Verdict

MESSAGE_LIMIT = 12_000
BLOCKS_LIMIT = 45
SECTION_LIMIT = 2_900
HEADER_LIMIT = 150
FALLBACK_LIMIT = 3_000
_REASON_LIMIT = 400
_REMEDY_LIMIT = 500
_NAME_LIMIT = 200
_MINUTE_S = 60
_HOUR_S = 3600


class Detail(msgspec.Struct, frozen=True):
    """How much is told."""

    stages: int
    items: int
    """Failing tests or findings a stage."""
    excerpt: int
    """Characters of each one's message."""
    reason: int = _REASON_LIMIT


LADDER = (Detail(10, 5, 300), Detail(10, 3, 120), Detail(10, 2, 0), Detail(10, 1, 0, 200), Detail(8, 0, 0, 120))


def compose(
    transition: Transition,
    report: Report,
    *,
    branch: str,
    mentions: tuple[str, ...] = (),
    channel: str = "",
    incident: Incident | None = None,
) -> dict[str, Any]:
    """Return the payload for an incoming webhook.

    Args:
        transition: what happened.
        report: the newest report.
        branch: what it happened to.
        mentions: ready-made mentions such as `<@U123>`; told only when something opened.
        channel: a label for readers of several channels.
        incident: what was remembered before this report.
    """
    message: dict[str, Any] = {}
    for detail in LADDER:
        message = _message(transition, report, branch, mentions, channel, incident, detail)
        if size(message) <= MESSAGE_LIMIT and len(message["blocks"]) <= BLOCKS_LIMIT:
            return message
    return text_only(message)


def text_only(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message without its blocks."""
    return {key: value for key, value in message.items() if key != "blocks"}


def size(message: dict[str, Any]) -> int:
    """Return the length of the whole payload in UTF-16 units."""
    return words.units(json.dumps(message, ensure_ascii=False))


def encode(message: dict[str, Any]) -> bytes:
    """Return the payload as it is sent."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def _message(
    transition: Transition,
    report: Report,
    branch: str,
    mentions: tuple[str, ...],
    channel: str,
    incident: Incident | None,
    detail: Detail,
) -> dict[str, Any]:
    title = _title(transition, report, branch, incident)
    called = " ".join(mentions) if transition is Transition.OPENED else ""
    lead = "\n".join(part for part in (called, *_lead(transition, report, incident)) if part)
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": words.plain(title, HEADER_LIMIT), "emoji": True}},
        _section(lead),
    ]
    if transition is not Transition.RECOVERED:
        blocks += _stages(report, detail)
    blocks.append(_context(report, channel))
    fallback = " ".join(part for part in (words.say(title, _REASON_LIMIT), words.say(report.headline, 1000)) if part)
    if report.provenance.run_url:
        fallback += " " + words.link(report.provenance.run_url, "Open the run")
    text = f"{called} {fallback}".strip()
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _title(transition: Transition, report: Report, branch: str, incident: Incident | None) -> str:
    origin = report.provenance
    place = " ".join(part for part in (origin.repository or "truegreen", origin.project, branch) if part)
    if transition is Transition.RECOVERED and (left := transitions.unrepaired(incident, report)):
        return f"🟡 {place} is green again but for {', '.join(left)}, not run again since it was red"
    if transition is Transition.RECOVERED and report.status is Status.WAIVED:
        return f"🟡 {place} is green again by a waiver"
    said = {
        Transition.OPENED: f"🔴 {place} is red",
        Transition.STILL_FAILING: f"🔴 {place} is still red",
        Transition.RECOVERED: f"🟢 {place} is green again",
        Transition.NONE: f"⚪ {place}",
    }
    return said[transition]


def _lead(transition: Transition, report: Report, incident: Incident | None) -> list[str]:
    """Return the first lines: what it is about, since when, and where to look."""
    origin = report.provenance
    rows = [f"*{words.say(report.headline, _REASON_LIMIT)}*" if report.headline else ""]
    if incident is not None and incident.open and transition is not Transition.OPENED:
        since = words.commit_link(origin.run_url, incident.opened_commit) if incident.opened_commit else ""
        runs = f"{incident.red_runs} red run{'s' if incident.red_runs != 1 else ''}"
        lasted = _lasted(incident.opened_at, origin.created)
        rows.append(" · ".join(part for part in (f"since {since}" if since else "", runs, lasted) if part))
    commit = f"commit {words.commit_link(origin.run_url, origin.commit)}" if origin.commit else ""
    run = words.link(origin.run_url, "Open the run") if origin.run_url else ""
    event = f"on {words.say(origin.event, 50)}" if origin.event else ""
    rows.append(" · ".join(part for part in (run, commit, event) if part))
    return [row for row in rows if row] or ["no details"]


def _stages(report: Report, detail: Detail) -> list[dict[str, Any]]:
    """Return a section for each red stage, and a line about those left out."""
    red = [stage for stage in report.stages if stage.status.red]
    sections = [_section(_stage(stage, detail)) for stage in red[: detail.stages]]
    if len(red) > detail.stages:
        names = ", ".join(stage.stage for stage in red[detail.stages :])
        more = len(red) - detail.stages
        sections.append(_section(f"+{more} more red stage{'s' if more > 1 else ''}: {words.say(names, _REASON_LIMIT)}"))
    return sections


def _stage(stage: StageReport, detail: Detail) -> str:
    """Return one stage: reasons, first failing tests, how to make it green."""
    verdicts = [verdict for verdict in stage.verdicts if verdict.red]
    rows = [f"*{words.say(stage.stage, 50)}* is {stage.status.value}: {words.say(stage.headline, detail.reason)}"]
    rows += [f"{words.say(v.reason, detail.reason)}" for v in verdicts if v.reason and v.reason != stage.headline]
    items = [item for verdict in verdicts for item in verdict.items]
    rows += [_item(item, detail) for item in items[: detail.items]]
    more = len(items[detail.items :]) + sum(verdict.unlisted for verdict in verdicts)
    if more and detail.items:
        rows.append(f"+{more} more in the summary of the run")
    rows += _remedies(stage, verdicts)
    kept: list[str] = []
    left = SECTION_LIMIT - 60
    for row in rows:
        if words.units(row) + 1 > left:
            kept.append("… the rest is in the summary of the run")
            break
        kept.append(row)
        left -= words.units(row) + 1
    return "\n".join(kept)


def _item(item: Item, detail: Detail) -> str:
    said = words.code(item.message.strip().split("\n", 1)[0], detail.excerpt) if detail.excerpt else ""
    return f"• {words.code(item.title, _NAME_LIMIT) or 'a failure'} {said}".rstrip()


def _remedies(stage: StageReport, verdicts: list[Verdict]) -> list[str]:
    fixes = list(dict.fromkeys(verdict.remedy for verdict in verdicts if verdict.remedy))[:2]
    rows = [f"_To make it green:_ {words.say(fix, _REMEDY_LIMIT)}" for fix in fixes]
    return [*rows, f"_At your desk:_ {words.code(stage.command, _NAME_LIMIT)}"] if stage.command else rows


def _section(text: str) -> dict[str, Any]:
    # verbatim: plain addresses and names in foreign text do not become links or mentions
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(report: Report, channel: str) -> dict[str, Any]:
    stages = ", ".join(f"{stage.stage} {stage.status.value}" for stage in report.stages)
    version = words.say(f"truegreen {report.provenance.pack_version}", 60)
    parts = (words.say(channel, 80), version, f"{report.duration_s:.0f} s", words.say(stages, 600))
    text = " · ".join(part for part in parts if part)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _lasted(begin: str, end: str) -> str:
    """Return how long it took in words; nothing when a time is unknown."""
    try:
        seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    except (ValueError, TypeError):
        return ""
    if seconds < _MINUTE_S:
        return "less than a minute" if seconds >= 0 else ""
    minutes = int(seconds // _MINUTE_S)
    return f"{minutes} min" if seconds < _HOUR_S else f"{minutes // 60} h {minutes % 60} min"
