"""What reporters share: gates that are red for one cause, and places of what is red."""

from __future__ import annotations

import re

import msgspec
import pytest

from truegreen import registry
from truegreen.model.verdict import Fact, Item, Report, StageReport, Status, Verdict
from truegreen.reporters.words import same_story


def verdict(gate, reason="1 finding above the limit", status=Status.FAIL, **more) -> Verdict:
    return Verdict(gate=gate, stage="unit", status=status, reason=reason, **more)


def item(name, **more) -> Item:
    return Item(title=name, message=f"{name} is wrong", **more)


def report(*stages: tuple[Verdict, ...]) -> Report:
    found = (
        StageReport(stage=f"stage{n}", status=Status.FAIL, headline="red", verdicts=verdicts)
        for n, verdicts in enumerate(stages)
    )
    return Report(status=Status.FAIL, headline="red", stages=tuple(found))


def rendered(name, *stages) -> str:
    return registry.load("reporter", name)().render(report(*stages)).text.split('id="verdict"')[0]


@pytest.mark.parametrize("name", ["summary", "comment", "terminal", "annotations", "html"])
def test_two_gates_with_one_sentence_and_items_of_their_own_are_both_told(name):
    one = verdict("g1", items=(item("first", path="a.py", line=1),), remedy="mend a")
    two = verdict("g2", items=(item("second", path="b.py", line=1),), remedy="mend b")
    text = rendered(name, (one, two))
    assert "a.py" in text
    assert "b.py" in text
    if name != "annotations":
        assert "mend a" in text
        assert "mend b" in text


@pytest.mark.parametrize("name", ["summary", "comment", "terminal", "annotations", "html"])
def test_one_cause_of_several_gates_keeps_the_remedy_of_each(name):
    text = rendered(name, (verdict("g1", remedy="run the stage"), verdict("g2", remedy="keep the file")))
    assert text.count("1 finding above the limit") == 1
    assert "run the stage; keep the file" in text


def test_gates_that_list_the_same_or_nothing_are_one_story_with_all_facts():
    listed = (item("a"), item("b"))
    first = verdict("g1", facts=(Fact(label="x", value="1"),))
    second = verdict("g2", items=listed, facts=(Fact(label="y", value="2"),))
    (story,) = same_story((first, second, verdict("g3", items=listed)))
    assert story.gates == ("g1", "g2", "g3")
    assert story.verdict.items == listed
    assert [fact.label for fact in story.verdict.facts] == ["y", "x"]


@pytest.mark.parametrize("name", ["summary", "comment", "html"])
def test_advice_with_the_sentence_of_a_red_verdict_and_items_of_its_own_is_told(name):
    red, advice = verdict("g1", items=(item("first"),)), verdict("g2", items=(item("second"),), advisory=True)
    assert "second is wrong" in rendered(name, (red, advice))
    assert "advice only" not in rendered(name, (red, verdict("g2", advisory=True)))


def test_annotation_of_failures_without_a_place_names_the_cause_and_counts_them():
    failing = (item("t0", path="a.py", line=3), *(item(f"t{n}") for n in range(1, 41)))
    text = rendered("annotations", (verdict("no-failures", "41 of 50 tests failed", items=failing),))
    assert "41 of 50 tests failed" in text
    assert "file=a.py,line=3" in text
    assert "40 more annotations" in text


def test_annotations_show_something_of_every_cause_before_more_of_any():
    many = tuple(item(f"t{n}", path="a.py", line=n) for n in range(1, 13))
    blind = verdict("stage-complete", "no evidence", Status.BLIND)
    text = rendered("annotations", (verdict("no-failures", "12 tests failed", items=many),), (blind,))
    assert "::no evidence" in text
    assert len(re.findall("file=a.py", text)) == 9
    assert "3 more annotations" in text


def test_annotations_of_failing_tests_show_a_second_cause_before_a_second_test_of_the_first():
    def failing(number, exception):
        told = f"{exception}: no"
        return Item(title=f"t{number}", message=told, path=f"{exception}.py", detail=f"src/a.py:7: in f\nE   {told}")

    many = (*(failing(n, "DownError") for n in range(20)), failing(20, "LossError"))
    text = rendered("annotations", (verdict("no-failures", "21 tests failed", items=many),))
    assert "file=LossError.py" in text


def test_items_that_are_known_by_number_alone_are_counted_in_every_list():
    found = verdict("findings", items=tuple(item(f"f{n}") for n in range(12)), unlisted=88)
    for name in ("summary", "terminal"):
        assert "… and 90 more" in rendered(name, (found,))
    assert "100 more annotations" in rendered("annotations", (found,))
    waived = msgspec.structs.replace(found, status=Status.WAIVED)
    assert "… and 90 more" in rendered("summary", (waived,))
