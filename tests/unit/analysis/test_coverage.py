"""Percentages, glob patterns and the cheapest lines."""

from __future__ import annotations

import pytest

from truegreen.analysis import cheapest as ways
from truegreen.analysis import coverage as figures
from truegreen.analysis.paths import matches
from truegreen.model.coverage import FileCoverage, bits_of, lines_of


def file(path="a.py", covered=(), missing=()):
    return FileCoverage(path=path, covered=bits_of(covered), missing=bits_of(missing))


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


def cheapest(files, percent):
    return list(ways.lines(files, percent).places)


def test_cheapest_is_the_smallest_block_that_does_where_one_does():
    files = [
        file("a.py", covered=range(1, 71), missing=(*range(100, 112), 200, 202)),
        file("b.py", missing=range(1, 17)),
    ]
    chosen = cheapest(files, 80)
    assert [(b.path, b.lines) for b in chosen] == [("a.py", 14)]
    assert cheapest([file(covered=(1,))], 80) == []


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
        ("src/x/a_test.py", "**_test.py", True),
        ("src/x/a_test.py", "*_test.py", False),
        ("MAX/a.py", "MAX/", True),
    ],
)
def test_matches_follows_the_glob(path, pattern, wanted):
    assert matches(path, (pattern,)) is wanted


def test_one_line_of_one_reaches_every_percentage():
    assert figures.reaches(1, 1, 100)
    assert not figures.reaches(0, 1, 0.01)
    assert figures.reaches(0, 1, 0)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [(96, []), (96.01, [2]), (97, [2]), (97.5, [98]), (98, [98]), (98.5, [98, 2]), (99, [98, 2]), (100, [98, 2, 50])],
)
def test_cheapest_takes_not_one_block_more_than_is_needed_and_the_last_as_small_as_it_may_be(wanted, chosen):
    missing = {2, 50, 98, 99}
    found = cheapest([file(covered=set(range(1, 101)) - missing, missing=missing)], wanted)
    assert [block.first for block in found] == chosen


def test_cheapest_is_not_led_astray_by_a_rounding_error():
    assert 55.00000000000001 * 100 / 100 > 55
    assert cheapest([file(covered=range(1, 56), missing=range(56, 101))], 55.00000000000001) == []


def test_ranges_of_exactly_six_places_are_all_told():
    lines = range(1, 13, 2)
    assert figures.ranges(file(covered=range(2, 13, 2), missing=lines)) == "1, 3, 5, 7, 9, 11"


def test_sets_of_lines_keep_every_line_in_order():
    assert lines_of(bits_of([9, 1, 64, 1])) == [1, 9, 64]
    assert (bits_of([]), lines_of(0)) == (0, [])


def test_line_below_zero_is_in_no_set():
    with pytest.raises(ValueError, match="line -3 is below zero"):
        bits_of([4, -3])
