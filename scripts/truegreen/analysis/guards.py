"""How the methods of a class treat an attribute that may be None."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from truegreen.model.wiring import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.analysis.callables import Class


def of(owner: Class, attribute: str) -> tuple[list[Place], int]:
    """Return the lines that pass over what needs an attribute in silence, and how often it is used."""
    lines: set[int] = set()
    uses = 0
    for method in owner.node.body:
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) or method.name == "__init__":
            continue
        for node in ast.walk(method):
            uses += _is(node, attribute)
            lines.update(_silent(node, attribute))
    return [Place(owner.path, line) for line in sorted(lines)], uses


def asks_for_none(test: ast.expr, name: str) -> bool:
    """Return whether a condition is true exactly when a variable is None or empty."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return isinstance(test.operand, ast.Name) and test.operand.id == name
    if not (isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == name):
        return False
    return len(test.ops) == 1 and isinstance(test.ops[0], ast.Is) and _none(test.comparators[0])


def ends(body: Iterable[ast.stmt]) -> bool:
    """Return whether a block raises: it does not go on in silence."""
    return any(isinstance(inner, ast.Raise | ast.Assert) for statement in body for inner in ast.walk(statement))


def _silent(node: ast.AST, attribute: str) -> Iterator[int]:
    """Yield the line of a condition that leaves something out when the attribute is missing."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        there, missing = _asked(node.test, attribute)
        if isinstance(node, ast.If):
            # `if not self._x: raise` is loud; so is `if self._x: … else: raise`.
            if (missing and not ends(node.body)) or (there and not ends(node.orelse)):
                yield node.lineno
        elif there or missing:
            yield node.lineno
    elif isinstance(node, ast.BoolOp) and any(_is(value, attribute) for value in node.values[:-1]):
        yield node.lineno


def _asked(test: ast.expr, attribute: str) -> tuple[bool, bool]:
    """Return whether a condition holds only with the attribute, and whether it holds without it."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    there = missing = False
    for part in parts:
        negated = isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not)
        node = part.operand if isinstance(part, ast.UnaryOp) and negated else part
        if _is(_unnamed(node), attribute):
            there, missing = there or not negated, missing or negated
        elif isinstance(node, ast.Compare) and _is(_unnamed(node.left), attribute) and _none(node.comparators[0]):
            is_none = isinstance(node.ops[0], ast.Is | ast.Eq) != negated
            there, missing = there or not is_none, missing or is_none
    return there, missing


def _unnamed(node: ast.expr) -> ast.expr:
    """Return an expression without the name it is given on the way: `(x := self._x)`."""
    return node.value if isinstance(node, ast.NamedExpr) else node


def _is(node: ast.AST, attribute: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == attribute
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and isinstance(node.ctx, ast.Load)
    )


def _none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
