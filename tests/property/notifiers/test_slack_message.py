"""Any report becomes a message that Slack takes, and in which only we mention and link."""

from __future__ import annotations

import json
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.slack_rules import mrkdwn_texts, refusal, sequences, unescaped, units

from truegreen.model.incident import Incident
from truegreen.model.verdict import Item, Provenance, Report, StageReport, Status, Verdict
from truegreen.notifiers.base import Transition
from truegreen.notifiers.slack import SlackNotifier, SlackOptions
from truegreen.notifiers.slackkit import message as composing
from truegreen.notifiers.slackkit.text import clip, code, escape, plain, say

NASTY = (
    *("<!channel>", "<!here|x>", "<@U12345>", "<https://evil.example|click>", "@everyone", "&lt;", "&", "`", "```"),
    *("*b*", "\u202e", "\x1b[31m", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "é" * 3, "e\u0301", "\ud800", "\n::error::", "\0"),
    *("x" * 5000, "&" * 900, "👍🏽" * 400),
)
TEXT = st.lists(st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=40)), max_size=6).map("".join)
ITEM = st.builds(Item, title=TEXT, message=TEXT, path=TEXT, line=st.integers(0, 9))
VERDICT = st.builds(
    Verdict, gate=TEXT, stage=TEXT, status=st.sampled_from(Status), reason=TEXT, remedy=TEXT,
    items=st.lists(ITEM, max_size=8).map(tuple),
)  # fmt: skip
STAGE = st.builds(
    StageReport, stage=TEXT, status=st.sampled_from(Status), headline=TEXT, command=TEXT,
    verdicts=st.lists(VERDICT, max_size=4).map(tuple),
)  # fmt: skip
URL = st.one_of(TEXT, st.just("https://github.com/o/r/actions/runs/1"), st.just("javascript:alert(1)"))
ORIGIN = st.builds(
    Provenance, repository=TEXT, commit=st.one_of(TEXT, st.just("a" * 40)), ref=TEXT, event=TEXT, run_url=URL,
    pack_version=TEXT, created=TEXT,
)  # fmt: skip
REPORT = st.builds(
    Report, status=st.sampled_from(Status), headline=TEXT, stages=st.lists(STAGE, max_size=12).map(tuple),
    provenance=ORIGIN, duration_s=st.floats(0, 1e6),
)  # fmt: skip
INCIDENT = st.none() | st.builds(
    Incident, key=TEXT, open=st.booleans(), opened_at=TEXT, opened_commit=TEXT, red_runs=st.integers(0, 99)
)
LINK = re.compile(r"https://[A-Za-z0-9.:/_~%#?=&;+@-]+\|(?:Open the run|[0-9a-f]{12})")
OPTIONS = SlackOptions(mention=("U0AAA", "S0BBB"), on=("opened", "still-failing", "recovered"), pull_requests=True)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(REPORT, st.sampled_from([t for t in Transition if t is not Transition.NONE]), INCIDENT)
def test_plan_any_report_is_a_message_slack_takes(
    report: Report, transition: Transition, incident: Incident | None
) -> None:
    (delivery,) = SlackNotifier().plan(transition, report, OPTIONS, incident)

    assert refusal(delivery.body) == ("", "")
    sent = json.loads(delivery.body)
    assert composing.size(sent) <= 12_000
    assert len(sent["blocks"]) <= 45
    assert all(units(text) <= 2_900 for text in mrkdwn_texts(sent)[1:])
    assert sent["text"].strip()
    assert unescaped(sent) == []
    foreign = [found for found in sequences(sent) if found not in ("@U0AAA", "!subteam^S0BBB")]
    assert [found for found in foreign if not LINK.fullmatch(found)] == []
    assert not re.search("@(channel|here|everyone)", json.dumps(sent))


@settings(max_examples=200, deadline=None)
@given(TEXT, st.integers(2, 200))
def test_text_any_cut_keeps_limit_entities_and_characters(text: str, limit: int) -> None:
    for cut in (clip(text, limit), say(text, limit), code(text, limit), plain(text, limit)):
        assert units(cut.encode("utf-8", "replace").decode()) <= limit
        assert not cut.startswith("\u200d")
    assert re.search("&(?!(?:amp|lt|gt);)", clip(text, limit)) is None
    shown = clip("x" + text, 10**6)
    assert shown == escape("x" + text)
