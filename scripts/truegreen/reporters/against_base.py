"""What changed in the tests against the base, in Markdown; nothing where nothing did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters.budget import Part
from truegreen.reporters.escape import code, markdown
from truegreen.reporters.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.detail import Comparison, Named, Several
    from truegreen.model.verdict import Report

_SHOWN = 10
"""Tests that are named of each kind."""


def part(report: Report) -> Part | None:
    """Return the counts of what changed, and in the longer form the names."""
    found = report.detail.comparison if report.detail else None
    if found is None:
        return None
    kinds = [(word, total, lines) for word, total, lines in _kinds(found) if total]
    if not kinds:
        return None
    where = "where the change left its base" if found.exact else "the newest run of the default branch"
    counts = ", ".join(f"{total:,} {word}" for word, total, _ in kinds)
    lead = f"**Against {code(found.base.commit[:12], 60)}** ({where}): {counts}"
    blocks = (_block(word, total, lines) for word, total, lines in kinds)
    names = "<details><summary>The tests</summary>\n\n{}\n\n</details>".format("\n\n".join(blocks))
    return Part(name="what changed against the base", forms=(lead, f"{lead}\n\n{names}"))


def _kinds(found: Comparison) -> Iterable[tuple[str, int, list[str]]]:
    """Yield word, count and lines of each kind of change, what matters most first."""
    yield "newly failing", *_several(found.newly_failing)
    yield "failing there too", *_several(found.still_failing)
    yield "fixed", *_several(found.fixed)
    yield "newly flaky", *_several(found.newly_flaky)
    yield "newly skipped", *_several(found.newly_skipped)
    yield "gone", *_several(found.gone)
    slower = [
        f"{_name(one.stage, one.test)}: {duration(one.now_s)}, usually {duration(one.usual_s)}"
        for one in found.slower.named[:_SHOWN]
    ]
    yield "slower", found.slower.count, slower
    yield "new", *_several(found.new)


def _several(tests: Several[Named]) -> tuple[int, list[str]]:
    return tests.count, [_name(one.stage, one.test) for one in tests.named[:_SHOWN]]


def _name(stage: str, test: str) -> str:
    return f"{markdown(stage, 60)}: {code(test, 300)}"


def _block(word: str, total: int, lines: list[str]) -> str:
    rows = [f"- {line}" for line in lines]
    if total > len(lines):
        rows.append(f"- … and {total - len(lines):,} more")
    return "\n".join((f"{word.capitalize()}:", "", *rows))
