"""Foreign text as Markdown, made of what is markup to GitHub: read back, nothing of it is any."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from truegreen.reporters.escape import code, markdown, prose

PIECES = (
    *("`", "``", "```", "@", "octocat", "#", "1", "https:", "//", "://", "evil.example", "www", ".", "GH-", "mailto:"),
    *("xmpp:", "ftp", "a@b.c", "[", "]", "(", ")", "![", "<", "</", "b>", "<!--", ">", "&", "&amp;", "&#64;", ";"),
    *("\\", "_", "*", "**", "~", "|", "\n", "\r\n", " ", "    ", "\t", "-", "- ", "---", "===", "1. ", "> ", "+", "$"),
    *("a", "x:", "[x]: https://evil.example", "[^1]", "\u2060", "\u200b", "\x00", "/", "?q=1", "o/r"),
)
TEXT = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
PLACES = {
    "a line": ("{}\n", {"paragraph", "code_inline"}),
    "behind words": ("**Why:** {}<br>{}\n", {"paragraph", "strong", "code_inline", "html_inline"}),
    "an entry": ("- **x** {}\n", {"bullet_list", "list_item", "paragraph", "strong", "code_inline"}),
    "a heading": ("### {} x\n", {"heading", "code_inline"}),
}
ALIVE = re.compile(r"(?<!\w)@\w|(?i:\bgh-\d|\bwww\.\w)|#\w|\w@[-.\w]")
"""What becomes a mention, a reference or an address where GitHub reads text, and nothing here breaks it."""


@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("show", [prose, markdown, code], ids=lambda show: show.__name__)
@given(text=TEXT, limit=st.sampled_from([1000, 1000, 5, 9, 14]))
@example(text="@``octocat", limit=1000)
@example(text="https:``//evil.example/login", limit=1000)
@example(text="GH-` `7 #``1 www``.evil.example", limit=1000)
@example(text="a@-evil.example", limit=1000)
@example(text="     &#64;octocat", limit=1000)
def test_foreign_text_becomes_nothing_but_text_and_code(text, limit, show, place):
    form, wanted = PLACES[place]
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    # To GitHub neither a host without www and scheme is a link, nor two slashes; addresses are looked at below.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False}).add("//", None)
    tokens = parser.parse(form.replace("{}", show(text, limit)))
    flat = [inner for token in tokens for inner in (token, *(token.children or ()))]
    kinds = {re.sub("_(open|close)$", "", token.type) for token in flat}
    assert kinds <= {*wanted, "inline", "text", "text_special"}
    # The parts of one line of text are read as one, as GitHub does; code and breaks stand between.
    words = "".join(t.content if t.type in ("text", "text_special") else "\n" for t in flat if t.type != "inline")
    assert not ALIVE.search(words)
