"""The HTML report without a browser: what it says, what it links to, how it is cut, and what it gives back."""

from __future__ import annotations

import base64
import re
import zlib

import msgspec
import pytest
from tests.support.html_pages import render
from tests.support.known_reports import REPORTS, flaky, green, huge, red

from truegreen import registry
from truegreen.model.detail import (
    Named,
    Several,
    StageTests,
)
from truegreen.model.verdict import Item, KeptFile, Report, StageReport, Status, Verdict
from truegreen.reporters.html import evidence, failing, island, markup, past
from truegreen.reporters.html_page import policy


class Refused(Exception):
    """What the reader of an island raises here."""


def test_page_names_verdict_reason_test_command_and_provenance():
    text = render(red()).text
    for words in (
        "unit failed; persistence failed",
        "E   assert 0 == 100",
        "truegreen run unit -- tests/test_a.py::test_1",
        "https://github.com/acme/ledger/blob/",
        "0" * 64,
        "truegreen 1.0.0 ffff",
    ):
        assert words in text


def test_page_compares_with_the_base_and_shows_runs_trends_and_uncovered_source():
    text = render(flaky()).text
    for words in (
        "new here",
        "the commit where the change left its base",
        "flaky in 7 of 31 runs",
        "Lines covered over",
        "entry_89.amount",
    ):
        assert words in text


@pytest.mark.parametrize("name", REPORTS)
def test_page_is_the_same_bytes_again(name):
    report = REPORTS[name]
    assert render(report()).body == render(report()).body


def test_policy_allows_this_script_and_this_style_and_nothing_else():
    text = render(green()).text
    assert f'content="{policy().replace(chr(39), "&#x27;")}"' in text
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert not re.search(r"\s(style|on\w+)=", re.sub(r"(?s)<(script|style).*?</\1>", "", text))
    assert not re.search(r"(?:src=|@import|url\()", re.sub(r"(?s)<script.*?</script>", "", text))


def test_page_of_ten_thousand_tests_is_within_two_megabytes():
    assert len(render(huge()).body) < 2_000_000


@pytest.mark.parametrize("budget", [2_000_000, 1_000_000, 300_000, 60_000, 30_000, 500, 90])
def test_page_within_any_budget_says_what_it_left_out(budget):
    document = render(huge(), budget)
    assert len(document.body) <= budget
    assert bool(document.omitted) is (budget < 1_500_000)
    assert "fail" in document.text
    if document.omitted and budget > 40_000:
        assert "Not everything fits here" in document.text


# --- the document inside ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REPORTS)
def test_island_gives_the_verdict_document_back(name):
    report = REPORTS[name]()
    found = island.read(render(report).body, 64 << 20, Refused)
    assert found == registry.load("reporter", "json")().render(report).body
    assert msgspec.json.decode(found, type=Report).status is report.status


def packed(content: bytes) -> bytes:
    return f"{island.OPEN}{base64.b64encode(content).decode()}{island.CLOSE}".encode()


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (b"<html>", "holds no"),
        (island.OPEN.encode(), "holds no"),
        (island.OPEN.encode() + b"%%%" + island.CLOSE.encode(), "damaged"),
        (packed(b"no deflate"), "damaged"),
        (packed(zlib.compress(b"x" * 5000)[:-6]), "cut"),
        (packed(zlib.compress(b"\0" * 10_000_000)), "larger than"),
    ],
)
def test_island_that_is_none_or_a_bomb_is_refused_with_the_reason(page, why):
    with pytest.raises(Refused, match=why):
        island.read(page, 1_000_000, Refused)


def test_island_of_a_text_that_imitates_one_is_the_real_one():
    report = msgspec.structs.replace(green(), headline=island.OPEN + "AAAA" + island.CLOSE)
    assert msgspec.json.decode(island.read(render(report).body, 1 << 20, Refused), type=Report) == report


# --- failing tests ---------------------------------------------------------------------------------------------------


