"""Text that is too long, in each kind of document: cut between characters as people see them, and soon."""

from __future__ import annotations

import re
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.reports import report

from truegreen import registry
from truegreen.forge import publishing
from truegreen.forge.event import Event
from truegreen.model.verdict import Status
from truegreen.notifiers.base import Transition
from truegreen.notifiers.slackkit import message
from truegreen.notifiers.slackkit import text as slack
from truegreen.reporters import budget, escape
from truegreen.reporters.comment import CommentReporter
from truegreen.reporters.template import layout

CHARACTERS = ["a", "é", "e\u0301", "👩\u200d👧", "👍🏽", "🇩🇪", "1\ufe0f\u20e3", "❤\ufe0f", "日", "&", "|"]
PIECES = st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=40)
CUTS = {
    "Markdown": escape.shorten,
    "a line": escape.one_line,
    "a log": escape.plain,
    "GitHub": publishing._plain,
    "Slack, plain": slack.plain,
    "Slack": lambda text, limit: slack.clip(text, limit).replace("&amp;", "&"),
}
LONG = "\u202ex" * 500_000


@pytest.mark.parametrize("name", CUTS)
@given(pieces=PIECES, limit=st.integers(1, 40))
def test_cut_leaves_whole_characters_alone(name, pieces, limit):
    text = "".join(pieces)
    shown = CUTS[name](text, limit)
    wholes = {"".join(pieces[:end]) for end in range(len(pieces) + 1)}
    assert shown == text or (shown.endswith("…") and shown[:-1] in wholes)
    assert len(shown) <= limit or name == "Slack"


NAMES = st.lists(st.sampled_from([*"|&<$:@#_`*/ ab", "\\", "👍🏽", "❤\ufe0f"]), min_size=1, max_size=40).map("".join)


@given(stages=st.lists(NAMES, max_size=4))
def test_note_of_what_is_left_out_cuts_no_entity_escape_or_emoji(stages):
    names = tuple(f"details of {escape.markdown(stage, 40)}" for stage in stages)
    said = budget.Fitted(text="", left_out=names).omitted
    assert not re.search(r"&[#A-Za-z0-9]*(…|, |$)", said)
    assert not re.search(r"(?<!\\)(\\\\)*\\…", said)
    assert not re.search("👍(?!🏽)|❤(?!\ufe0f)", said)


def test_note_of_a_name_that_fits_says_it_whole_and_of_a_long_one_how_it_begins():
    parts = budget.Fitted(text="", left_out=("details of unit", f"details of {escape.markdown('|' * 40)}"))
    assert parts.omitted == f"left out: details of unit, details of {'&#124;' * 11}…"


def long() -> object:
    """Return a red report whose every text is of a megabyte, and hard to show."""
    told = report(Status.FAIL, failing=3)
    lint, unit = told.stages
    (verdict,) = unit.verdicts
    items = tuple(msgspec.structs.replace(item, title=LONG, message=LONG, detail=LONG) for item in verdict.items)
    said = msgspec.structs.replace(verdict, items=items, reason=LONG, remedy=LONG)
    red = msgspec.structs.replace(unit, headline=LONG, verdicts=(said,), notes=(LONG,))
    return msgspec.structs.replace(told, headline=LONG, stages=(lint, red))


def planned(told) -> None:
    event = Event(name="pull_request", repository="o/r", sha="a" * 40, pull_request=7, run_id="1")
    publishing.plan(told, "x", event, None, publishing.Options(check_run=True))


def templated(told) -> None:
    CommentReporter(layout.read("{{headline}}\n\n" * 100, "t.md")).render(told)


MAKERS = {
    "Slack": lambda told: message.compose(Transition.OPENED, told, branch="main"),
    "GitHub": planned,
    "template": templated,
    "summary": registry.load("reporter", "summary")().render,
    "terminal": registry.load("reporter", "terminal")().render,
}


@pytest.mark.parametrize("name", MAKERS)
def test_texts_of_a_megabyte_are_cut_before_they_are_made_visible(name):
    told = long()
    start = time.process_time()
    MAKERS[name](told)
    assert time.process_time() - start < 1.5
