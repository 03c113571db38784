"""Reporter: one HTML file that needs no network, no JavaScript and no trust in what it shows."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from truegreen.reporters.base import Document
from truegreen.reporters.html import changes, evidence, failing, island, past, tests, verdicts
from truegreen.reporters.html.markup import Html, element, joined, text
from truegreen.reporters.verdict_json import CUTS, encoded, shortened
from truegreen.reporters.words import WORD, duration, waivers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.verdict import Report

_PARTS = Path(__file__).with_name("html")
_KEYS = (
    ("/", "search"),
    ("Esc", "clear the search"),
    ("j", "next failing test"),
    ("k", "the one before"),
    ("o", "open or close everything"),
    ("?", "this list"),
)


class HtmlReporter:
    """The whole report as one page for the browser: opens from a file, prints, and holds the verdict document."""

    name: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html"
    budget_bytes: ClassVar[int] = 20_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the page; above the budget items are left out first, then all but the headline."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = _page(report, ""), ""
        for cut in CUTS:
            if len(body) <= limit:
                return Document(body=body, media_type=self.media_type, omitted=omitted)
            omitted = cut.leaves_out
            body = _page(shortened(report, cut), omitted)
        if len(body) > limit:
            body, omitted = _least(report, limit), "all but the headline"
        return Document(body=body, media_type=self.media_type, omitted=omitted)


@cache
def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@cache
def policy() -> str:
    """Return the content security policy: nothing but this very style and this very script."""
    script, style = _hash(_part("page.js")), _hash(_part("page.css"))
    return f"default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"


def _page(report: Report, omitted: str) -> bytes:
    title = f"{WORD[report.status]}: {report.provenance.repository or 'truegreen'}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        # The policy stands before anything it could be needed for.
        element("meta", http_equiv="Content-Security-Policy", content=policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", text(title, 200)),
        element("style", Html(_part("page.css"))),
    )
    body = element("body", *_body(report, omitted))
    page = Html(f'<!doctype html>\n<html lang="en">{head}{body}</html>\n')
    return page.encode("utf-8", "replace")


def _body(report: Report, omitted: str) -> Iterable[Html]:
    sections = [(name, title, content) for name, title, content in _sections(report) if content]
    yield element("a", "To the report", class_="skip", href="#main")
    yield element("header", _headline(report), _contents(sections))
    shown = (element("section", element("h2", title), content, id=name) for name, title, content in sections)
    note = f"Not everything fits here, left out: {omitted}. The evidence has all of it."
    yield element("main", _tools(), element("p", note) if omitted else None, *shown, id="main")
    yield element("footer", "Made by truegreen: a green check that means it. ", _save())
    yield _help()
    yield island.write(encoded(report))
    yield element("script", Html(_part("page.js")))


def _sections(report: Report) -> Iterable[tuple[str, str, Html]]:
    """Yield id, title and content, what is acted on first."""
    found = report.detail
    yield "stages", "Stages", verdicts.stages(report)
    yield "reasons", "What is red, and why", verdicts.reasons(report)
    yield "failing", f"Failing tests ({failing.count_failing(report):,})", failing.failing(report)
    yield "uncovered", "Changed lines that no test ran", verdicts.uncovered(report)
    yield "findings", "Findings", verdicts.findings(report)
    yield "waivers", f"Waivers ({waivers(report).total:,})", verdicts.excused(report)
    if found is not None:
        yield "compared", "Against the base", past.compared(found)
        yield "coverage-change", "Coverage by component and file", changes.coverage(report)
        yield "findings-change", "Findings against the base", changes.findings(report)
        yield "flaky", "Tests over runs", past.strips(found)
        yield "trends", "Trends", past.trends(found)
        yield "slowest", "Slowest tests", tests.slowest(found)
        yield "tests", "Tests", tests.every(found)
    yield "advice", "Verdicts that are not red", verdicts.advice(report)
    yield "evidence", "Evidence", joined((evidence.files(report), evidence.inputs(report), evidence.programs(report)))
    yield "notes", "Notes", evidence.notes(report)
    yield "provenance", "Provenance", evidence.provenance(report)


def _headline(report: Report) -> Html:
    took = f"in {duration(report.duration_s)}, " if report.duration_s else ""
    origin = report.provenance
    what = f"{origin.repository} at {origin.commit[:12] or 'no commit'}"
    return joined(
        (
            element("h1", verdicts.badge(report.status), " ", text(report.headline, 500)),
            element("p", text(f"{what}, {took}{origin.created}"), class_="quiet"),
        )
    )


def _contents(sections: Iterable[tuple[str, str, Html]]) -> Html:
    entries = (element("li", element("a", title, href=f"#{name}")) for name, title, _ in sections)
    return element("nav", element("ul", *entries), aria_label="Contents")


def _tools() -> Html:
    """Return the controls, which the script shows: without it they would do nothing."""
    return element(
        "div",
        element("label", "Search", for_="search", class_="hidden"),
        element("input", id="search", type="search", placeholder="Search tests and findings (press /)"),
        element("span", id="found", role="status"),
        id="tools",
        hidden=True,
    )


def _save() -> Html:
    return element("button", "Save verdict.json", id="save", type="button", hidden=True)


def _help() -> Html:
    rows = (joined((element("dt", element("kbd", key)), element("dd", what))) for key, what in _KEYS)
    close = element("form", element("button", "Close"), method="dialog")
    return element("dialog", element("h2", "Keys"), element("dl", *rows), close, id="help", aria_label="Keys")


def _least(report: Report, limit: int) -> bytes:
    """Return the shortest page: verdict and headline, as much of them as there is room for."""
    start = f"<!doctype html><meta charset=utf-8><title>truegreen</title><p>{WORD[report.status]}"
    room = limit - len(start.encode())
    shown = text(f": {report.headline}", 200)
    return (start + shown if len(shown.encode("utf-8", "replace")) <= room else start).encode("utf-8", "replace")