def alike(count, **more):
    """Return a report in which so many tests fail for one cause, and one for another, in shards."""
    gone = "store.py:4: in connect\nE   StoreGone: no answer"
    items = [
        Item(title=f"a.py::test_{n}", message="StoreGone: no answer", detail=gone, shard=str(n % 3 + 1))
        for n in range(count)
    ]
    items.insert(0, Item(title="a.py::test_own", message="ValueError: 3", detail="a.py:2: in own"))
    return Report(status=Status.FAIL, headline="", stages=(stage_of(items),), **more)


def stage_of(items):
    verdict = Verdict(gate="no-failures", stage="unit", status=Status.FAIL, reason="red", items=tuple(items))
    return StageReport(stage="unit", status=Status.FAIL, verdicts=(verdict,))


def test_tests_that_fail_alike_stand_under_one_head_with_the_first_of_them_and_its_shard():
    made = failing.failing(alike(5))
    head = (
        '<details class="cause" open><summary><strong>5 tests fail alike</strong>, first a.py::test_0 in shard 1 and '
        '2 more shards<span class="message">StoreGone: no answer</span></summary>'
    )
    assert made.startswith(head + '<details class="failure item" open><summary><strong>a.py::test_0</strong>')
    assert '<details class="others"><summary>4 more that fail alike</summary><details class="failure item">' in made
    assert made.count('class="failure item"') == 6
    assert made.index("test_4") < made.index("<summary><strong>a.py::test_own</strong>")
    assert "Failing tests (6)" in render(alike(5)).text


def test_page_and_summary_have_the_same_causes_in_the_same_order():
    report = huge()
    summary = registry.load("reporter", "summary")().render(report).text
    made = failing.failing(report)
    assert "**34 tests fail alike**, first `tests/area_0/test_module_0.py::" in summary
    assert "<strong>34 tests fail alike</strong>, first tests/area_0/test_module_0.py::" in made
    assert "[7]` at `" in summary or "[7]` at [`" in summary
    assert summary.index("34 tests fail alike") < summary.index("assert 107 == 100")
    assert made.index("34 tests fail alike") < made.index("assert 107 == 100")
    assert "in shard `1` and 3 more shards" in summary
    assert "in shard 1 and 3 more shards" in made


def test_what_the_base_says_of_failures_with_one_cause_stands_at_their_head():
    report = flaky()
    named = tuple(Named(stage="unit", test=f"a.py::test_{n}") for n in range(2))
    compared = msgspec.structs.replace(
        report.detail.comparison, newly_failing=Several(total=2, named=named), still_failing=Several()
    )
    made = failing.failing(alike(3, detail=msgspec.structs.replace(report.detail, comparison=compared)))
    assert made.count('<span class="news">2 new here</span>') == 1
    assert made.count('<span class="news">new here</span>') == 2


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "test", "command"),
    [
        ("truegreen run unit", "tests/a.py::test_b", "truegreen run unit -- tests/a.py::test_b"),
        ("truegreen run unit --seed 5", "a.py::t[x y]", "truegreen run unit --seed 5 -- 'a.py::t[x y]'"),
        ("truegreen run unit -- -k old", "a.py::t", "truegreen run unit -- a.py::t"),
        ("truegreen run unit", "a.py::t [3.12]", "truegreen run unit -- a.py::t"),
        ("truegreen run unit", "a.py::t\nrm", "truegreen run unit"),
        ("truegreen run unit", "a.py::$(rm)", "truegreen run unit -- 'a.py::$(rm)'"),
        ("truegreen run unit", "a collection error", "truegreen run unit"),
        ("truegreen ingest unit x.xml", "a.py::t", "truegreen ingest unit x.xml"),
    ],
)
def test_command_repeats_one_test_where_it_can_be_named(stage, test, command):
    assert failing.repeat(StageReport(stage="unit", status=Status.FAIL, command=stage), test) == command


def test_element_escapes_children_and_attributes_and_leaves_out_what_is_none():
    made = markup.element("p", "<b>", None, "", markup.element("br"), title='"><x', hidden=True, id=None, data_x=3)
    assert made == '<p title="&quot;&gt;&lt;x" hidden data-x="3">&lt;b&gt;<br></p>'


