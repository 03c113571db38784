"""Making text visible line by line, against going through every character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import CORPUS

from truegreen.reporters import escape

TEXT = st.one_of(
    st.text(), st.sampled_from(CORPUS[:30]), st.text(st.sampled_from("ab\r\n\t\u200d👩💻\ufe0f\x1b\u202eé"))
)


@given(TEXT, st.booleans())
def test_line_by_line_shows_what_character_by_character_does(text, multiline):
    plain = text.replace("\r\n", "\n").replace("\r", "\n") if multiline else text.replace("\r\n", "\n")
    keep = "\n" if multiline else ""
    wanted = "".join(
        char if char in keep else escape._shown(char, plain[i - 1 : i] if i else "", plain[i + 1 : i + 2])
        for i, char in enumerate(plain)
    )
    assert escape.visible(text, multiline=multiline) == wanted


@given(
    st.text(st.sampled_from("a\r\n\t\x1b\u200d\u0301👩\u00a0 `<"), max_size=200), st.integers(0, 20), st.integers(1, 9)
)
def test_text_of_which_only_the_beginning_is_looked_at_is_shown_as_if_it_were_all(text, limit, lines):
    assert escape.one_line(text, limit) == escape.shorten(escape.visible(text), limit)
    whole = escape.visible(text, multiline=True).strip("\n").split("\n")
    shown, above = escape.last_lines(text, lines, 1_000)
    assert shown == [row.rstrip() for row in whole[-lines:]]
    assert above == max(0, len(whole) - lines)


@given(st.text(st.sampled_from("a \t\x1b\u200d👩"), max_size=60), st.integers(1, 12))
def test_long_line_is_marked_where_it_is_cut(row, width):
    ((shown,), _) = escape.last_lines(row, 1, width)
    assert len(shown) <= width
    assert shown == escape.visible(row).rstrip() or shown.endswith("…")
