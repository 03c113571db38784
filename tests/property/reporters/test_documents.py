"""Any report within any budget: whole parts only, never over, never silent."""

from __future__ import annotations

import html
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import verdict_schema
from tests.support.hostile import CORPUS

from truegreen import registry
from truegreen.model.detail import ChangedFile, CoverageChange, Covered, Detail, FindingsChange, StageFindings
from truegreen.model.finding import Finding, Severity
from truegreen.model.verdict import Fact, Item, LogTail, Report, StageReport, Status, Verdict
from truegreen.reporters import escape
from truegreen.reporters.comment import MARKER

TEXT = st.one_of(
    st.sampled_from(CORPUS), st.text(max_size=40), st.text(st.sampled_from("`|<>&@#*_[]\\\n:~$ a1"), max_size=30)
)
STATUS = st.sampled_from(list(Status))
ITEM = st.builds(
    Item,
    title=TEXT,
    message=TEXT,
    detail=TEXT,
    path=TEXT,
    line=st.integers(0, 99),
    level=st.sampled_from(["error", "warning"]),
)
FACT = st.builds(Fact, label=TEXT, value=TEXT, wanted=TEXT)
VERDICT = st.builds(
    Verdict,
    gate=TEXT,
    stage=st.just("unit"),
    status=STATUS,
    reason=TEXT,
    facts=st.lists(FACT, max_size=2).map(tuple),
    items=st.lists(ITEM, max_size=12).map(tuple),
    remedy=TEXT,
    waiver=TEXT,
    advisory=st.booleans(),
)
STAGE = st.builds(
    StageReport,
    stage=TEXT,
    status=STATUS,
    headline=TEXT,
    command=TEXT,
    verdicts=st.lists(VERDICT, max_size=3).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple),
    logs=st.lists(st.builds(LogTail, service=TEXT, text=TEXT, path=TEXT, left_out=TEXT), max_size=2).map(tuple),
)
LINES = st.integers(0, 999)
MANY = st.integers(999, 9999)
COVERED = st.builds(Covered, name=TEXT, lines=MANY, covered=LINES, base_lines=MANY, base_covered=LINES)
CHANGED = st.builds(
    ChangedFile,
    whole=COVERED,
    lines=LINES,
    covered=LINES,
    uncovered=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), max_size=9).map(tuple),
    places=st.integers(0, 30),
)
COVERAGE = st.builds(
    CoverageChange,
    total=COVERED,
    base=TEXT,
    components=st.lists(COVERED, max_size=3).map(tuple),
    files=st.lists(CHANGED, max_size=5).map(tuple),
    changed_files=st.integers(0, 600),
    changed_lines=LINES,
)
FINDING = st.builds(
    Finding, tool=TEXT, rule=TEXT, severity=st.sampled_from(Severity), path=TEXT, line=LINES, message=TEXT
)
FINDINGS = st.builds(
    StageFindings, stage=TEXT, total=st.integers(30, 60), findings=st.lists(FINDING, max_size=5).map(tuple)
)
DETAIL = st.builds(
    Detail,
    coverage_change=st.none() | COVERAGE,
    findings_change=st.none() | st.builds(FindingsChange, base=TEXT, gone=LINES, new=st.tuples(FINDINGS)),
)
REPORT = st.builds(
    Report,
    status=STATUS,
    headline=TEXT,
    stages=st.lists(STAGE, max_size=3).map(tuple),
    detail=st.none() | DETAIL,
)
LEAST = 400
"""Room for the parts that are never left out."""


def render(name, report, budget=None):
    return registry.load("reporter", name)().render(report, budget)


def balanced(text):
    """Fences are closed by the marks that opened them, tables have whole rows, details are closed."""
    opened = ""
    for line in text.split("\n"):
        marks = re.match(r"\s*(`{3,})(text)?$", line)
        if marks and not opened:
            opened = marks[1]
        elif marks and marks[1] == opened and not marks[2]:
            opened = ""
        elif not opened and line.startswith("|"):
            assert line.endswith("|")
    assert not opened
    outside = re.sub(r"(?ms)^\s*(`{3,})text$.*?^\s*\1$", "", text)
    tags = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert tags.count("<details>") == tags.count("</details>")


@settings(max_examples=60, deadline=None)
@given(REPORT, st.integers(LEAST, 6000), st.sampled_from(["summary", "comment", "terminal", "annotations"]))
def test_document_is_within_any_budget_and_says_what_it_left_out(report, budget, name):
    whole, cut = render(name, report, 10**9), render(name, report, budget)
    assert len(cut.body) <= budget
    cut.body.decode()
    if len(whole.body) > budget:
        assert cut.omitted
    if name in ("summary", "comment"):
        balanced(cut.text)


@settings(max_examples=30, deadline=None)
@given(REPORT, st.sampled_from(["summary", "comment", "terminal"]))
def test_document_at_its_exact_size_is_whole_and_one_byte_less_is_not(report, name):
    whole = render(name, report, 10**9)
    size = len(whole.body)
    assert render(name, report, size).body == whole.body
    if size > LEAST:
        smaller = render(name, report, size - 1)
        assert len(smaller.body) < size
        assert smaller.omitted


@settings(max_examples=50, deadline=None)
@given(REPORT)
def test_comment_begins_with_the_marker_and_holds_it_once_as_a_line(report):
    for budget in (None, LEAST):
        lines = render("comment", report, budget).text.split("\n")
        assert lines[0] == MARKER
        assert lines.count(MARKER) == 1


@settings(max_examples=40, deadline=None)
@given(REPORT, st.integers(2000, 20000))
def test_json_is_valid_against_the_shipped_schema_whatever_the_budget(report, budget):
    for limit in (None, budget):
        verdict_schema.check(json.loads(render("json", report, limit).body))


@settings(max_examples=60, deadline=None)
@given(REPORT)
def test_annotations_are_one_command_a_line_and_at_most_ten_of_a_level(report):
    lines = render("annotations", report).text.split("\n")[:-1]
    assert all(re.match(r"::(error|warning|notice) [^\n]*::", line) for line in lines)
    assert sum(line.startswith("::error") for line in lines) <= 10
    assert sum(line.startswith("::warning") for line in lines) <= 10


@settings(max_examples=60, deadline=None)
@given(REPORT)
def test_terminal_lets_no_foreign_text_begin_a_line(report):
    text = render("terminal", report).text
    assert "\x1b" not in text
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


@given(TEXT)
def test_markdown_has_no_character_that_could_start_markup(text):
    shown = escape.markdown(text)
    assert "\n" not in shown
    assert not set(shown) & set("<>|$")
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*\[\]~]", shown)
    read = html.unescape(shown.replace("&#58;//", ""))
    assert not re.search(r"@\w|#\w|://", read)


def test_markdown_with_an_entity_between_mark_and_digit_is_no_reference():
    assert escape.markdown("#$0") == "\\#&#36;0"


@given(TEXT)
def test_code_is_closed_only_by_its_own_marks(text):
    shown = escape.code(text)
    if shown.startswith("`"):
        marks = re.match(r"`+", shown)[0]
        assert len(shown) >= 2 * len(marks)
        runs = re.findall(r"`+", shown)
        assert [run for run in runs if run == marks] == [marks, marks]