def test_prose_marks_code_between_pairs_of_backticks_only():
    assert markup.prose("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert markup.prose("one ` alone") == "one ` alone"


def test_block_keeps_the_last_lines_and_counts_the_others():
    made = markup.block("\n".join(f"line {n}" for n in range(50)), 2)
    assert "[… 48 lines above]\nline 48\nline 49" in made


@pytest.mark.parametrize(
    ("attachment", "linked"),
    [("attachments/0a-log.txt", True), ("javascript:alert(1)", False), ("attachments/../x", False), ("", False)],
)
def test_file_is_a_link_only_where_a_copy_lies_beside_the_page(attachment, linked):
    file = KeptFile(path="unit/log.txt", kind="log", sha256="0" * 64, size_bytes=1, attachment=attachment)
    stage = StageReport(stage="unit", status=Status.PASS, files=(file,))
    made = evidence.files(Report(status=Status.PASS, headline="", stages=(stage,)))
    assert ("<a " in made) is linked
    assert "unit/log.txt" in made


def test_trend_of_equal_figures_is_a_line_in_the_middle_and_one_point_is_none():
    found = flaky().detail
    level = msgspec.structs.replace(found, trend=(found.now, found.now))
    assert "30.0 " in past.trends(level)
    assert past.trends(msgspec.structs.replace(found, trend=())) == ""


def test_columns_that_somebody_made_up_are_shown_and_break_nothing():
    tests = StageTests(stage="unit", total=3, names=("a", "b", "c"), outcomes="p>", durations_s=(1.0, 2.0, 3.0))
    report = green()
    text = render(msgspec.structs.replace(report, detail=msgspec.structs.replace(report.detail, tests=(tests,)))).text
    assert "<tr class=p><td>pass<td>unit<td>a<td>1.000" in text
    assert "<tr class=s><td>unknown<td>unit<td>b<td>2.000" in text


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"f": 1, "p": 499_999}, "499,999 more passed and are not listed"),
        (
            {"f": 1001, "e": 2, "p": 498_997},
            "1,000 more failed and 2 more ended with an error and 498,997 more passed and are not listed",
        ),
        ({}, "499,999 more are not listed"),
    ],
)
def test_tests_that_are_not_listed_are_told_with_what_became_of_them(counts, told):
    tests = StageTests(stage="unit", total=500_000, counts=counts, names=("a",), outcomes="f", durations_s=(1.0,))
    report = green()
    text = render(msgspec.structs.replace(report, detail=msgspec.structs.replace(report.detail, tests=(tests,)))).text
    assert told in text
    assert "1 of 500,000 tests" in text


def test_failing_test_links_what_it_left_in_each_shard_and_nothing_that_lies_elsewhere():
    def left(path, attachment):
        return KeptFile(path=path, kind="log", sha256="0" * 64, size_bytes=1, attachment=attachment)

    known = red()
    files = (
        left("unit-a/attachments/test_1.png", "attachments/a-test_1.png"),
        left("unit-b/attachments/test_1.png", "attachments/b-test_1.png"),
        left("unit-a/attachments/test_1.zip", "../../etc/test_1.zip"),
        left("unit-a/attachments/test_1<b>.txt", ""),
        left("unit-a/attachments/unknown.png", "attachments/unknown.png"),
    )
    stages = tuple(
        msgspec.structs.replace(stage, files=files) if stage.stage == "unit" else stage for stage in known.stages
    )
    page = render(msgspec.structs.replace(known, stages=stages)).text
    shown = [f'<a href="attachments/{shard}-test_1.png">test_1.png</a>' for shard in "ab"]
    assert f"<p>It left: {' '.join(shown)}</p>" in page
    assert page.count("It left:") == 1
    assert "etc/test_1.zip" not in page.partition('id="verdict"')[0]
    assert '<a href="attachments/unknown.png">' in page


# --- coverage and findings against the base --------------------------------------------------------------------------
