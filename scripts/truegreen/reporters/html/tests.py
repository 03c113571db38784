"""Sections of the page about single tests: the slowest, and the table of all that are listed."""

from __future__ import annotations

from collections import Counter
from heapq import nlargest
from typing import TYPE_CHECKING

from truegreen.model import detail
from truegreen.reporters.escape import html_text
from truegreen.reporters.html.markup import Html, element, joined, row, stage_name, table, text
from truegreen.reporters.rows import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.detail import Detail

WORDS = {
    detail.PASSED: "pass",
    detail.FAILED: "fail",
    detail.ERRED: "error",
    detail.SKIPPED: "skip",
    detail.FLAKY: "flaky",
}
_DID = {
    detail.PASSED: "passed",
    detail.FAILED: "failed",
    detail.ERRED: "ended with an error",
    detail.SKIPPED: "were skipped",
    detail.FLAKY: "were flaky",
}
_SLOWEST = 20
_BAR = 120


def slowest(found: Detail) -> Html:
    """Return the tests that took longest, with a bar for each."""
    timed = (
        (took, stage.stage, name)
        for stage in found.tests
        for name, took in zip(stage.names, stage.durations_s, strict=False)
    )
    longest = nlargest(_SLOWEST, timed)
    if not longest or longest[0][0] <= 0:
        return Html("")
    rows = [
        row(text(name), stage_name(stage), _bar(took / longest[0][0]), f"{took:.3f}", numbers=1, class_="item")
        for took, stage, name in longest
    ]
    return table(("Test", "Stage", "Share", "Seconds"), rows, label="Slowest tests", name="t-slowest", numbers=1)


def _bar(share: float) -> Html:
    bar = element("rect", width=f"{share * _BAR:.1f}", height=10)
    return element("svg", bar, viewBox=f"0 0 {_BAR} 10", width=_BAR, height=10, aria_hidden="true")


def every(found: Detail) -> Html:
    """Return the table of tests; it is drawn when it is opened, so that ten thousand cost nothing before."""
    listed = sum(len(stage.names) for stage in found.tests)
    if not listed:
        return Html("")
    total = sum(stage.total for stage in found.tests)
    rest = _rest(found) if total > listed else ""
    head = ("Outcome", "Stage", "Test", "Seconds")
    return joined(
        (
            element("p", rest, class_="quiet") if rest else None,
            element(
                "details",
                element("summary", f"{listed:,} of {total:,} tests" if rest else f"All {total:,} tests"),
                table(head, _rows(found), label="Tests", name="t-tests", numbers=1),
                id="every-test",
            ),
        )
    )


def _rest(found: Detail) -> str:
    """Return what became of the tests that are not listed; nothing is said of those nobody counted."""
    missing: Counter[str] = Counter()
    for stage in found.tests:
        missing.update(Counter(stage.counts) - Counter(stage.outcomes))
    known = [f"{number:,} more {_DID[letter]}" for letter, number in missing.items() if letter in _DID]
    if not known:
        return f"{sum(map(left_out, found.tests)):,} more are not listed; the result files have them."
    return f"{' and '.join(known)} and are not listed; the result files have them."


def _rows(found: Detail) -> Iterator[Html]:
    """Yield a row a test; end tags that HTML does not need are left out, since there may be very many."""
    for stage in found.tests:
        name_of_stage = html_text(stage.stage)
        for name, outcome, took in zip(stage.names, stage.outcomes, stage.durations_s, strict=False):
            # A document that somebody sent may hold letters that we never wrote.
            known = outcome if outcome in WORDS else detail.SKIPPED
            word, shown = WORDS.get(outcome, "unknown"), html_text(name)
            yield Html(f"<tr class={known}><td>{word}<td>{name_of_stage}<td>{shown}<td>{took:.3f}\n")
