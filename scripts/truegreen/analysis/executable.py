"""Which lines of a source text can run, where no coverage tool tells: the text is compiled, never executed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis.syntax import UNREADABLE, Statement, statements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

_LIMIT_CHARACTERS = 4 << 20
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_NO_COVER = re.compile(r"#\s*(?:pragma|PRAGMA)[:\s]?\s*(?:no|NO)\s*(?:cover|COVER)")
"""The comment that coverage.py's documentation names as the default of `exclude_lines`."""


class SourceLines(NamedTuple):
    """What the lines of a source text are."""

    code: frozenset[int]
    """1-based lines that can run: of a statement over several lines the first one."""
    starts: dict[int, int]
    """Line → first line of its statement, for statements of several lines."""


def lines_of_code(text: str, path: str) -> frozenset[int]:
    """Return the 1-based lines that can run.

    Of Python these are the first lines of the statements that the compiler makes code of, without docstrings
    and without what `# pragma: no cover` leaves out, as coverage.py counts them. Of any other language, and of
    Python that this interpreter cannot compile, they are all lines that are not blank: too many rather than too few.
    """
    return source_lines(text, path).code


def source_lines(text: str, path: str) -> SourceLines:
    """Return what the lines are, with the rules of `lines_of_code`."""
    found = _python(text) if path.endswith((".py", ".pyw")) else None
    if found is None:
        return SourceLines(frozenset(number for number, line in enumerate(text.split("\n"), 1) if line.strip()), {})
    return found


def _python(text: str) -> SourceLines | None:
    if len(text) > _LIMIT_CHARACTERS:
        return None
    try:
        tree = ast.parse(text)
        code = compile(text, "<source>", "exec", dont_inherit=True)
    except (*UNREADABLE, OverflowError):
        return None
    starts, silent = _starts(tree, text)
    return SourceLines(frozenset({starts.get(line, line) for line in _lines(code)} - silent), starts)


def _lines(code: CodeType) -> Iterator[int]:
    """Yield the lines of a code object and of those within it."""
    waiting = [code]
    while waiting:
        current = waiting.pop()
        yield from (line for _, _, line in current.co_lines() if line)
        waiting += [constant for constant in current.co_consts if hasattr(constant, "co_lines")]


def _starts(tree: ast.Module, text: str) -> tuple[dict[int, int], set[int]]:
    """Return line → first line of its statement, and the lines that do not count: docstrings and what is excluded."""
    starts: dict[int, int] = {}
    silent: set[int] = set()
    lines = text.split("\n")
    marked = _NO_COVER.search(text) is not None
    for node in statements(tree):
        body = getattr(node, "body", None)
        if isinstance(node, _DOCUMENTED) and (said := _docstring(node)):
            silent.update(range(said.lineno, (said.end_lineno or said.lineno) + 1))
        if isinstance(node, ast.Module):
            continue
        first, last, end = _span(node, body)
        if last > first or first in starts:
            starts.update(dict.fromkeys(range(first, last + 1), first))
        decorators = getattr(node, "decorator_list", [])
        for decorator in decorators:
            starts.update(dict.fromkeys(range(decorator.lineno, (decorator.end_lineno or 0) + 1), decorator.lineno))
        above = min((decorator.lineno for decorator in decorators), default=first)
        if marked and any(_NO_COVER.search(line) for line in lines[above - 1 : last]):
            silent.update(range(above, end + 1))
    if not tree.body:
        silent.add(1)  # an empty file compiles to one line that is not there
    return starts, silent


def _docstring(node: ast.AST) -> ast.Expr | None:
    first = next(iter(getattr(node, "body", ())), None)
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first
    return None


def _span(node: Statement, body: object) -> tuple[int, int, int]:
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
