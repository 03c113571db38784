"""Lines of code without a coverage tool, held against coverage.py's own analysis."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest
from coverage.parser import PythonParser

from truegreen.analysis.executable import lines_of_code

ROOT = Path(__file__).parents[3]
LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = [*sorted((ROOT / "scripts").glob("**/*.py")), *sorted(LIBRARY.glob("*.py"))[:20]]
NO_COVER = r"#\s*(pragma|PRAGMA)[:\s]?\s*(no|NO)\s*(cover|COVER)"


def by_coverage(text):
    parser = PythonParser(text=text, exclude=NO_COVER)
    parser.parse_source()
    return set(parser.statements)


def test_lines_of_real_files_are_those_of_coverage():
    different = [
        path.name for path in FILES if lines_of_code(text := path.read_text("utf-8"), path.name) != by_coverage(text)
    ]
    assert different == []


@pytest.mark.parametrize(
    "text",
    [
        "\n\n",
        '"""doc"""\n',
        'x = """\nlong\n"""\n',
        "if a:  # pragma: no cover\n    b()\nelse:\n    c()\n",
        "def f():  # pragma: no cover\n    return 1\n\nx = 2\n",
        "@one\n@two(\n    3\n)\ndef f(\n    a,\n    b=1,\n):\n    'doc'\n    return a\n",
        "try:\n    a()\nexcept (\n    B\n):\n    c()\nfinally:\n    d()\n",
        "match x:\n    case 1:\n        a()\n    case _:\n        b()\n",
        "class A:\n    'doc'\n    x: int\n    y = 1\n",
        "async def f():\n    async with a as b:\n        await b\n",
        "while a:\n    b()\nelse:\n    c()\n",
        "a; b; c\n",
        "x = [\n    i\n    for i in y\n    if i\n]\n",
    ],
)
def test_lines_of_each_construct_are_those_of_coverage(text):
    assert lines_of_code(text, "a.py") == by_coverage(text)


@pytest.mark.parametrize("text", ["def f(:\n  x\n\ny", "a = 1\x00\n\nb", "(" * 9000 + "\n\nx"])
def test_python_that_does_not_compile_counts_every_line_that_is_not_blank(text):
    with pytest.raises((SyntaxError, ValueError, MemoryError, RecursionError)):
        ast.parse(text)
    assert lines_of_code(text, "a.py") == {n for n, line in enumerate(text.split("\n"), 1) if line.strip()}


def test_empty_file_has_no_line():
    assert lines_of_code("", "a.py") == frozenset()


def test_other_languages_count_every_line_that_is_not_blank():
    assert lines_of_code("package main\n\n// said\nfunc main() {}\n", "a.go") == {1, 3, 4}
