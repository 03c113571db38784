"""Findings against the base in Markdown."""

from __future__ import annotations

from tests.support import evidence as good

from truegreen.model.detail import Detail, FindingsChange, StageFindings
from truegreen.model.verdict import Report, Status
from truegreen.reporters import findings_words
from truegreen.reporters.entries import Source

BLOB = Source(blob="https://github.com/o/r/blob/abc1234")


def part(**values):
    change = FindingsChange(**{"base": "b" * 40, **values})
    return findings_words.part(Report(status=Status.PASS, headline="", detail=Detail(findings_change=change)), BLOB)


def new(number):
    found = tuple(good.finding(rule=f"F{n}") for n in range(number))
    return (StageFindings(stage="lint", total=number, findings=found),)


def test_nothing_is_said_where_nothing_changed():
    assert part(there_too=9) is None
    assert findings_words.part(Report(status=Status.PASS, headline=""), BLOB) is None


def test_counts_come_first_and_new_findings_are_named_with_their_place():
    short, long = part(new=new(2), there_too=14, gone=1, exact=True).forms
    assert short == "**Findings** against `bbbbbbbbbbbb` (where the change left its base): 2 new, 1 gone, 14 there too"
    assert "- lint: `ruff F0 (high)` at [`src/a.py:3`](https://github.com/o/r/blob/abc1234/src/a.py#L3): unused" in long
    assert part(gone=3).forms == (
        "**Findings** against `bbbbbbbbbbbb` (the newest run of the default branch that is known): 3 gone",
    )


def test_new_findings_that_are_not_named_are_counted():
    text = part(new=(StageFindings(stage="lint", total=90, findings=new(30)[0].findings),)).forms[-1]
    assert text.count("\n- lint: ") == 20
    assert "- … and 70 more" in text


def test_counts_that_cannot_be_are_not_shown():
    assert part(gone=-1) is None
    assert part(new=(StageFindings(stage="lint", total=9 * 10**4299),) * 2) is None
