"""Where each key stands in a TOML file."""

from __future__ import annotations

import pytest

from truegreen.config.toml_lines import key_lines, line_of, nearest

PLAIN = """\
# head
[project]
name = "x"

[tool.truegreen]
python = "3.12"

[ tool . truegreen . gates . coverage ]  # spaces
line = 85
branch=70
[[tool.other]]
a.b = 1
[[tool.other]]
a.b = 2
"""


def test_key_lines_lists_tables_and_keys():
    assert key_lines(PLAIN) == {
        "project": 2,
        "project.name": 3,
        "tool.truegreen": 5,
        "tool.truegreen.python": 6,
        "tool.truegreen.gates.coverage": 8,
        "tool.truegreen.gates.coverage.line": 9,
        "tool.truegreen.gates.coverage.branch": 10,
        "tool.other": 11,
        "tool.other.a.b": 12,
    }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('"a b" = 1', {"a b": 1}),
        ("'a\"b'.c = 1", {'a"b.c': 1}),
        (r'"a\"b" = 1', {'a"b': 1}),
        (r'"\u00e9" = 1', {"é": 1}),
        ('["x[1]"]\ny = 1', {"x[1]": 1, "x[1].y": 2}),
        ("[a]\r\nb = 1\r\n", {"a": 1, "a.b": 2}),
        ("# \u2028 \x85 \u2029\na = 1", {"a": 2}),
        ("# [a] ' \" [ {\nb = 1", {"b": 2}),
        ("", {}),
    ],
)
def test_key_lines_odd_spelling_is_read_as_toml_reads_it(text, wanted):
    assert key_lines(text) == wanted


@pytest.mark.parametrize(
    "value",
    [
        '"""\n[tool.truegreen]\nline = 1\n"""',
        "'''\n[tool.truegreen]\nline = 1\n'''",
        '"""\nline = 1\n\\"""\nline = 2\n"""',
        '"""\nline = 1""""',
        '"""\nline = 1"""""',
        "'''\nline = 1''''",
        '[\n["tool"]\n,\n["line"]\n]',
        '[ # ]\n"line",\n{ x = [\n] }\n]',
        '["]",\n"["\n]',
        "['\"',\n'\"']",
        r'["\"",' + "\n" + r'"\\"]',
    ],
)
def test_key_lines_value_over_several_lines_hides_nothing_and_adds_nothing(value):
    text = f"[project]\nnote = {value}\nafter = 1\n[tool.truegreen]\nline = 9\n"
    last = text.count("\n")
    assert key_lines(text) == {
        "project": 1,
        "project.note": 2,
        "project.after": last - 2,
        "tool.truegreen": last - 1,
        "tool.truegreen.line": last,
    }


@pytest.mark.parametrize(
    ("key", "line"), [("a.b.c", 3), ("a.b.c.d.e", 3), ("a.b.x", 2), ("a.x", 1), ("x", 0), ("", 0), ("ab", 0)]
)
def test_line_of_unlisted_key_is_that_of_the_nearest_parent(key, line):
    assert line_of({"a": 1, "a.b": 2, "a.b.c": 3}, key) == line


def test_line_of_table_that_is_only_implied_is_that_of_the_first_key_below():
    lines = key_lines("[tool.x]\na = 1\n[tool.x.gate.b]\nc = 1\n")
    assert [line_of(lines, key) for key in ("tool", "tool.x.gate", "tool.x.gate.c")] == [1, 3, 1]


def test_nearest_nothing_listed_is_none():
    assert nearest({"a": "x"}, "b.a") is None
    assert nearest({"a": "x"}, "a.b") == "x"
