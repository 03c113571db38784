"""The cheapest way to a threshold, against trying every choice of places."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from truegreen.analysis import cheapest
from truegreen.analysis import coverage as figures
from truegreen.model.coverage import FileCoverage, bits_of

LINES = st.sets(st.integers(1, 40), max_size=30)
PERCENT = st.decimals(0, 100, places=2).map(float)


@st.composite
def measured(draw):
    files = []
    for number in range(draw(st.integers(1, 3))):
        executable = draw(LINES)
        missing = draw(st.sets(st.sampled_from(sorted(executable)))) if executable else set()
        files.append(FileCoverage(path=f"{number}.py", covered=bits_of(executable - missing), missing=bits_of(missing)))
    return files


@given(measured(), PERCENT)
def test_no_fewer_places_reach_the_threshold_and_those_that_are_named_do(files, percent):
    sums = figures.tally(files)
    way = cheapest.lines(files, percent)
    assert way.whole
    assert len(set(way.places)) == len(way.places)
    if sums.lines:
        assert figures.reaches(sums.covered + way.counted, sums.lines, percent)
        assert figures.reaches(sums.covered, sums.lines, percent) is (not way.places)
    if not way.places:
        return
    held = [block.lines for block in figures.blocks(files)]
    fewer = combinations(held, len(way.places) - 1) if len(held) < 12 else [sorted(held)[1 - len(way.places) :]]
    assert all(sum(some) < way.lacking for some in fewer if len(some) == len(way.places) - 1)
    assert way.counted - way.places[-1].lines < way.lacking


@given(measured(), PERCENT)
def test_ratio_reaches_a_threshold_exactly_when_whole_numbers_say_so(files, percent):
    sums = figures.tally(files)
    hundredths = round(percent * 100)
    wanted = sums.covered * 100 * 100 >= hundredths * sums.lines
    assert figures.reaches(sums.covered, sums.lines, percent) is (wanted and sums.lines > 0)
