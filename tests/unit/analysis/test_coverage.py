"""Percentages, glob patterns and the cheapest lines."""

from __future__ import annotations

import pytest

from truegreen.analysis import coverage as figures
from truegreen.analysis.paths import matches
from truegreen.model.coverage import FileCoverage


def file(path="a.py", covered=(), missing=()):
    return FileCoverage(path=path, covered=frozenset(covered), missing=frozenset(missing))


@pytest.mark.parametrize(
    ("part", "whole", "percent", "wanted"),
    [(80, 100, 80, True), (79999, 100000, 80, False), (0, 0, 0, False), (1, 3, 33.4, False), (5, 5, 100, True)],
)
def test_reaches_compares_exactly(part, whole, percent, wanted):
    assert figures.reaches(part, whole, percent) is wanted


def test_percent_below_a_threshold_is_never_shown_as_the_threshold():
    assert figures.percent(79999, 100000) == "79.99 %"
    assert figures.percent(0, 0) == "nothing measured"


def test_blocks_span_lines_that_are_not_executable():
    found = figures.blocks([file(covered=(1, 9), missing=(3, 5, 7, 11))])
    assert [(b.first, b.last, b.lines) for b in found] == [(3, 7, 3), (11, 11, 1)]


def test_cheapest_takes_the_largest_blocks_until_the_threshold_is_reached():
    files = [
        file("a.py", covered=range(1, 71), missing=(*range(100, 112), 200, 202)),
        file("b.py", missing=range(1, 17)),
    ]
    chosen = figures.cheapest(files, 80)
    assert [(b.path, b.lines) for b in chosen] == [("b.py", 16)]
    assert figures.cheapest([file(covered=(1,))], 80) == []


def test_ranges_of_many_places_are_shortened():
    assert figures.ranges(file(covered=range(2, 40, 2), missing=range(1, 41, 2))).endswith("and 14 more places")
    assert figures.ranges(file(covered=(3,), missing=(1, 2, 4))) == "1-2, 4"


@pytest.mark.parametrize(
    ("path", "pattern", "wanted"),
    [
        ("src/billing/a.py", "src/billing", True),
        ("src/billing/a.py", "src/billing/", True),
        ("src/billing/x/a.py", "src/billing/**", True),
        ("src/billing/a.py", "src/*/a.py", True),
        ("src/x/y/a.py", "src/*/a.py", False),
        ("src/x/y/a.py", "src/**/a.py", True),
        ("src/a.py", "src/**/a.py", True),
        ("src/billing2/a.py", "src/billing", False),
        ("src/a.py", "./src", True),
        ("src/ab.py", "src/a?.py", True),
        ("src/a+b.py", "src/a+b.py", True),
        ("a.py", "**", True),
    ],
)
def test_matches_follows_the_glob(path, pattern, wanted):
    assert matches(path, (pattern,)) is wanted
