"""Which lines of a source text can run, where no coverage tool tells: the text is compiled, never executed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

_LIMIT_CHARACTERS = 4 << 20
_NO_COVER = re.compile(r"#\s*(?:pragma|PRAGMA)[:\s]?\s*(?:no|NO)\s*(?:cover|COVER)")
"""The comment that coverage.py's documentation names as the default of `exclude_lines`."""


def lines_of_code(text: str, path: str) -> frozenset[int]:
    """Return the 1-based lines that can run.

    Of Python these are the first lines of the statements that the compiler makes code of, without docstrings
    and without what `# pragma: no cover` leaves out, as coverage.py counts them. Of any other language, and of
    Python that this interpreter cannot compile, they are all lines that are not blank: too many rather than too few.
    """
    found = _python(text) if path.endswith((".py", ".pyw")) else None
    if found is None:
        return frozenset(number for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return frozenset(found)


def _python(text: str) -> set[int] | None:
    if len(text) > _LIMIT_CHARACTERS:
        return None
    try:
        tree = ast.parse(text)
        code = compile(tree, "<source>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None
    starts, silent = _starts(tree, text.split("\n"))
    return {starts.get(line, line) for line in _lines(code)} - silent


def _lines(code: CodeType) -> Iterator[int]:
    """Yield the lines of a code object and of those within it."""
    waiting = [code]
    while waiting:
        current = waiting.pop()
        yield from (line for _, _, line in current.co_lines() if line)
        waiting += [constant for constant in current.co_consts if hasattr(constant, "co_lines")]


def _starts(tree: ast.Module, lines: list[str]) -> tuple[dict[int, int], set[int]]:
    """Return line → first line of its statement, and the lines that do not count: docstrings and what is excluded."""
    starts: dict[int, int] = {}
    silent: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            silent.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        first, last, end = _span(node, body)
        starts.update(dict.fromkeys(range(first, last + 1), first))
        decorators = getattr(node, "decorator_list", [])
        for decorator in decorators:
            starts.update(dict.fromkeys(range(decorator.lineno, (decorator.end_lineno or 0) + 1), decorator.lineno))
        above = min((decorator.lineno for decorator in decorators), default=first)
        if any(_NO_COVER.search(line) for line in lines[above - 1 : last]):
            silent.update(range(above, end + 1))
    if not tree.body:
        silent.add(1)  # an empty file compiles to one line that is not there
    return starts, silent


def _span(node: ast.stmt | ast.ExceptHandler | ast.match_case, body: object) -> tuple[int, int, int]:
    """Return the first and last line of a statement, or of the head of a compound one, and the line its block ends.

    A decorator is a line of its own, above the first one.
    """
    place = node.pattern if isinstance(node, ast.match_case) else node
    first, end = place.lineno, place.end_lineno or place.lineno
    if not (isinstance(body, list) and body):
        return first, end, end
    inner = min([body[0].lineno, *(decorator.lineno for decorator in getattr(body[0], "decorator_list", []))])
    # An `if` left out does not take its `else` along.
    return first, max(first, inner - 1), body[-1].end_lineno or first
