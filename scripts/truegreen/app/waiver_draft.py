"""The row of the waiver file that would excuse a red verdict for a while, ready to paste and not yet approved."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.config import waivers
from truegreen.gates import _waiving
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from datetime import date

    from truegreen.config.settings import Settings
    from truegreen.model.verdict import Report, StageReport, Verdict

DAYS = 14
"""From issue to expiry, where the project allows so many."""
_ITEMS_MAX = 20
_ITEM_CHARACTERS = 300
_BY_TITLE, _BY_RULE = ("no-failures",), ("findings", "lint-clean")
"""Gates whose items are called as a pattern would name them; gates over findings, whose rules are named."""
_NAMED_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def with_drafts(report: Report, settings: Settings, today: date | None) -> Report:
    """Return the report with a draft at each red verdict that a waiver can cover; without a day there is none."""
    if today is None:
        return report
    days = min(DAYS, settings.gates["waivers"].max_days)
    stages = tuple(_with_drafts(stage, today, days) if stage.status.red else stage for stage in report.stages)
    return msgspec.structs.replace(report, stages=stages)


def _with_drafts(stage: StageReport, today: date, days: int) -> StageReport:
    verdicts = tuple(msgspec.structs.replace(v, waiver=draft(v, today, days)) if v.red else v for v in stage.verdicts)
    return msgspec.structs.replace(stage, verdicts=verdicts)


def draft(verdict: Verdict, today: date, days: int = DAYS) -> str:
    """Return the row as TOML; empty for what is never waived.

    Reason, author and approver are empty, and a row with one of them empty is refused: pasted as it is it excuses
    nothing.
    """
    if verdict.gate not in registry.names("gate") or verdict.code in _waiving.NEVER:
        return ""
    gate = registry.load("gate", verdict.gate)
    if verdict.status not in gate.waivable or verdict.stage not in gate.stages:
        return ""
    items = _items(verdict) if verdict.status is Status.FAIL else []
    scope = ["items = [", *(f"    {text}," for text in items), "]"] if items else []
    if not items and waivers.by_item(gate):
        scope = ["# no `items`: the whole gate is waived"]
    rows = [
        "[[waivers]]",
        f'gate = "{verdict.gate}"',
        f'stage = "{verdict.stage}"',
        *scope,
        'reason = ""    # why it may stay red until then',
        'author = ""    # you',
        'approver = ""  # somebody else',
        f"issued = {today.isoformat()}",
        f"expires = {(today + timedelta(days=days)).isoformat()}",
    ]
    return "\n".join(rows)


def _items(verdict: Verdict) -> list[str]:
    """Return what is red as strings of TOML; none where it cannot be named whole and exactly."""
    if verdict.gate in _BY_TITLE:
        names = [item.title for item in verdict.items]
    elif verdict.gate in _BY_RULE:
        names = [":".join(item.title.rpartition(" (")[0].split(" ", 1)) for item in verdict.items]
    else:
        return []
    unique = list(dict.fromkeys(names))
    if verdict.unlisted or not 0 < len(unique) <= _ITEMS_MAX or not all(_is_plain(name) for name in unique):
        return []
    return [_text(name) for name in unique]


def _is_plain(name: str) -> bool:
    """Return whether a name, as a pattern, stands for itself and nothing else."""
    whole = bool(name.strip()) and "*" not in name and "?" not in name and _waiving.test_matches(name, (name,))
    return whole and len(_text(name)) <= _ITEM_CHARACTERS and not any("\ud800" <= char <= "\udfff" for char in name)


def _text(name: str) -> str:
    """Return a name as a string of TOML in which every character can be seen."""
    shown = (
        _NAMED_ESCAPES.get(char) or (char if char.isascii() and char.isprintable() else f"\\U{ord(char):08X}")
        for char in name
    )
    return f'"{"".join(shown)}"'
