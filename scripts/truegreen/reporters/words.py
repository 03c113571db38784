"""Words, signs and groupings that all reporters share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.model.verdict import Status, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.verdict import Item, Report

ICON = {
    Status.PASS: "✅",
    Status.FAIL: "❌",
    Status.BLIND: "🚫",
    Status.WAIVED: "🟡",
    Status.SKIPPED: "⏭️",
}
WORD = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.BLIND: "blind",
    Status.WAIVED: "waived",
    Status.SKIPPED: "skipped",
}


WAIVERS = "waivers"
"""The gate whose items are the waivers of the run."""


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One cause, and all gates that are red because of it."""

    verdict: Verdict
    """The one that says most."""
    gates: tuple[str, ...]


def same_story(verdicts: Iterable[Verdict]) -> list[Story]:
    """Return the verdicts with equal status and reason as one, in order: one cause is told once."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.status, verdict.reason), []).append(verdict)
    return [
        Story(verdict=max(group, key=lambda v: len(v.facts) + len(v.items)), gates=tuple(v.gate for v in group))
        for group in groups.values()
    ]


def waivers(report: Report) -> tuple[Item, ...]:
    """Return the waivers that are not red themselves, those in force first as the gate listed them."""
    verdicts = (verdict for stage in report.stages for verdict in stage.verdicts if verdict.gate == WAIVERS)
    return tuple(item for verdict in verdicts for item in verdict.items if item.level != "error")


def duration(value: float) -> str:
    """Return seconds as people write them: `4.1 s`, `2 min 5 s`."""
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f} s"
    minutes, rest = divmod(int(value), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
