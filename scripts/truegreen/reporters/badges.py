"""Reporters: badges as SVG that need no network: verdict, coverage, flaky tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.model.verdict import Status
from truegreen.reporters.base import Document
from truegreen.reporters.escape import html_text
from truegreen.reporters.words import WORD, any_blind

if TYPE_CHECKING:
    from truegreen.model.verdict import Report

_GREEN, _RED, _AMBER, _GREY, _DARK = "#1a7f37", "#cf222e", "#8a5d00", "#57606a", "#24292f"
"""White text on each of them has a contrast of at least 4.5 to 1."""
_COLOUR = {
    Status.PASS: _GREEN,
    Status.FAIL: _RED,
    Status.BLIND: _RED,
    Status.WAIVED: _AMBER,
    Status.SKIPPED: _GREY,
}
_GOOD, _FAIR = 0.9, 0.75
"""Ratios of covered lines from which on a badge is green, or amber."""
_CHARACTER, _PADDING = 7, 12
"""Pixels; `textLength` makes the text as wide as it is given room for, whatever font there is."""


class VerdictBadge:
    """The verdict as a badge."""

    name: ClassVar[str] = "badge-verdict"
    media_type: ClassVar[str] = "image/svg+xml"
    file: ClassVar[str] = "badge-verdict.svg"
    budget_bytes: ClassVar[int] = 4_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:  # noqa: ARG002 - always small
        """Return the badge."""
        return _badge("truegreen", WORD[report.status], _COLOUR[report.status])


class CoverageBadge:
    """The covered lines as a badge, rounded down; of a run with a blind stage it says that it is blind."""

    name: ClassVar[str] = "badge-coverage"
    media_type: ClassVar[str] = "image/svg+xml"
    file: ClassVar[str] = "badge-coverage.svg"
    budget_bytes: ClassVar[int] = 4_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:  # noqa: ARG002 - always small
        """Return the badge."""
        ratio = report.detail.now.line_ratio if report.detail and report.detail.now else None
        if any_blind(report):
            return _badge("coverage", WORD[Status.BLIND], _RED)
        if ratio is None or not 0 <= ratio <= 1:
            return _badge("coverage", "not measured", _GREY)
        colour = _GREEN if ratio >= _GOOD else _AMBER if ratio >= _FAIR else _RED
        return _badge("coverage", f"{int(ratio * 100 + 1e-9)} %", colour)


class FlakinessBadge:
    """How many tests of the run were flaky as a badge; of a run with a blind stage it says that it is blind."""

    name: ClassVar[str] = "badge-flakiness"
    media_type: ClassVar[str] = "image/svg+xml"
    file: ClassVar[str] = "badge-flakiness.svg"
    budget_bytes: ClassVar[int] = 4_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:  # noqa: ARG002 - always small
        """Return the badge."""
        now = report.detail.now if report.detail else None
        if any_blind(report):
            return _badge("flaky tests", WORD[Status.BLIND], _RED)
        if now is None or now.tests <= 0:
            return _badge("flaky tests", "no tests", _GREY)
        return _badge("flaky tests", f"{now.flaky:,} of {now.tests:,}", _AMBER if now.flaky else _GREEN)


def _badge(label: str, value: str, colour: str) -> Document:
    """Return two fields beside each other: what it is about, and what it says."""
    left, right = (len(text) * _CHARACTER + _PADDING for text in (label, value))
    width = left + right
    title = html_text(f"{label}: {value}")

    def text(words: str, start: int, room: int) -> str:
        middle, length = start + room / 2, room - _PADDING
        return f'<text x="{middle:g}" y="14" textLength="{length}">{html_text(words)}</text>'

    body = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left}" height="20" fill="{_DARK}"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<g fill="#ffffff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{text(label, 0, left)}{text(value, left, right)}</g></svg>\n"
    )
    return Document(body=body.encode(), media_type="image/svg+xml")
