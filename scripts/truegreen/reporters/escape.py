"""The one place where foreign text is made harmless, for each kind of document.

Everything that was not written by truegreen is foreign: test names, tracebacks, branch names, paths,
scanner messages. Nothing is dropped: what cannot be shown is shown as its code point.
"""

from __future__ import annotations

import re
import unicodedata

_ELLIPSIS = "…"
_JOINER = "\u2060"
"""Word joiner: invisible, and breaks a mention or a reference in two."""
_ZWJ = "\u200d"
_NAMED = {"\n": "⏎", "\r": "⏎", "\t": " "}
_SPECIAL = str.maketrans(
    {
        **{char: f"\\{char}" for char in "\\`*[]~"},
        # As references they also hold inside a table, and where GitHub looks for formulas before Markdown.
        "|": "&#124;",
        "$": "&#36;",
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
    }
)
_LOOSE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Between letters an underscore is no emphasis, and names stay readable in the source."""
_REFERENCE = re.compile(r"(?i)@(?=\w)|gh-(?=\d)|#(?=\w)|www(?=\.)")
_BLOCK = re.compile(r"^(\s*)(?:([-+=#])|(\d{1,9})([.)])(?=\s|$))")
_CLOSING = re.compile(r"#(?=\s*$)")
"""At the end of a heading it would be taken as its closing sequence, and vanish."""
_FENCE = re.compile(r"`+")

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
"""As `html.escape` does it; that module brings two thousand names of characters along."""


def visible(text: str, *, multiline: bool = False) -> str:
    """Return text without control characters, bidirectional marks or other invisible characters.

    Line ends become `⏎` unless `multiline`; the rest is shown as `⟨U+202E⟩`. A joiner between two
    parts of one emoji stays.
    """
    if text.isascii() and text.isprintable():
        return text
    keep = "\n" if multiline else ""
    plain = text.replace("\r\n", "\n").replace("\r", "\n") if multiline else text.replace("\r\n", "\n")
    return "".join(
        char if char in keep else _shown(char, plain[i - 1 : i], plain[i + 1 : i + 2]) for i, char in enumerate(plain)
    )


def _shown(char: str, before: str, after: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    category = unicodedata.category(char)
    if char == _ZWJ and _pictorial(before) and _pictorial(after):
        return char
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or (category == "Zs" and char != " "):
        return f"⟨U+{ord(char):04X}⟩"
    return char


def _pictorial(char: str) -> bool:
    return bool(char) and (unicodedata.category(char) in ("So", "Sk") or char == "\ufe0f")


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters; the cut is marked, and never splits an emoji sequence."""
    if len(text) <= limit:
        return text
    end = max(0, limit - 1)
    while end > 0 and (text[end] == _ZWJ or unicodedata.combining(text[end]) or text[end - 1] == _ZWJ):
        end -= 1
    return text[:end] + _ELLIPSIS


def markdown(text: str, limit: int = 1000) -> str:
    """Return one line of Markdown that shows the text as it is: no markup, links, mentions or references."""
    shown = shorten(visible(text), limit)
    broken = _REFERENCE.sub(lambda match: match[0] + _JOINER, shown)
    escaped = _LOOSE_UNDERSCORE.sub(r"\\_", broken.translate(_SPECIAL)).replace("://", "&#58;//")
    escaped = _CLOSING.sub(r"\\#", escaped)
    return _BLOCK.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", escaped)


def code(text: str, limit: int = 1000) -> str:
    """Return the text as inline code of Markdown, in which nothing is interpreted; not for tables."""
    shown = shorten(visible(text), limit)
    if not shown.strip():
        return markdown(shown)
    marks = "`" * (1 + max((len(run) for run in _FENCE.findall(shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{marks}{pad}{shown}{pad}{marks}"


def prose(text: str, limit: int = 1000) -> str:
    """Return a sentence as Markdown; what stands between a pair of backticks becomes code."""
    pieces = shorten(visible(text), limit).split("`")
    if len(pieces) % 2 == 0:
        return markdown(text, limit)
    return "".join(code(piece) if place % 2 else _inline(piece) for place, piece in enumerate(pieces))


def _inline(text: str) -> str:
    """Return escaped text with the blanks at its ends."""
    return markdown(text) if text.strip() else text


def fence(text: str, *, lines: int = 6, width: int = 500) -> str:
    """Return the last lines of a text as a fenced block that the text cannot close."""
    plain = visible(text, multiline=True).strip("\n")
    rows = [shorten(row.rstrip(), width) for row in plain.split("\n")]
    kept = rows[-lines:]
    if len(rows) > lines:
        kept = [f"[… {len(rows) - lines + 1:,} lines above]", *rows[-lines + 1 :]] if lines > 1 else rows[-1:]
    body = "\n".join(kept)
    marks = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(body)), default=0))
    return f"{marks}text\n{body}\n{marks}"


def html_text(text: str) -> str:
    """Return text for the body or an attribute of HTML."""
    return visible(text).translate(_HTML)


def plain(text: str, limit: int = 1000) -> str:
    """Return one line for a terminal or log: no escape sequence and no workflow command survives."""
    return shorten(visible(text), limit).replace("##[", f"##{_JOINER}[")


def command_data(text: str, limit: int = 4000) -> str:
    """Return the message of a workflow command; line ends are kept as the runner encodes them."""
    return _percent(shorten(visible(text, multiline=True), limit))


def command_property(text: str, limit: int = 500) -> str:
    """Return a property of a workflow command."""
    return _percent(shorten(visible(text), limit)).replace(":", "%3A").replace(",", "%2C")


def _percent(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
