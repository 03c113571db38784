"""The one place where foreign text is made harmless, for each kind of document.

Everything that was not written by truegreen is foreign: test names, tracebacks, branch names, paths,
scanner messages. Nothing is dropped: what cannot be shown is shown as its code point.
"""

from __future__ import annotations

import re
import unicodedata

from truegreen.analysis.graphemes import whole

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
_REFERENCE = re.compile(
    # An address of mail may begin with a dot or a dash behind its `@`, and GitHub links it too.
    r"(?i:@(?=\S)|gh-(?=\d)|#(?=\w)|www(?=\.)|(?:mailto|xmpp)(?=:))"
    # `a.py:100: x` holds an emoji to GitHub, and `:octocat:` a picture; `12:34:56` holds neither.
    r"|:(?=(?!\d+:)[a-z0-9_+-]{1,60}:|100:|1234:)"
)
_BLOCK = re.compile(r"(\s*)(?:([-+=#])|(\d{1,9})([.)])(?=\s|$))")
_CLOSING = re.compile(r"#(?=\s*$)")
"""At the end of a heading it would be taken as its closing sequence, and vanish."""
_FENCE = re.compile(r"`+")
_CODE = re.compile(r"`([^\S`]*[^`\s][^`]*)`")

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
"""As `html.escape` does it; that module brings two thousand names of characters along."""

_XML_NEVER = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""What no XML 1.0 document holds, not even as a reference: https://www.w3.org/TR/xml/#charsets. Compiled where it is
needed: that takes as long as all other patterns of a verdict together."""
_XML_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_XML_ATTRIBUTE = str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def visible(text: str, *, multiline: bool = False) -> str:
    """Return text without control characters, bidirectional marks or other invisible characters.

    Line ends become `⏎` unless `multiline`; the rest is shown as `⟨U+202E⟩`. A joiner between two
    parts of one emoji stays.
    """
    if text.isprintable():
        return text
    plain = text.replace("\r\n", "\n").replace("\r", "\n") if multiline else text.replace("\r\n", "\n")
    # Most lines of a traceback need nothing: going through their characters would take most of a report's time.
    return ("\n" if multiline else _NAMED["\n"]).join(map(_visible, plain.split("\n")))


def _visible(line: str) -> str:
    plain = line.replace("\t", _NAMED["\t"])
    if plain.isprintable():
        return plain
    return "".join(_shown(char, plain[i - 1 : i], plain[i + 1 : i + 2]) for i, char in enumerate(plain))


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
    return text if len(text) <= limit else text[: whole(text, max(0, limit - 1))] + _ELLIPSIS


def one_line(text: str, limit: int) -> str:
    """Return one visible line of at most `limit` characters.

    Of a text of many megabytes no more is looked at than may be shown: two characters, a line end, become one at most.
    """
    return shorten(visible(text[: 2 * limit + 2]), limit)


def last_lines(text: str, lines: int, width: int) -> tuple[list[str], int]:
    """Return the last lines of a text, each visible and of at most `width` characters, and how many are above them."""
    rows = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    kept = rows[-lines:]
    return [_row(row, width) for row in kept], len(rows) - len(kept)


def _row(row: str, width: int) -> str:
    whole = len(row) <= 2 * width
    shown = visible(row if whole else row[: 2 * width])
    return shorten(shown.rstrip() if whole else f"{shown}{_ELLIPSIS}", width)


def markdown(text: str, limit: int = 1000) -> str:
    """Return one line of Markdown that shows the text as it is: no markup, links, mentions or references."""
    shown = one_line(text, limit)
    # Most texts are a few words. A pattern is asked only where one of the characters is that each of its matches has.
    if "@" in shown or "#" in shown or ":" in shown or "-" in shown or "." in shown:
        shown = _REFERENCE.sub(lambda match: match[0] + _JOINER, shown)
    escaped = shown.translate(_SPECIAL)
    if "_" in escaped:
        escaped = _LOOSE_UNDERSCORE.sub(r"\\_", escaped)
    escaped = escaped.replace("://", "&#58;//")
    if "#" in escaped:
        escaped = _CLOSING.sub(r"\\#", escaped)
    # A line that begins with four blanks would be a block of code, in which no reference to a character is read.
    if escaped.startswith("  "):
        escaped = f" {escaped.lstrip(' ')}"
    if block := _BLOCK.match(escaped):
        lead = f"{block[1]}\\{block[2]}" if block[2] else f"{block[1]}{block[3]}\\{block[4]}"
        escaped = lead + escaped[block.end() :]
    return escaped


def code(text: str, limit: int = 1000) -> str:
    """Return the text as inline code of Markdown, in which nothing is interpreted; not for tables."""
    shown = one_line(text, limit)
    if not shown.strip():
        return markdown(shown)
    if "`" not in shown:
        pad = " " if shown[0] == " " or shown[-1] == " " else ""
        return f"`{pad}{shown}{pad}`"
    marks = "`" * (1 + max((len(run) for run in _FENCE.findall(shown)), default=0))
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{marks}{pad}{shown}{pad}{marks}"


def prose(text: str, limit: int = 1000) -> str:
    """Return a sentence as Markdown; what stands between a pair of backticks becomes code, if it is anything at all."""
    # Split by what is code, every other piece: around an empty pair two harmless pieces could meet and be a mention.
    pieces = _CODE.split(one_line(text, limit))
    return "".join(code(piece) if place % 2 else _inline(piece) for place, piece in enumerate(pieces))


def _inline(text: str) -> str:
    """Return escaped text with the blanks at its ends."""
    return markdown(text) if text.strip() else text


def fence(text: str, *, lines: int = 6, width: int = 500) -> str:
    """Return the last lines of a text as a fenced block that the text cannot close."""
    kept, above = last_lines(text, lines, width)
    # Nothing in it is markup, but who looks for our own comment in a body looks at lines.
    kept = [row.replace("<!--", "<!\u200b--") for row in kept]
    if above and lines > 1:
        kept[0] = f"[… {above + 1:,} lines above]"
    body = "\n".join(kept)
    marks = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(body)), default=0))
    return f"{marks}text\n{body}\n{marks}"


def html_text(text: str) -> str:
    """Return text for the body or an attribute of HTML."""
    return visible(text).translate(_HTML)


def xml_text(text: str) -> str:
    """Return text for the body of an XML 1.0 element; a character that XML cannot hold is shown as its code point."""
    return re.compile(_XML_NEVER).sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text).translate(_XML_TEXT)


def xml_attribute(text: str, limit: int = 8_000) -> str:
    """Return text for an attribute of XML 1.0, from which a strict parser reads it back as it was."""
    return xml_text(shorten(text, limit)).translate(_XML_ATTRIBUTE)


def plain(text: str, limit: int = 1000) -> str:
    """Return what stands within a line of a terminal or log: no escape sequence and no workflow command survives."""
    return one_line(text, limit).replace("##[", f"##{_JOINER}[")


def plain_line(text: str, limit: int = 1000) -> str:
    """Return a line for a terminal or log, which may begin a line itself: no workflow command there either."""
    shown = plain(text, limit)
    return f"{_JOINER}{shown}" if shown.lstrip().startswith("::") else shown


def command_data(text: str, limit: int = 4000) -> str:
    """Return the message of a workflow command; line ends are kept as the runner encodes them."""
    return _percent(shorten(visible(text[: 2 * limit + 2], multiline=True), limit))


def command_property(text: str, limit: int = 500) -> str:
    """Return a property of a workflow command."""
    return _percent(one_line(text, limit)).replace(":", "%3A").replace(",", "%2C")


def _percent(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
