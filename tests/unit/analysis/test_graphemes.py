"""Where a text may be cut."""

from __future__ import annotations

import pytest

from truegreen.analysis.graphemes import whole

SEQUENCES = {
    "family": "👩\u200d👩\u200d👧\u200d👦",
    "skin": "👍🏽",
    "flag": "🇩🇪",
    "keycap": "1\ufe0f\u20e3",
    "heart": "❤\ufe0f",
    "accents": "e\u0301\u0323",
    "vowel sign": "\u0915\u093f",
    "Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_cut_within_a_character_stands_in_front_of_it(name):
    one = SEQUENCES[name]
    for end in range(1, 1 + len(one)):
        assert whole(f"a{one}b", end) == 1
    assert whole(f"a{one}b", 1 + len(one)) == 1 + len(one)


def test_cut_between_flags_leaves_whole_ones():
    assert [whole("🇩🇪🇫🇷🇮🇹", end) for end in range(7)] == [0, 0, 2, 2, 4, 4, 6]


@pytest.mark.parametrize("end", [0, 3, 9])
def test_cut_elsewhere_or_behind_the_end_is_where_it_was_asked(end):
    assert whole("plain", end) == min(end, 5)


def test_cut_of_a_character_without_end_is_taken_all_the_same():
    assert whole("a" + "\u0301" * 100_000, 300) == 300
