"""Source texts as trees: parsed, never executed."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing raises for a text that is no Python of this interpreter, or too much of it."""
Statement = ast.stmt | ast.ExceptHandler | ast.match_case
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


def parsed(text: str, path: str) -> ast.Module:
    """Return the tree of a text, without a word about its questionable escapes.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, filename=path)


def statements(tree: ast.Module) -> Iterator[Statement | ast.Module]:
    """Yield a module and its statements, branches of `try` and `match` included; no expression holds a statement."""
    waiting: list[Statement | ast.Module] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in _BLOCKS:
            waiting += getattr(node, field, ())


def imported_from(node: ast.ImportFrom, package: str) -> str:
    """Return the dotted module that names are imported from.

    Args:
        node: the import.
        package: dotted package of the file it stands in, for relative imports.
    """
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])
