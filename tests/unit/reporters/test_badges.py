"""Badges: what they say, to whom, and that they ask no network."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest
from tests.property.reporters.test_hostile_text import everywhere
from tests.support import evidence as good
from tests.support.evidence import stage
from tests.support.hostile import CORPUS, HUGE
from tests.support.known_reports import REPORTS, flaky, judged

from truegreen import registry
from truegreen.model.detail import Detail, TrendPoint
from truegreen.model.verdict import Report, StageReport, Status, Verdict
from truegreen.reporters import badges

NAMES = ("badge-verdict", "badge-coverage", "badge-flakiness")
SVG = "{http://www.w3.org/2000/svg}"


def render(name, report):
    document = registry.load("reporter", name)().render(report)
    assert len(document.body) <= registry.load("reporter", name).budget_bytes
    return document, ET.fromstring(document.body)


def says(name, report):
    return render(name, report)[1].find(f"{SVG}title").text


def measured(status=Status.PASS, **figures):
    return Report(status=status, headline="", detail=Detail(now=TrendPoint(commit="", **figures)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("report", [*REPORTS, *(text for text in CORPUS), HUGE], ids=lambda text: repr(text)[:20])
def test_badge_is_a_picture_without_links_scripts_or_foreign_text(name, report):
    document, root = render(name, REPORTS[report]() if report in REPORTS else everywhere(report))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "title", "rect", "g", "text"}
    assert re.findall(r"https?:[^\"]*", document.text) == ["http://www.w3.org/2000/svg"]
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.find(f"{SVG}title").text


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.PASS, "pass"), (Status.FAIL, "fail"), (Status.BLIND, "blind"), (Status.WAIVED, "waived")],
)
def test_verdict_is_said_in_a_word(status, word):
    assert says("badge-verdict", Report(status=status, headline="")) == f"truegreen: {word}"


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(1.0, "100 %"), (0.99999, "99 %"), (0.29, "29 %"), (0.0, "0 %"), (None, "not measured"), (7.0, "not measured")],
)
def test_coverage_is_never_rounded_up(ratio, words):
    assert says("badge-coverage", measured(line_ratio=ratio)) == f"coverage: {words}"


def test_colour_follows_the_figure():
    colours = [
        re.search(r'fill="(#\w+)"/><g', render("badge-coverage", measured(line_ratio=r))[0].text)[1]
        for r in (0.95, 0.8, 0.1)
    ]
    assert len(set(colours)) == 3


def test_flaky_tests_are_counted():
    assert says("badge-flakiness", flaky()) == "flaky tests: 1 of 4"
    assert says("badge-flakiness", measured(tests=0)) == "flaky tests: no tests"
    assert says("badge-flakiness", measured(tests=1200)) == "flaky tests: 0 of 1,200"


@pytest.mark.parametrize("name", NAMES)
def test_badge_of_a_blind_run_is_blind(name):
    report = measured(Status.BLIND, tests=9, line_ratio=1.0)
    assert says(name, report).endswith(": blind")
    assert badges._RED in render(name, report)[0].text


@pytest.mark.parametrize("name", ["badge-coverage", "badge-flakiness"])
def test_badge_of_a_run_that_is_blind_and_failed_elsewhere_is_blind(name):
    unit = stage("unit", tests=good.cases(good.PASS, good.PASS), coverage=good.coverage(99, 1), unmeasured=("2",))
    report = judged(good.run(unit, stage("lint", scans=(good.scan(good.finding()),))))
    assert report.status is Status.FAIL
    assert says(name, report).endswith(": blind")
    assert badges._RED in render(name, report)[0].text


@pytest.mark.parametrize("name", ["badge-coverage", "badge-flakiness"])
def test_badge_of_a_stage_that_failed_and_is_blind_too_is_blind(name):
    verdicts = tuple(
        Verdict(gate=f"g{n}", stage="unit", status=status, reason="")
        for n, status in enumerate((Status.FAIL, Status.BLIND))
    )
    report = measured(Status.FAIL, tests=9, line_ratio=1.0)
    failed = StageReport(stage="unit", status=Status.FAIL, verdicts=verdicts)
    assert says(name, msgspec.structs.replace(report, stages=(failed,))).endswith(": blind")
    advice = (verdicts[0], msgspec.structs.replace(verdicts[1], advisory=True))
    advised = msgspec.structs.replace(failed, verdicts=advice)
    assert not says(name, msgspec.structs.replace(report, stages=(advised,))).endswith(": blind")


@pytest.mark.parametrize("name", NAMES)
def test_badge_of_a_report_without_detail_claims_nothing(name):
    assert not re.search(r"\d", says(name, msgspec.structs.replace(flaky(), detail=None)))


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [badges._GREEN, badges._RED, badges._AMBER, badges._GREY, badges._DARK])
def test_white_text_can_be_read_on_each_colour(colour):
    # Contrast as WCAG 2.2 defines it, 1.4.3.
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
