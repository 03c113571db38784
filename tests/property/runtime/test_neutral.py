"""Any text on the console: the runner finds no command in it, a terminal no sequence."""

from __future__ import annotations

import io
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from tests.support.hostile import CORPUS

from truegreen.runtime.console import Console, neutral

PIECE = st.one_of(
    st.sampled_from(CORPUS),
    st.sampled_from(
        ["::", ":", "##[", "##", "[", "]", "\n", "\r", " ", "\t", "\u2003", "\u200b", "\x1b", "error", "\x85"]
    ),
    st.text(max_size=5),
)
TEXT = st.lists(PIECE, max_size=12).map("".join)


def command(line):
    """Return the command that GitHub's runner reads in a line: `::name …::` at its start, `##[name …]` anywhere."""
    if found := re.match(r"\s*::(.*?)::", line):
        return found.group(1).split(" ")[0]
    if found := re.search(r"##\[(.*?)\]", line):
        return found.group(1).split(" ")[0]
    return None


def lines(shown):
    return re.split(r"\r\n|\r|\n", shown)


@given(TEXT)
def test_neutral_any_text_holds_no_command_in_any_line(text):
    assert [command(line) for line in lines(neutral(text))] == [None] * len(lines(neutral(text)))


@given(TEXT)
def test_neutral_any_text_holds_no_control_character(text):
    assert not [char for char in neutral(text) if unicodedata.category(char) == "Cc" and char not in "\t\n"]


@given(TEXT)
def test_neutral_twice_is_neutral_once(text):
    assert neutral(neutral(text)) == neutral(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf"), exclude_characters=":#")))
def test_neutral_plain_text_is_unchanged(text):
    assert neutral(text) == text


@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_console_in_ci_issues_only_the_commands_it_means(title, text, error):
    err = io.StringIO()
    console = Console(err=err, ci=True)
    with console.group(title):
        console.line(text)
        console.error(error)
    found = [name for name in map(command, lines(err.getvalue())) if name]
    assert found == ["group", "endgroup"]


@given(TEXT)
def test_console_elsewhere_issues_no_command(title):
    err = io.StringIO()
    console = Console(err=err)
    with console.group(title):
        console.command("::error::x")
    assert not any(command(line) for line in lines(err.getvalue()))
