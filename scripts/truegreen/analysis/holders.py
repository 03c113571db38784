"""What an object is whose attribute is set, as far as the text around it tells."""

from __future__ import annotations

import ast

STATE = "(state)"
"""Stands for the class of `app.state`, which is none of the project's."""
_APPLICATIONS = frozenset({"app", "application"})
"""What an application of FastAPI or Starlette is called."""


def is_state(node: ast.Attribute) -> bool:
    """Return whether an expression is `app.state`."""
    holder = node.value
    name = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
    return node.attr == "state" and name in _APPLICATIONS


def kinds(tree: ast.AST, name: str) -> list[ast.expr]:
    """Return what a variable or attribute is said to be: the class that it is built of, or its annotation.

    Args:
        tree: a function, a class or a module; of what is nested in a module, only its statements are asked.
        name: as it is written, such as `service` or `self._state`.
    """
    found: list[ast.expr] = []
    for node in tree.body if isinstance(tree, ast.Module) else ast.walk(tree):
        if isinstance(node, ast.Assign) and name in map(_written, node.targets):
            found.append(node.value.func if isinstance(node.value, ast.Call) else node.value)
        elif isinstance(node, ast.AnnAssign) and _written(node.target) in (name, name.removeprefix("self.")):
            found.append(node.annotation)
        elif isinstance(node, ast.arg) and node.arg == name:
            found.append(node.annotation or ast.Constant(value=None))
    return found


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> frozenset[str]:
    """Return the names of what a function is handed."""
    args = function.args
    return frozenset(one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs))


def _written(node: ast.expr) -> str:
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
