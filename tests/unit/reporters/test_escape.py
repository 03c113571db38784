"""Foreign text in every kind of document."""

from __future__ import annotations

import pytest
from tests.support.hostile import CORPUS

from truegreen.reporters import escape


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\x1b[31m", "a⟨U+001B⟩[31m"),
        ("x\u202ey", "x⟨U+202E⟩y"),
        ("a\r\nb\nc\rd", "a⏎b⏎c⏎d"),
        ("a\tb", "a b"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u00a0", "⟨U+00A0⟩"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("plain é 日本", "plain é 日本"),
    ],
)
def test_visible_shows_what_would_hide(text, wanted):
    assert escape.visible(text) == wanted


def test_visible_keeps_lines_where_asked():
    assert escape.visible("a\r\nb\x07", multiline=True) == "a\nb⟨U+0007⟩"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("test_saves_row", "test_saves_row"),
        ("__init__", r"\_\_init\_\_"),
        ("a | b", "a &#124; b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("@bob", "@\u2060bob"),
        ("a @ b", "a @ b"),
        ("see #12 and GH-3", "see #\u206012 and GH-\u20603"),
        ("#12", "\\#\u206012"),
        ("1.0.0", "1.0.0"),
        ("a.py:100: no :octocat:", "a.py:\u2060100: no :\u2060octocat:"),
        ("at 12:34:56, x::Test::y", "at 12:34:56, x::Test::y"),
        ("https://x.y", "https&#58;//x.y"),
        ("www.x.y", "www\u2060.x.y"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("2 of 9", "2 of 9"),
        ("# head", r"\# head"),
        ("end #", r"end \#"),
        ("[a](b)", r"\[a\](b)"),
        ("`x` *y* ~z~ $q$", r"\`x\` \*y\* \~z\~ &#36;q&#36;"),
    ],
)
def test_markdown_shows_text_as_it_is(text, wanted):
    assert escape.markdown(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a|b", "`a|b`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("@bob <b>", "`@bob <b>`"), ("", ""), (" x", "`  x `")],
)
def test_code_uses_more_backticks_than_the_text(text, wanted):
    assert escape.code(text) == wanted


def test_prose_makes_code_of_pairs_only():
    assert escape.prose("run `a_b *c*` @bob") == "run `a_b *c*` @\u2060bob"
    assert escape.prose("one ` alone") == r"one \` alone"


def test_fence_cannot_be_closed_from_inside_and_keeps_the_end():
    block = escape.fence("1\n2\n3\n4\n5\n```\n7\n8", lines=6)
    assert block == "````text\n[… 3 lines above]\n4\n5\n```\n7\n8\n````"
    assert escape.fence("a\n````", lines=6).startswith("`````text")


@pytest.mark.parametrize("limit", range(1, 12))
def test_shorten_never_splits_an_emoji_or_a_combining_mark(limit):
    for text in ("ab👩\u200d👩\u200d👧cdefghijk", "abe\u0301\u0301cdefghijklm"):
        short = escape.shorten(text, limit)
        assert len(short) <= max(1, limit)
        assert short.endswith("…")
        assert not short.endswith("\u200d…")
        assert text[len(short) - 1] not in "\u200d\u0301"


@pytest.mark.parametrize("text", CORPUS)
def test_plain_has_no_escape_sequence_line_end_or_command(text):
    shown = escape.plain(text)
    assert not set(shown) & set("\x1b\n\r\x07\x00\u202e\u2028")
    assert "##[" not in shown
    shown.encode()


@pytest.mark.parametrize("text", CORPUS)
def test_command_stays_on_one_line_and_its_properties_stay_apart(text):
    data, prop = escape.command_data(text), escape.command_property(text)
    assert "\n" not in data + prop
    assert "\r" not in data + prop
    assert "," not in prop
    assert ":" not in prop


def test_html_text_is_safe_in_body_and_attribute():
    assert escape.html_text("<a href='x' title=\"y\">&") == "&lt;a href=&#x27;x&#x27; title=&quot;y&quot;&gt;&amp;"
