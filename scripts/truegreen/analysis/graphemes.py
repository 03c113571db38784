"""Where a text may be cut: never inside a character as people see it."""

from __future__ import annotations

import unicodedata

_JOINER = 0x200D
_SKIN = range(0x1F3FB, 0x1F400)
_FLAG = range(0x1F1E6, 0x1F200)
_TAG = range(0xE0020, 0xE0080)
_LONGEST = 64
"""Nobody writes a character of more parts; one that is made of more is cut."""


def whole(text: str, end: int) -> int:
    """Return the last place up to `end` at which a cut splits no accented letter, emoji, flag or keycap."""
    place = min(end, len(text))
    least = max(0, place - _LONGEST)
    while place > least and _inside(text, place):
        place -= 1
    return place if place > least or least == 0 else min(end, len(text))


def _inside(text: str, end: int) -> bool:
    """Return whether the character before `end` goes on behind it."""
    if end >= len(text):
        return False
    after, before = ord(text[end]), ord(text[end - 1])
    if after < 0x80 and before != _JOINER:  # noqa: PLR2004 - nothing of ASCII goes on
        return False
    if _JOINER in (after, before) or after in _SKIN or after in _TAG:
        return True
    # Accents, variation selectors, keycaps, vowel signs.
    if unicodedata.category(text[end]).startswith("M"):
        return True
    return after in _FLAG and before in _FLAG and _flags_before(text, end) % 2 == 1


def _flags_before(text: str, end: int) -> int:
    """Return how many halves of flags stand in a row in front of a place."""
    start = end
    while start > 0 and ord(text[start - 1]) in _FLAG:
        start -= 1
    return end - start
