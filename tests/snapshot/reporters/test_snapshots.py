"""Documents against gold files; TRUEGREEN_BLESS=1 rewrites them."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from tests.support import evidence as good
from tests.support.known_reports import REPORTS, blind, green, judged, red, waived

from truegreen import registry
from truegreen.reporters.verdict_json import SCHEMA_PATH, schema

GOLD = Path(__file__).with_name("gold")
KNOWN = ("green", "red", "blind", "waived", "flaky", "hostile")
SUFFIX = {
    "summary": "md",
    "comment": "md",
    "json": "json",
    "terminal": "txt",
    "annotations": "txt",
    "junit": "xml",
    "sarif": "json",
    "ctrf": "json",
    "sonar-tests": "xml",
    "sonar-coverage": "xml",
    "badge-coverage": "svg",
}
WANTED = [(name, "summary") for name in KNOWN] + [("red", r) for r in ("comment", "json", "terminal", "annotations")]
WANTED += [
    ("waived", "terminal"),
    *((name, "junit") for name in ("red", "flaky", "hostile")),
    ("red", "sarif"),
    ("red", "ctrf"),
    ("flaky", "sonar-tests"),
    ("flaky", "sonar-coverage"),
    ("flaky", "badge-coverage"),
]


def compare(path, body):
    if os.environ.get("TRUEGREEN_BLESS") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    assert path.is_file(), f"no gold file {path.name}; TRUEGREEN_BLESS=1 writes it"
    assert path.read_bytes() == body


@pytest.mark.parametrize(("name", "reporter"), WANTED, ids=[f"{n}-{r}" for n, r in WANTED])
def test_document_of_a_known_report_is_the_gold_file(name, reporter):
    document = registry.load("reporter", reporter)().render(REPORTS[name]())
    assert not document.omitted or reporter == "annotations"
    compare(GOLD / f"{name}-{reporter}.{SUFFIX[reporter]}", document.body)


def test_page_of_a_known_report_is_the_gold_file():
    for name in ("flaky", "hostile"):
        text = registry.load("reporter", "html")().render(REPORTS[name]()).text
        # Style, script and the packed document are files of their own, or depend on the version of zlib.
        shown = re.sub(r"(?s)(<(style|script)[^>]*>).*?(</\2>)", r"\1\3", re.sub(r"'sha256-[^']+'", "'sha256'", text))
        compare(GOLD / f"{name}-html.html", re.sub(r"(</(?:li|p|tr|section|h2|details)>)", r"\1\n", shown).encode())


def test_schema_that_is_shipped_is_the_one_of_the_records():
    compare(SCHEMA_PATH, schema())


def test_green_summary_is_short():
    assert len(registry.load("reporter", "summary")().render(green()).text.splitlines()) <= 33


def test_red_summary_names_stage_evidence_and_way_out():
    text = registry.load("reporter", "summary")().render(red()).text
    for words in (
        "persistence",
        "0 committed rows in postgres",
        "Make it green",
        "truegreen run persistence",
        "E   assert 0",
    ):
        assert words in text


def test_comment_is_the_summary_below_its_marker():
    summary, comment = (registry.load("reporter", name)().render(red()).text for name in ("summary", "comment"))
    assert comment == f"<!-- truegreen:report -->\n\n{summary}"


def test_one_cause_is_told_once():
    text = registry.load("reporter", "summary")().render(blind()).text
    assert text.count("persistence stopped: postgres did not answer") == 2  # in the table and in its section
    assert "stage-complete, tests-ran, no-failures" in text


def test_waivers_are_named_however_small_the_budget_is():
    for reporter in ("summary", "comment"):
        text = registry.load("reporter", reporter)().render(waived(), 400).text
        assert "Waivers (2)" in text
        assert "no-failures in unit; findings in security-scan: B101" in text


def test_waivers_near_their_end_are_counted_and_come_first():
    late, soon = good.waiver(stage="wiring"), good.waiver(stage="e2e", expires=date(2026, 11, 28))
    report = judged(good.governed(good.stage("unit"), waivers=(late, soon), requirements=None))
    text = registry.load("reporter", "summary")().render(report).text
    listed = text.partition("Waivers (2, 1 near the end)")[2]
    assert 0 < listed.index("no-failures in e2e") < listed.index("no-failures in wiring")


def test_colour_is_used_only_when_asked_for():
    cls = registry.load("reporter", "terminal")
    assert b"\x1b[31m" in cls(colour=True).render(red()).body
    assert b"\x1b" not in cls().render(red()).body
