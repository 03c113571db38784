"""Optional dependencies that go where nobody follows them: neither the walk nor a mutant can ask for those."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from truegreen.analysis import callables
from truegreen.model.wiring import Place, Unfollowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truegreen.analysis.callables import Class, Function, Parameter
    from truegreen.analysis.unwired import Project


def of(project: Project) -> tuple[Unfollowed, ...]:
    """Return the optional dependencies of classes that the project builds, and that do not end as `self.x`.

    What a constructor hands on to a class or function of the project is followed there; what it replaces, or cannot do
    without, is never missing in silence.
    """
    owners = [(owner, source.imports) for source in project.sources for owner in source.classes]
    found = [one for owner, imports in owners for one in _of_class(project, owner, imports)]
    return tuple(sorted(found, key=lambda one: one.place))


def _of_class(project: Project, owner: Class, imports: Mapping[str, tuple[str, str]]) -> Iterator[Unfollowed]:
    constructor = owner.method("__init__")
    if constructor is None:
        return
    lost = [one for one in (owner.constructor() or ([], 0))[0] if _is_lost(project, owner, constructor, one)]
    if not lost or not project.is_built(owner):
        return
    for one in lost:
        kind = project.kind(owner, one, "", imports)
        if kind is not None:
            place = Place(owner.path, one.line)
            yield Unfollowed(owner=owner.name, parameter=one.name, kind=kind, place=place)


def _is_lost(project: Project, owner: Class, constructor: Function, parameter: Parameter) -> bool:
    if not parameter.optional:
        return False
    kept = project.keeping.of(owner, parameter.name)
    if kept.attributes or kept.loud or project.keeping.nodes(constructor)[1][parameter.name] > 1:
        return False
    seen = _Uses(project, parameter.name)
    for statement in constructor.body:
        seen.visit(statement)
    return seen.kept_elsewhere or (seen.asked and seen.opened)


class _Uses(ast.NodeVisitor):
    """What a constructor does with a parameter that it does not keep."""

    def __init__(self, project: Project, name: str) -> None:
        self._project = project
        self._name = name
        self.kept_elsewhere = False
        """Whether it goes into something that nobody follows."""
        self.opened = False
        """Whether something of it is asked for."""
        self.asked = False
        """Whether a condition asks for it."""

    def visit_Name(self, node: ast.Name) -> None:
        """Take a use that nothing above explains."""
        self.kept_elsewhere |= node.id == self._name

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Take `parameter.something`, which is loud without the parameter unless a condition is around it."""
        if isinstance(node.value, ast.Name) and node.value.id == self._name:
            self.opened = True
        else:
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Take `parameter is None` as a question."""
        if self._is_it(node.left) and callables.is_none(node.comparators[0]):
            self.asked = True
        else:
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        """Take the condition as a question."""
        self._question(node.test)
        for inner in (*node.body, *node.orelse):
            self.visit(inner)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Take the condition as a question; what has another value is not missing."""
        self._question(node.test)
        if any(map(callables.is_none, (node.body, node.orelse))):
            self.visit(node.body)
            self.visit(node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Pass over `parameter or Default()`."""
        if not (isinstance(node.op, ast.Or) and self._is_it(node.values[0])):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Pass over what is handed on to the project itself, and to the constructor of a class above."""
        name = callables.simple_name(node.func)
        known = name == "__init__" or self._project.classes(name) or self._project.functions(name)
        for inner in (*node.args, *(keyword.value for keyword in node.keywords)):
            if not (known and self._is_it(inner)):
                self.visit(inner)
        self.visit(node.func)

    def _question(self, test: ast.expr) -> None:
        inner = test.operand if isinstance(test, ast.UnaryOp) else test
        if self._is_it(inner):
            self.asked = True
        else:
            self.visit(test)

    def _is_it(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._name
