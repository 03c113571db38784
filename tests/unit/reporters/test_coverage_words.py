"""Coverage against the base in Markdown: short where there is little to say, links to the judged commit."""

from __future__ import annotations

import pytest

from truegreen.model.detail import ChangedFile, CoverageChange, Covered, Detail
from truegreen.model.verdict import Report, Status
from truegreen.reporters import coverage_words
from truegreen.reporters.entries import Source

BLOB = Source(blob="https://github.com/o/r/blob/abc1234")
TOTAL = Covered(name="", lines=1000, covered=905, base_lines=1000, base_covered=900)


def part(change, source=BLOB):
    return coverage_words.part(Report(status=Status.PASS, headline="", detail=Detail(coverage_change=change)), source)


def longest(**values):
    return part(CoverageChange(**{"total": TOTAL, **values})).forms[-1]


def test_nothing_is_said_where_the_table_of_stages_says_it_all():
    done = ChangedFile(whole=Covered(name="a.py", lines=9, covered=9), lines=3, covered=3)
    assert part(CoverageChange(total=TOTAL)) is None
    assert part(CoverageChange(total=TOTAL, files=(done,), changed_lines=3, covered_lines=3)) is None
    assert part(None) is None
    assert coverage_words.part(Report(status=Status.PASS, headline=""), BLOB) is None


def test_whole_is_one_line_with_its_base():
    found = part(CoverageChange(total=TOTAL, base="b" * 40, exact=True, changed_lines=3, covered_lines=2))
    (form,) = found.forms
    assert form == (
        "**Covered:** 90.50 % of 1,000 lines (+0.50 points against `bbbbbbbbbbbb`, where the change left its base); "
        "2 of 3 changed lines"
    )
    assert "the newest run of the default branch that is known" in longest(base="b" * 40)


@pytest.mark.parametrize(
    ("now", "base", "words"),
    [
        ((90, 100), (900, 1000), "±0"),
        ((99_999, 100_000), (100_000, 100_000), "-0.01"),  # a hair less is not nothing
        ((1_000_000, 1_000_000), (999_999, 1_000_000), "+0.01"),
        ((100, 100), (0, 100), "+100.00"),
        ((1, 3), (2, 3), "-33.33"),
    ],
)
def test_difference_is_in_points_and_never_hidden(now, base, words):
    total = Covered(name="", covered=now[0], lines=now[1], base_covered=base[0], base_lines=base[1])
    assert f"({words} points against" in longest(total=total, base="b" * 40)


def test_components_are_rows_with_what_is_not_covered_against_the_base():
    found = longest(
        base="b" * 40,
        components=(
            Covered(name="billing", lines=200, covered=150, base_lines=100, base_covered=80),
            Covered(name="new | one", lines=5, covered=5),
            Covered(name="gone", base_lines=4, base_covered=1),
        ),
    )
    assert "<summary>By component</summary>" in found
    assert "| billing | 75.00 % of 200 | -5.00 | 50 (+30) |" in found
    assert "| new &#124; one | 100.00 % of 5 | not measured there | 0 |" in found
    assert "| gone | nothing measured |  |  |" in found


def test_uncovered_changed_lines_are_links_to_the_commit_that_was_judged():
    spans = tuple((10 * n, 10 * n + n % 2) for n in range(1, 9))
    one = ChangedFile(
        whole=Covered(name="src/a b.py", lines=100, covered=80), lines=20, covered=4, uncovered=spans, places=8
    )
    found = longest(files=(one,), changed_files=1, changed_lines=20, covered_lines=4)
    assert "| Changed file | Lines covered | Lines not covered | Changed lines covered |" in found  # there is no base
    assert "[10-11](https://github.com/o/r/blob/abc1234/src/a%20b.py#L10-L11), [20](" in found
    assert "and 2 more |" in found
    text = part(CoverageChange(total=TOTAL, files=(one,)), Source()).forms[-1]
    assert "| 4 of 20 | 10-11, 20, 30-31, 40, 50-51, 60 and 2 more |" in text


def test_files_of_which_everything_ran_are_told_only_against_a_base():
    done = ChangedFile(whole=Covered(name="a.py", lines=9, covered=9), lines=3, covered=3)
    components = (Covered(name="billing", lines=9, covered=9),)
    assert "a.py" not in longest(files=(done,), changed_files=1, components=components)
    assert "a.py" in longest(base="b" * 40, files=(done,), changed_files=1)


def test_changed_files_that_are_not_named_are_counted():
    files = tuple(ChangedFile(whole=Covered(name=f"{n}.py", lines=1), lines=1, uncovered=((1, 1),)) for n in range(30))
    assert "… and 10 more changed files" in longest(files=files, changed_files=30)
    assert "… and 470 more changed files" in longest(base="b" * 40, files=files, changed_files=490)


def test_files_that_a_shortened_report_does_not_hold_make_no_table():
    assert "more changed files" not in longest(base="b" * 40, changed_files=90)


def test_nothing_that_counts_any_more_is_no_zero_difference():
    found = longest(total=Covered(name="", base_lines=10, base_covered=9), base="b" * 40)
    assert found.startswith("**Covered:** nothing (compared with `bbbbbbbbbbbb`")


@pytest.mark.parametrize(
    "odd",
    [
        {"lines": 3, "covered": 4},
        {"lines": 3, "base_lines": 0, "base_covered": 9},
        {"lines": -3, "covered": -4},
        {"lines": 10**4200, "covered": 10**4200},
    ],
)
def test_numbers_that_cannot_be_are_not_shown(odd):
    """A report may come as an artifact, from whoever wrote it."""
    whole = Covered(name="x", **odd)
    one = ChangedFile(whole=whole, lines=-1, uncovered=((5, 1), (-3, -3)), places=-9)
    assert part(CoverageChange(base="b" * 40, total=whole)) is None
    assert part(CoverageChange(base="b" * 40, total=TOTAL, components=(whole,))) is None
    assert part(CoverageChange(base="b" * 40, total=TOTAL, files=(one,), changed_files=-5)) is None


def test_report_without_lines_on_the_base_makes_no_difference():
    """Nothing writes such a one, and somebody could."""
    assert "(±0 points against" in longest(total=Covered(name="", lines=3, covered=1), base="b" * 40)
