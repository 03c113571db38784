"""Any TOML document: every key is listed at the line where it stands, and nothing else is."""

from __future__ import annotations

import tomllib

from hypothesis import assume, given
from hypothesis import strategies as st

from truegreen.config.toml_lines import key_lines, line_of

BARE = st.text(st.sampled_from("abz09_-"), min_size=1, max_size=4)
QUOTED = st.sampled_from(['"x y"', "'x=y'", '"[a]"', r'"q\"q"', "'#'", r'"\u00e9"', '"]"'])
PART = st.one_of(BARE, BARE, QUOTED)
GAP = st.sampled_from(["", " ", "\t"])
DECOY = '[a]\nline = 1\n"b" = 2'
VALUE = st.sampled_from(
    [
        "1",
        '"# no comment"',
        "'\"'",
        r'"\"[\\"',
        f'"""\n{DECOY}\n"""',
        f"'''\n{DECOY}'''",
        f'"""{DECOY}""""',
        '"""\n\\"""\nline = 1\n"""',
        "[]",
        '[ # ] "\n  "line",\n  ["a"]\n  ,\n]',
        "[\n[1],\n[\n2\n]\n]",
        "{ line = 1, a = [\n3\n] }",
        "1979-05-27T07:32:00Z",
        "{}",
    ]
)
COMMENT = st.sampled_from(["", " # [x] = ' \" {", "# \u2028\x85", "\t#"])


def name(part):
    return tomllib.loads(f"{part} = 1").popitem()[0]


@st.composite
def documents(draw):
    """Return a document's text, and key → line as it was written."""
    text, wanted, prefix = "", {}, ()
    end = draw(st.sampled_from(["\n", "\r\n"]))
    for _ in range(draw(st.integers(0, 8))):
        gap, comment = draw(GAP), draw(COMMENT)
        line = text.count("\n") + 1
        if draw(st.integers(0, 3)) == 0:
            parts = draw(st.lists(PART, min_size=1, max_size=3))
            opening, closing = draw(st.sampled_from([("[", "]"), ("[[", "]]")]))
            text += f"{gap}{opening}{gap}{f'{gap}.{gap}'.join(parts)}{gap}{closing}{comment}{end}"
            prefix = tuple(name(part) for part in parts)
            key = prefix
        elif draw(st.booleans()):
            parts = draw(st.lists(PART, min_size=1, max_size=2))
            text += f"{gap}{f'{gap}.{gap}'.join(parts)}{gap}={gap}{draw(VALUE)}{comment}{end}"
            key = (*prefix, *(name(part) for part in parts))
        else:
            text += f"{gap}{comment}{end}"
            continue
        wanted.setdefault(".".join(key), line)
    return text, wanted


def dotted(table, path=()):
    for key, value in table.items():
        yield ".".join((*path, key))
        if isinstance(value, dict):
            yield from dotted(value, (*path, key))


def parsed(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None  # the same key twice


@given(documents())
def test_key_lines_of_any_document_are_those_where_the_keys_were_written(document):
    text, wanted = document
    assume(parsed(text) is not None)
    assert key_lines(text) == wanted


@given(documents())
def test_line_of_every_value_of_a_document_is_known(document):
    text, _ = document
    values = parsed(text)
    assume(values is not None)
    lines = key_lines(text)
    assert all(0 < line_of(lines, key) <= text.count("\n") for key in dotted(values))
