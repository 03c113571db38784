"""What single nodes of a syntax tree say to those who read tests."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = re.compile(r"[^\W\d]\w*")
TEXT_MAX_CHARS = 400
"""A longer text is not a list of names."""
_BOUNDED = re.compile(r"(?i)timeout|fail_after|move_on|raises|cancel|warns|suppress")
"""Surroundings that end a wait early, or are about it."""
_LONGEST_S, _DEPTH = 1e9, 20
"""No wait is longer than this, and no sum of seconds is written deeper."""
_QUIET = frozenset({"ctx", "op", "ops", "attr", "id", "arg", "lineno", "type_comment", "kind", "simple", "is_async"})
"""Fields that hold no expression."""


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for names and attributes of names; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *parts[::-1]]) if isinstance(node, ast.Name) else ""


def parts(node: ast.AST) -> list[ast.AST]:
    """Return what a node consists of, last first: what a name is given is taken before the name is used."""
    found: list[ast.AST] = []
    for name in node._fields:
        if name in _QUIET:
            continue
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    found.reverse()
    return found


def number(node: ast.expr, depth: int = 0) -> float | str:
    """Return a constant number, or the dotted name that may stand for one; empty for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return float(node.value) if abs(node.value) <= _LONGEST_S else ""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub, ast.Div)):
        if depth == _DEPTH:
            return ""
        left, right = number(node.left, depth + 1), number(node.right, depth + 1)
        if isinstance(left, float) and isinstance(right, float):
            return _result(node.op, left, right)
        return ""
    return dotted(node)


def _result(operator: ast.operator, left: float, right: float) -> float | str:
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.Div):
        return left / right if right else ""
    return left + right if isinstance(operator, ast.Add) else left - right


def is_bounded(node: ast.With | ast.AsyncWith | ast.Try) -> bool:
    """Return whether a block ends a wait early, or catches its end."""
    parts: list[ast.AST] = [handler.type for handler in getattr(node, "handlers", []) if handler.type is not None]
    parts += [item.context_expr for item in getattr(node, "items", [])]
    names = (
        part.id if isinstance(part, ast.Name) else getattr(part, "attr", "") for top in parts for part in ast.walk(top)
    )
    return any(_BOUNDED.search(name) for name in names)


def can_end(node: ast.For | ast.AsyncFor) -> bool:
    """Return whether a loop can end before its last round: it asks again and again, and waits for something."""
    return any(isinstance(part, (ast.Break, ast.Return)) for part in ast.walk(node))


def is_unfinished(node: ast.Raise) -> bool:
    """Return whether a `raise` says that there is nothing yet, or passes on what was raised."""
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised is None or dotted(raised) == "NotImplementedError"


def parameters(args: ast.arguments) -> Iterator[str]:
    """Yield the names of parameters, without `*args` and `**options`."""
    yield from (arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs))


def defaults(args: ast.arguments) -> Iterator[ast.expr]:
    """Yield the values that parameters have when nobody gives one."""
    yield from (part for part in (*args.defaults, *args.kw_defaults) if part is not None)


def words_in(node: ast.expr) -> set[str]:
    """Return the names in the texts of an expression."""
    found: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Constant):
            found.update(WORD.findall(part.value[:TEXT_MAX_CHARS]) if isinstance(part.value, str) else ())
        elif not isinstance(part, ast.Name):
            waiting += parts(part)
    return found


def assigns(node: ast.Assign, name: str) -> bool:
    """Return whether a statement gives a name its value."""
    return any(isinstance(to, ast.Name) and to.id == name for to in node.targets)


def may_be_true(node: ast.expr) -> bool:
    """Return whether a value is true, or not known here."""
    return not isinstance(node, ast.Constant) or bool(node.value)
