"""Where the statements of a Python file begin: coverage knows a statement by its first line only."""

from __future__ import annotations

import ast


def first_lines(source: str) -> dict[int, int]:
    """Return line → first line of the statement it belongs to, for lines that are not first themselves.

    Of a compound statement that is its head: the lines before its body. Empty for a source that does not parse.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[int, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        last = node.end_lineno or node.lineno
        if body:
            first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
            last = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))]) - 1
        found.update(dict.fromkeys(range(node.lineno + 1, last + 1), node.lineno))
    return found
