"""One corpus of hostile text through every reporter: parsed as its readers parse it, nothing of it becomes markup."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.property.reporters.test_documents import REPORT
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import ORIGIN
from tests.support.runner_commands import COMMANDING, obeyed

from truegreen import registry
from truegreen.model.detail import (
    ChangedFile,
    Comparison,
    CoverageChange,
    Covered,
    Detail,
    FindingsChange,
    Named,
    Several,
    Slower,
    StageFindings,
    StageTests,
    Strip,
    TrendPoint,
)
from truegreen.model.evidence import ServiceRecord, ToolRun
from truegreen.model.finding import Finding, Severity
from truegreen.model.verdict import (
    Fact,
    Input,
    Item,
    KeptFile,
    LogTail,
    Provenance,
    Report,
    StageReport,
    Status,
    Verdict,
)
from truegreen.reporters.base import Document
from truegreen.reporters.comment import MARKER
from truegreen.reporters.html import island
from truegreen.runtime.console import Console

GATES = ("no-failures", "findings", "patch-coverage", "waivers", "of-somebody")
OWN_HTML = re.compile(r"</?details>|<summary>[^<>]*</summary>|<br>|</?sub>|" + re.escape(MARKER))
OWN_LINK = re.compile(r"https://github\.com/acme/ledger/(blob|actions|commit|tree)/")
MENTION = re.compile(r"(?<![\w`])@\w|(?i:\bgh-\d)|#\d|:100:|:\+1:|:octocat:")
VOID = {"meta", "input", "br"}
OPTIONAL = {"td", "tr"}
"""Elements whose end tag HTML does not need, and the table of all tests leaves out."""
TAGS = re.compile(
    "html|head|meta|title|style|body|a|header|h[123]|span|p|nav|ul|li|main|div|label|input|section|table|caption|thead|"
    "tbody|tr|th|td|article|d[ltd]|code|pre|details|summary|strong|small|svg|path|polyline|circle|rect|figure|"
    "figcaption|footer|button|dialog|form|kbd|script|br"
)
EXACT = ("id", "type", "method", "role", "http-equiv", "lang", "charset", "for", "scope")


def everywhere(text: str) -> Report:
    """Return a report in which a text stands wherever foreign text can stand."""
    item = Item(title=text, message=text, detail=text, path=text, line=3, last_line=5, shard=text, owners=(text,))
    stage = StageReport(
        stage=text,
        status=Status.FAIL,
        headline=text,
        command=text,
        verdicts=tuple(
            Verdict(
                gate=gate,
                stage=text,
                status=status,
                reason=f"{text}{gate}{status}",
                items=(item,),
                facts=(Fact(label=text, value=text, wanted=text),),
                remedy=text,
                code=text,
                waiver=text,
            )
            for gate in ((*GATES, text) if len(text) < len(HUGE) else GATES[:1])
            for status in ((Status.FAIL, Status.PASS, Status.WAIVED) if len(text) < len(HUGE) else (Status.FAIL,))
        ),
        notes=(text,),
        tools=(ToolRun(name=text, version=text, argv=(text,)),),
        services=(ServiceRecord(name=text, provider=text, version=text),),
        machines=(text,),
        evidence=(text,),
        files=(KeptFile(path=text, kind=text, sha256=text, size_bytes=1, attachment=text),),
        inputs=(Input(stage=text, shard=text, file=text, kind=text),),
        logs=(LogTail(service=text, text=text, path=text), LogTail(service=text, text="", path=text, left_out=text)),
    )
    finding = Finding(tool=text, rule=text, severity=Severity.HIGH, path=text, line=3, message=text)
    point = TrendPoint(commit=text, created=text, branch=text, status=text, line_ratio=0.5)
    detail = Detail(
        tests=(StageTests(stage=text, total=1, names=(text,), outcomes="f", durations_s=(1.0,)),),
        now=point,
        trend=(point,),
        strips=(Strip(stage=text, test=text, cells="fk"),),
        comparison=Comparison(
            base=point,
            newly_failing=Several(total=1, named=(Named(text, text),)),
            fixed=Several(total=1, named=(Named(text, text),)),
            newly_flaky=Several(total=1, named=(Named(text, text),)),
            new=Several(total=2, named=(Named(text, text),)),
            slower=Several(total=1, named=(Slower(stage=text, test=text, usual_s=1.0, now_s=3.0),)),
        ),
        findings_change=FindingsChange(base=text, new=(StageFindings(stage=text, total=2, findings=(finding,)),)),
        coverage_change=CoverageChange(
            base=text,
            total=Covered(name=text, lines=9, covered=8, base_lines=9, base_covered=7),
            components=(Covered(name=text, lines=9, covered=8),),
            files=(ChangedFile(whole=Covered(name=text, lines=9), lines=3, uncovered=((1, 2), (4, 4))),),
            changed_files=1,
        ),
    )
    origin = Provenance(
        **dict.fromkeys(("base_commit", "ref", "event", "run_id", "pack_version", "pack_commit", "created"), text),
        repository=ORIGIN.repository,
        commit=ORIGIN.commit,
        run_url=ORIGIN.run_url,
    )
    return Report(status=Status.FAIL, headline=text, stages=(stage,), history=text, provenance=origin, detail=detail)


def render(name: str, report: Report) -> str:
    return registry.load("reporter", name)().render(report).text


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what is markup in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.bad: list[str] = []
        self.shape: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(f"<{tag} {[(name, value) if name in EXACT else name for name, value in attrs]}")
        if not TAGS.fullmatch(tag) or any(name.startswith("on") or name in ("style", "src") for name, _ in attrs):
            self.bad.append(f"{tag} {attrs}")
        link = dict(attrs).get("href")
        if link is not None and not (link.startswith(("#", "attachments/")) or OWN_LINK.match(link)):
            self.bad.append(link)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in OPTIONAL:
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.bad.append(f"</{tag}>")

    def handle_comment(self, data: str) -> None:
        self.bad.append(f"<!--{data}")


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=lambda text: ascii(text[:20]))
def test_page_with_hostile_text_everywhere_holds_only_our_own_markup(text):
    reader = read(render("html", everywhere(text)))
    assert reader.bad == []
    assert reader.open == []
    assert sum(shape.startswith("<script") for shape in reader.shape) == 2


@settings(max_examples=40, deadline=None)
@given(REPORT)
def test_page_of_any_report_holds_only_our_own_markup(report):
    reader = read(render("html", report))
    assert (reader.bad, reader.open) == ([], [])


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_page_shows_no_control_or_direction_mark(text):
    shown = re.sub(r"(?s)<script.*?</script>|<style.*?</style>", "", render("html", everywhere(text)))
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", shown
    )


@pytest.mark.parametrize("name", ["summary", "comment"])
@pytest.mark.parametrize("text", [*CORPUS, HUGE], ids=lambda text: ascii(text[:20]))
def test_markdown_with_hostile_text_everywhere_holds_no_link_image_html_or_mention_of_it(text, name):
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    tokens = parser.parse(render(name, everywhere(text)))
    flat = [inner for token in tokens for inner in (token, *(token.children or ()))]
    for token in flat:
        assert token.type != "image"
        if token.type in ("html_block", "html_inline"):
            assert not OWN_HTML.sub("", token.content).strip(), token.content[:200]
        if token.type == "link_open":
            assert OWN_LINK.match(str(token.attrs["href"])), token.attrs
        if token.type == "text":
            assert not MENTION.search(token.content), token.content[:200]


def printed(document: Document) -> str:
    out = io.StringIO()
    Console(out=out).result(document.text, document.media_type)
    return out.getvalue()


@pytest.mark.parametrize("name", registry.names("reporter"))
@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING, HUGE], ids=lambda text: ascii(text[:20]))
def test_runner_sees_no_command_of_hostile_text(text, name):
    document = registry.load("reporter", name)().render(everywhere(text))
    found = obeyed(printed(document))
    own = re.compile(r"::(error|warning|notice) [a-z]+=[^:]*::")
    # A line that is a command of the one kind is not looked through for the other.
    assert [line for line in found if name != "annotations" or not own.match(line)] == []


@pytest.mark.parametrize("name", ["json", "ctrf", "sarif"])
@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
def test_printed_json_of_hostile_text_is_read_as_it_was(text, name):
    document = registry.load("reporter", name)().render(everywhere(text))
    assert json.loads(printed(document)) == json.loads(document.body)


@pytest.mark.parametrize("name", ["junit", "sonar-tests", "sonar-coverage", "badge-verdict"])
@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
def test_printed_xml_of_hostile_text_is_read_as_it_was(text, name):
    document = registry.load("reporter", name)().render(everywhere(text))
    assert ET.canonicalize(printed(document)) == ET.canonicalize(document.text)


@pytest.mark.parametrize("text", [*CORPUS, *COMMANDING], ids=lambda text: ascii(text[:20]))
def test_printed_page_of_hostile_text_has_its_markup_and_its_own_script(text):
    document = registry.load("reporter", "html")().render(everywhere(text))
    shown = printed(document)
    assert read(shown).shape == read(document.text).shape
    assert island.read(shown.encode(), 1 << 26, ValueError) == island.read(document.body, 1 << 26, ValueError)
    parts = re.compile(r"(?s)<script.*?</script>|<style.*?</style>")
    assert parts.findall(shown) == parts.findall(document.text)
