"""Sections of the page about coverage and findings against the base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters import findings_words, links, shares
from truegreen.reporters.html.markup import Html, commit, element, joined, prose, row, stage_name, table, text
from truegreen.reporters.html.verdicts import place
from truegreen.reporters.words import which_base

if TYPE_CHECKING:
    from truegreen.model.detail import ChangedFile, CoverageChange, FindingsChange
    from truegreen.model.finding import Finding
    from truegreen.model.verdict import Report

_FILES, _RANGES = 100, 10
"""Changed files that are named, and runs of uncovered lines of each."""
_FINDINGS = 200
"""New findings that are named: those of gates stand in a section of their own."""


def coverage(report: Report) -> Html:
    """Return the coverage of everything, of each component and of each changed file against the base.

    Nothing where the table of stages says all there is.
    """
    found = report.detail.coverage_change if report.detail else None
    if found is None or not shares.worth_telling(found):
        return Html("")
    return joined((_covered(found), _components(found), _files(found, links.blob(report.provenance))))


def _covered(found: CoverageChange) -> Html:
    before, which = shares.against(found)
    lines = shares.changed_lines(found)
    base = (f" ({before} ", commit(found.base), f", {which})") if found.base else ()
    return element("p", element("strong", "Covered: "), shares.covered(found), *base, f"; {lines}" if lines else None)


def _components(found: CoverageChange) -> Html:
    heads = shares.heads(found)
    rows = [
        row(text(one.name, 200), *shares.cells(one, found), numbers=len(heads), class_="item")
        for one in found.components
    ]
    head, label = ("Component", *heads), "Coverage by component"
    return table(head, rows, label=label, name="t-components", numbers=len(heads)) if rows else Html("")


def _files(found: CoverageChange, blob: str) -> Html:
    heads = (*shares.heads(found), "Changed lines covered")
    shown = shares.told_files(found)[:_FILES]
    if not shown:
        return Html("")
    rows = [
        row(
            element("code", text(one.whole.name, 300)),
            _uncovered(one, blob),
            *shares.cells(one.whole, found),
            shares.changed(one),
            numbers=len(heads),
            class_="item",
        )
        for one in shown
    ]
    head, label = ("Changed file", "Changed lines not covered", *heads), "Coverage by changed file"
    more = shares.untold_files(found, len(shown))
    rest = element("p", f"and {more:,} more changed files", class_="quiet") if more else None
    return joined((table(head, rows, label=label, name="t-changed", numbers=len(heads)), rest))


def _uncovered(one: ChangedFile, blob: str) -> Html:
    """Return the runs of changed lines that did not run, each as a link to the commit that was judged."""
    shown = one.uncovered[:_RANGES]
    texts = []
    for first, last in shown:
        target = links.place(blob, one.whole.name, first, last)
        texts.append(element("a", shares.span(first, last), href=target) if target else Html(shares.span(first, last)))
    more = one.places - len(shown)
    return Html(", ".join(texts) + (f" and {more:,} more" if more > 0 else ""))


def findings(report: Report) -> Html:
    """Return the counts of what changed, and the new findings; nothing where none is new and none is gone."""
    found = report.detail.findings_change if report.detail else None
    counted = findings_words.counts(found) if found else ""
    if found is None or not counted:
        return Html("")
    lead = element("p", "Against ", commit(found.base), f" ({which_base(exact=found.exact)}): {counted}")
    return joined((lead, _new(found, links.blob(report.provenance))))


def _new(found: FindingsChange, blob: str) -> Html:
    listed = [(stage.stage, one) for stage in found.new for one in stage.findings][:_FINDINGS]
    if not listed:
        return Html("")
    rows = [_finding(stage, one, blob) for stage, one in listed]
    more = sum(stage.total for stage in found.new) - len(rows)
    rest = element("p", f"and {more:,} more that are new", class_="quiet") if more > 0 else None
    head = ("Stage", "Severity", "Finding", "What and where")
    return joined((table(head, rows, label="New findings", name="t-new-findings"), rest))


def _finding(stage: str, one: Finding, blob: str) -> Html:
    what = joined((prose(one.message, 400), place(blob, one.path, one.line)))
    return row(
        stage_name(stage), text(one.severity, 40), text(f"{one.tool} {one.rule}".strip(), 200), what, class_="item"
    )
