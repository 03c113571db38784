"""Path patterns mean what their regular expression would say, and none takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from truegreen.analysis.paths import matches

patterns = st.lists(
    st.sampled_from(["a", "b", "/", "*", "**", "**/", "/**", "?", "a/", ".", "[", "é", "\n"]), max_size=8
).map("".join)
names = st.text(st.sampled_from("aab./[é\n"), max_size=12)


def expression(pattern: str) -> str:
    """Return the regular expression that defines a pattern, with all the ways it can be tried."""
    meanings = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    out, rest = "", pattern.removeprefix("./").rstrip("/")
    while rest:
        token = next((one for one in meanings if rest.startswith(one)), rest[0])
        out, rest = out + meanings.get(token, re.escape(token)), rest[len(token) :]
    return f"{out}(?:/.*)?"


@given(names, st.lists(patterns, max_size=3))
@example("ab", ["****/b"])
@example("a//b", ["a/**/b"])
def test_patterns_match_what_their_regular_expressions_match(name: str, several: list[str]) -> None:
    wanted = any(re.fullmatch(expression(one), name, re.DOTALL) for one in several)
    assert matches(name, tuple(several)) is wanted


@pytest.mark.parametrize(
    "pattern", ["**/" * 30 + "*a*/" * 20 + "b", "*a" * 60 + "b", "a**" * 400 + "b", "?*" * 400 + "b", "**/a/" * 200]
)
def test_pattern_with_many_stars_is_answered_at_once(pattern: str) -> None:
    assert not matches("a" * 2000, (pattern,))
    assert not matches("a/" * 150 + "c", (pattern,))


def test_more_states_than_are_kept_change_no_answer() -> None:
    pattern = "**a" + "?" * 14 + "b"  # needs a state for each way the last letters may have been
    for number in range(3000):
        name = f"{number:015b}".replace("0", "c").replace("1", "a")
        assert matches(f"{name}b", (pattern,)) is (name[0] == "a")
