"""The findings of scanners against the base, in Markdown; nothing where none is new and none is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters.budget import Part
from truegreen.reporters.escape import code, markdown, prose
from truegreen.reporters.words import which_base

if TYPE_CHECKING:
    from truegreen.model.detail import FindingsChange
    from truegreen.model.finding import Finding
    from truegreen.model.verdict import Report
    from truegreen.reporters.entries import Source

_SHOWN = 20
"""New findings that are named."""
_MOST = 10**12


def part(report: Report, source: Source) -> Part | None:
    """Return the counts of what changed, and in the longer form the new findings."""
    found = report.detail.findings_change if report.detail else None
    if found is None or not (counted := counts(found)):
        return None
    total = sum(stage.total for stage in found.new)
    lead = f"**Findings** against {code(found.base[:12], 60)} ({which_base(exact=found.exact)}): {counted}"
    rows = [_row(stage.stage, one, source) for stage in found.new for one in stage.findings]
    forms = [lead]
    if rows:
        left = [f"- … and {total - len(rows[:_SHOWN]):,} more"] if total > len(rows[:_SHOWN]) else []
        body = "\n".join((*rows[:_SHOWN], *left))
        forms.append(f"{lead}\n\n<details><summary>The new findings</summary>\n\n{body}\n\n</details>")
    return Part(name="findings against the base", forms=tuple(forms))


def counts(found: FindingsChange) -> str:
    """Return how many findings are new, gone and there too; empty where none is new and none is gone."""
    total = sum(stage.total for stage in found.new)
    if not (total or found.gone):
        return ""
    kinds = ((total, "new"), (found.gone, "gone"), (found.there_too, "there too"))
    if not all(0 <= number <= _MOST for number, _ in kinds):
        return ""  # a report may come as an artifact, from whoever wrote it
    return ", ".join(f"{number:,} {word}" for number, word in kinds if number)


def _row(stage: str, one: Finding, source: Source) -> str:
    place = source.place(one.path, one.line)
    head = f"{markdown(stage, 60)}: {code(f'{one.tool} {one.rule} ({one.severity})', 200)}"
    return f"- {head}{f' at {place}' if place else ''}: {prose(one.message, 300)}"
