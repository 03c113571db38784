"""Any template with any report: refused with its line, or harmless, within the budget, with the verdict in front."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.property.reporters.test_documents import REPORT, balanced
from tests.property.reporters.test_hostile_text import MENTION, OWN_HTML, OWN_LINK, everywhere
from tests.support.hostile import CORPUS
from tests.support.known_reports import REPORTS

from truegreen.errors import TemplateUnusable
from truegreen.reporters import budget, sections
from truegreen.reporters.comment import MARKER, CommentReporter
from truegreen.reporters.summary import SummaryReporter
from truegreen.reporters.template import layout, names

LINKED = "https://templates.example/"
BITS = st.sampled_from(
    (
        *(f"{{{{{name}}}}}" for name in names.VALUES),
        *(
            "**",
            "_",
            "`",
            "[",
            "]",
            "(",
            ")",
            "!",
            "@",
            "#",
            "\\",
            "&",
            "<",
            ">",
            "|",
            "://",
            "www.",
            "gh-",
            " ",
            "a",
            "1",
        ),
        *(f"[x]({LINKED}{{{{ref}}}})", "[{{headline}}]({{run-url}})", "`{{ref}}`", "**{{headline}}**", "_{{event}}_"),
        *(text for text in CORPUS if len(text) < 100),
    )
)
OWN = st.lists(BITS, max_size=8).map("".join)
START = st.sampled_from(("", "- ", "  1. ", "> ", "### ", "    ", "\t", "```\n", "{{! x }}"))
TAG = st.sampled_from([f"{{{{{mark}{name}}}}}" for name in names.CONDITIONS for mark in ("", "#", "^", "/")])
SECTION = st.sampled_from([f"{{{{{name}}}}}" for name in (*names.SECTIONS, names.MORE)])
LINE = st.one_of(st.tuples(START, OWN).map("".join), OWN, SECTION)
BLOCK = st.tuples(st.sampled_from(("#", "^")), st.sampled_from(names.CONDITIONS), st.lists(LINE, max_size=4)).map(
    lambda given: "\n".join((f"{{{{{given[0]}{given[1]}}}}}", *given[2], f"{{{{/{given[1]}}}}}"))
)
TEMPLATE = st.lists(st.one_of(LINE, LINE, SECTION, BLOCK), max_size=12).map("\n".join)
ANY = st.one_of(TEMPLATE, st.lists(st.one_of(LINE, TAG), max_size=6).map("\n".join), st.text(max_size=60))


def read(template: str) -> layout.Template | None:
    try:
        return layout.read(template, "ci/t.md")
    except TemplateUnusable as error:
        said = error
    assert re.fullmatch(r"ci/t\.md(:[1-9]\d*)?", said.where)
    assert said.what
    assert said.fix
    return None


def check_harmless(text: str) -> None:
    """Only our own markup, and links of the template's host; no mention, image or HTML of anybody."""
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    tokens = [inner for token in parser.parse(text) for inner in (token, *(token.children or ()))]
    assert [token.tag for token in tokens if token.type == "heading_open" and token.tag in ("h1", "h2")] == ["h2"]
    for token in tokens:
        assert token.type != "image"
        if token.type in ("html_block", "html_inline"):
            assert not OWN_HTML.sub("", token.content).strip(), token.content[:200]
        if token.type == "link_open":
            address = str(token.attrs["href"])
            assert OWN_LINK.match(address) or address.startswith(LINKED), address
        if token.type == "text":
            assert not MENTION.search(token.content), token.content[:200]


@settings(max_examples=300, deadline=None)
@given(ANY, st.one_of(REPORT, st.sampled_from(CORPUS).map(everywhere)))
def test_template_is_refused_with_its_line_or_makes_a_harmless_document_that_begins_with_the_verdict(template, report):
    chosen = read(template)
    if chosen is None:
        return
    plain = CommentReporter().render(report).text
    text = CommentReporter(chosen).render(report).text
    assert text.startswith(f"{MARKER}\n\n## ")
    assert text.split("\n")[:3] == plain.split("\n")[:3]
    assert [line for line in text.split("\n") if line.startswith("## ")] == text.split("\n")[2:3]
    check_harmless(text)


@settings(max_examples=150, deadline=None)
@given(TEMPLATE, REPORT)
def test_what_a_template_does_not_place_is_named_and_what_is_required_is_there(template, report):
    chosen = read(template)
    if chosen is None:
        return
    parts = SummaryReporter().render(report)
    text = SummaryReporter(chosen).render(report).text
    assert not parts.omitted
    note = re.search(r"_The template `ci/t\.md` leaves out (.*?)\. The whole is in", text)
    gone = set(re.findall(r"`([a-z-]+)`", note[1])) if note else set()
    for part in sections.parts(report):
        name = names.section(part)
        there = part.forms[-1].strip("\n") in text
        assert there or (name in gone and not part.required), part.name


@settings(max_examples=150, deadline=None)
@given(TEMPLATE, st.sampled_from([name for name in REPORTS if name != "huge"]), st.data())
def test_document_of_a_template_keeps_to_the_byte_of_any_budget(template, name, data):
    chosen = read(template)
    if chosen is None:
        return
    report = REPORTS[name]()
    reporter = SummaryReporter(chosen)
    full = budget.size(reporter.render(report).text)
    least = sum(
        budget.size(part.forms[0]) + 2 for part in chosen.arrange(report, sections.parts(report)) if part.required
    )
    middle = data.draw(st.integers(least + 450, max(full, least + 450) + 2))
    for limit in (middle - 1, middle, middle + 1, full - 1, full, full + 1):
        if limit < least + 450:
            continue
        document = reporter.render(report, limit)
        assert len(document.body) <= limit
        assert document.text.startswith("## ")
        assert bool(document.omitted) <= (limit < full)
        balanced(document.text)
        check_harmless(document.text)
