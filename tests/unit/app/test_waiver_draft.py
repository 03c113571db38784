"""The waiver to paste: it covers what is red and no more, and nothing before somebody filled it in."""

from __future__ import annotations

import tomllib
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support import evidence as good
from tests.support.hostile import CORPUS

from truegreen.app import waiver_draft
from truegreen.config import waivers
from truegreen.errors import WrongValue
from truegreen.gates import _waiving, judging
from truegreen.model.verdict import Item, Status, Verdict


def red(*titles: str, gate="no-failures", stage="unit", **more) -> Verdict:
    items = tuple(Item(title=title) for title in titles)
    return Verdict(**{"gate": gate, "stage": stage, "status": Status.FAIL, "reason": "r", "items": items, **more})


def filled(text: str) -> str:
    return (
        text.replace('reason = ""', 'reason = "r"')
        .replace('author = ""', 'author = "jo"')
        .replace('approver = ""', 'approver = "kim"')
    )


def read(tmp_path, text):
    path = tmp_path / "waivers.toml"
    path.write_text(text)
    return waivers.read(path, "waivers.toml", 90)


def test_draft_is_refused_as_it_is_and_until_each_of_three_is_filled_in(tmp_path):
    text = waiver_draft.draft(red("tests/test_a.py::test_1"), good.TODAY)
    for done in ("", "reason", "author", "approver"):
        with pytest.raises(WrongValue, match=r"is empty|approved a waiver of their own"):
            read(tmp_path, text.replace(f'{done} = ""', f'{done} = "x"') if done else text)


def test_draft_filled_in_covers_the_failures_it_was_made_for(tmp_path):
    failed = good.stage(
        "unit",
        tests=good.cases(good.PASS, good.FAIL, good.FAIL),
        sessions=(good.session(3, exit_code=1, failed=(good.name(1), good.name(2))),),
    )
    run = good.governed(failed, waivers=(), requirements=None)
    (verdict,) = [v for s in judging.judge(run, {}, good.NO_HISTORY) for v in s.verdicts if v.gate == "no-failures"]
    rows = read(tmp_path, filled(waiver_draft.draft(verdict, good.TODAY)))
    assert rows[0].items == (good.name(1), good.name(2))
    assert rows[0].in_force(good.TODAY)
    again = judging.judge(good.governed(failed, waivers=rows, requirements=None), {}, good.NO_HISTORY)
    assert {v.status for s in again for v in s.verdicts if v.gate == "no-failures"} == {Status.WAIVED}


def test_draft_lasts_two_weeks_or_what_the_project_allows():
    row = tomllib.loads(waiver_draft.draft(red("a"), good.TODAY, days=3))["waivers"][0]
    assert row["expires"] - row["issued"] == timedelta(days=3)


def test_findings_are_named_by_tool_and_rule():
    verdict = red("bandit B608 (high)", "bandit B608 (high)", gate="findings", stage="security-scan")
    assert tomllib.loads(waiver_draft.draft(verdict, good.TODAY))["waivers"][0]["items"] == ["bandit:B608"]


@pytest.mark.parametrize(
    "verdict",
    [
        red("a", gate="stage-complete"),
        red("a", gate="waivers", stage="run"),
        red("a", gate="tests-ran", status=Status.BLIND),
        red("a", code="TG202"),
        red("a", gate="nobody's"),
        red("a", stage="lint"),
    ],
)
def test_what_is_never_waived_has_no_draft(verdict):
    assert waiver_draft.draft(verdict, good.TODAY) == ""


@pytest.mark.parametrize("titles", [("a*",), ("b?",), ("\ud800",), ("",), ("x" * 400,), tuple(map(str, range(21))), ()])
def test_what_cannot_be_named_exactly_is_waived_as_a_whole_and_the_draft_says_so(titles):
    text = waiver_draft.draft(red(*titles), good.TODAY)
    assert "items" not in tomllib.loads(text)["waivers"][0]
    assert "the whole gate is waived" in text


@given(st.lists(st.one_of(st.sampled_from(CORPUS), st.text(max_size=30)), max_size=4, unique=True))
@example(['a"]\nreason = "x"\n'])
def test_draft_of_any_names_is_toml_with_one_row_that_names_them_or_nothing(names):
    text = waiver_draft.draft(red(*names), good.TODAY)
    assert text.isascii()
    (row,) = tomllib.loads(text)["waivers"]
    assert (row["reason"], row["author"], row["approver"]) == ("", "", "")
    if "items" in row:
        assert row["items"] == names
        assert all(_waiving.test_matches(name, (name,)) for name in names)
