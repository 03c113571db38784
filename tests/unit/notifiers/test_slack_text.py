"""Foreign text in a message."""

from __future__ import annotations

import pytest

from truegreen.notifiers.slackkit import text as words

FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize("limit", range(1, 14))
def test_clip_never_cuts_inside_an_emoji(limit: int) -> None:
    assert words.clip(f"a{FAMILY}", limit) in ("…", "a…", f"a{FAMILY}")


@pytest.mark.parametrize("limit", range(1, 12))
def test_clip_never_cuts_inside_an_entity(limit: int) -> None:
    assert words.clip("<<<", limit).replace("&lt;", "").strip("…") == ""
    assert len(words.clip("<<<", limit)) <= limit


def test_clip_flags_are_kept_in_pairs() -> None:
    assert words.clip("🇩🇪🇫🇷🇮🇹", 7) == "🇩🇪…"


def test_clip_accent_stays_with_its_letter() -> None:
    assert words.clip("ae\u0301xx", 3) == "a…"


def test_clip_text_that_fits_is_whole() -> None:
    assert words.clip("a & b", 9) == "a &amp; b"


def test_clean_broadcast_and_control_characters_are_harmless() -> None:
    assert words.clean("hi @channel\x1b[31m\n::error::x", 99) == "hi @\u200bchannel\\u001b[31m ::error::x"
    assert words.clean(" ::error::x\ud800", 99) == "\u200b::error::x\\ud800"


def test_code_backtick_cannot_end_the_span() -> None:
    assert words.code("a`b", 20) == "`a\u02cbb`"
    assert words.code(" \n", 20) == ""


def test_say_odd_backtick_is_replaced_and_a_pair_is_kept() -> None:
    assert words.say("run `x` now", 50) == "run `x` now"
    assert words.say("run `x now", 50) == "run 'x now"


@pytest.mark.parametrize(
    "url",
    ["http://x.example/a", "https://x.example/a|b", "https://x.example/<!channel>", "javascript:x", "https://a b", ""],
)
def test_link_other_than_plain_https_is_only_a_label(url: str) -> None:
    assert words.link(url, "Open") == "Open"


def test_link_https_is_a_link_with_escaped_ampersand() -> None:
    assert words.link("https://x.example/a?b=1&c=2", "Open") == "<https://x.example/a?b=1&amp;c=2|Open>"


def test_commit_link_leads_to_the_repository_of_the_run() -> None:
    url = "https://github.com/o/r/actions/runs/7"
    assert words.commit_link(url, "a" * 40) == f"<https://github.com/o/r/commit/{'a' * 40}|{'a' * 12}>"
    assert words.commit_link("", "a" * 40) == f"`{'a' * 12}`"
    assert words.commit_link(url, "<!here>") == "`&lt;!here&gt;`"
