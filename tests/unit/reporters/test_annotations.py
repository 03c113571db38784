"""Workflow commands for reports that say little."""

from __future__ import annotations

from truegreen.model.verdict import Report, Status
from truegreen.reporters.annotations import AnnotationsReporter


def test_red_report_without_a_verdict_is_told_all_the_same():
    report = Report(status=Status.BLIND, headline="no stage\n::warning::left evidence")
    assert AnnotationsReporter().render(report).text == (
        "::error title=truegreen blind::no stage%0A::warning::left evidence\n"
    )


def test_report_without_red_says_nothing():
    assert AnnotationsReporter().render(Report(status=Status.PASS, headline="fine")).text == ""
