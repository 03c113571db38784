"""The coverage of components and changed files against the base, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.reporters import links, shares
from truegreen.reporters.budget import Part
from truegreen.reporters.escape import code, markdown

if TYPE_CHECKING:
    from truegreen.model.detail import ChangedFile, CoverageChange
    from truegreen.model.verdict import Report
    from truegreen.reporters.entries import Source

_FILES, _RANGES = 20, 6
"""Changed files that are named, and runs of uncovered lines of each."""


def part(report: Report, source: Source) -> Part | None:
    """Return the coverage in a line, and in the longer forms the components and the changed files.

    None where the table of stages says all there is: no base, no component, and no changed line that did not run.
    """
    found = report.detail.coverage_change if report.detail else None
    if found is None or not shares.worth_telling(found):
        return None
    lead = _lead(found)
    tables = {"component": _components(found), "changed file": _files(found, source)}
    kinds = [kind for kind, table in tables.items() if table]
    forms = [lead]
    for shown in (kinds[:1], kinds):
        body = "\n\n".join(tables[kind] for kind in shown)
        if body:
            forms.append(f"{lead}\n\n<details><summary>By {' and '.join(shown)}</summary>\n\n{body}\n\n</details>")
    return Part(name="coverage by component and file", forms=tuple(dict.fromkeys(forms)))


def _lead(found: CoverageChange) -> str:
    before, which = shares.against(found)
    base = f" ({before} {code(found.base[:12], 60)}, {which})" if found.base else ""
    clauses = (f"{shares.covered(found)}{base}", shares.changed_lines(found))
    return f"**Covered:** {'; '.join(clause for clause in clauses if clause)}"


def _components(found: CoverageChange) -> str:
    rows = [(markdown(one.name, 60), *shares.cells(one, found)) for one in found.components]
    return _table(("Component", *shares.heads(found)), rows)


def _files(found: CoverageChange, source: Source) -> str:
    rows = [
        (
            markdown(one.whole.name, 200),
            *shares.cells(one.whole, found),
            shares.changed(one),
            _uncovered(one, source),
        )
        for one in shares.told_files(found)[:_FILES]
    ]
    if not rows:
        return ""
    heads = ("Changed file", *shares.heads(found), "Changed lines covered", "Changed lines not covered")
    more = shares.untold_files(found, len(rows))
    return _table(heads, rows) + (f"\n\n… and {more:,} more changed files" if more else "")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown; empty where it has no row."""
    if not rows:
        return ""
    lines = (f"| {' | '.join(cells)} |" for cells in (heads, *rows))
    return "\n".join((next(lines), "|---" * len(heads) + "|", *lines))


def _uncovered(one: ChangedFile, source: Source) -> str:
    """Return the runs of changed lines that did not run, each as a link to the commit that was judged."""
    texts = []
    for first, last in one.uncovered[:_RANGES]:
        shown = shares.span(first, last)
        target = links.place(source.blob, one.whole.name, first, last)
        texts.append(f"[{shown}]({target})" if target else shown)
    more = one.places - len(texts)
    return ", ".join(texts) + (f" and {more:,} more" if more > 0 else "")
