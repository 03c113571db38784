"""How methods treat an attribute that may be None, by whatever name they ask for it."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from truegreen.analysis import holders
from truegreen.model.wiring import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PASSES_ON = frozenset({"filter", "iter", "list", "tuple", "set", "reversed", "sorted"})
"""Callables that hand on the elements of their last argument."""
_ASKS = frozenset({"isinstance", "hasattr", "callable"})
"""Callables that say no of None."""
_SWALLOWS = frozenset({"AttributeError", "Exception", "BaseException"})
"""Exceptions among which is what asking None for something raises."""
_PROPERTIES = frozenset({"property", "cached_property"})


class Use(NamedTuple):
    """What methods do with an attribute."""

    guards: tuple[Place, ...]
    """Lines that pass over in silence what needs it when it is missing."""
    uses: int
    """How often it is used."""
    called: frozenset[str]
    """Names of what is called on it."""
    commands: frozenset[str]
    """Those of them whose result is waited for, or not looked at: they are called for what they do."""


@dataclass(eq=False, slots=True)
class Method:
    """One method, with the file it is in; what it does with an attribute is looked at once."""

    path: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    asked: frozenset[str] = frozenset()
    """Names that are asked of `self` in it."""
    gives: str = ""
    """Attribute of which it is a property that does nothing else."""
    makes: frozenset[str] = frozenset()
    """Attributes to which it gives a value of its own making, and not one that it was handed."""
    calls_parent: bool = False
    """Whether it may go on in that of the class above."""
    _known: dict[frozenset[str], Use] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look at it once."""
        nodes = [*ast.walk(self.node)]
        self.asked = frozenset(one.attr for one in nodes if _of_self(one))
        self.calls_parent = any(isinstance(one, ast.Name) and one.id == "super" for one in nodes)
        self.gives = _given_alone(self.node)
        self.makes = frozenset(_made(self.node, nodes))

    def use(self, names: frozenset[str]) -> Use:
        """Return what the method does with an attribute of several names."""
        if names not in self._known:
            self._known[names] = _of_method(self, names)
        return self._known[names]


def of(methods: Sequence[Method], attribute: str) -> Use:
    """Return what methods do with an attribute: under its own name, that of a property, or of a local variable."""
    names = frozenset({attribute, *(one.node.name for one in methods if one.gives == attribute)})
    seen = [one.use(names) for one in methods if not names.isdisjoint(one.asked)]
    return Use(
        tuple(sorted({place for use in seen for place in use.guards})),
        sum(use.uses for use in seen),
        frozenset[str]().union(*(use.called for use in seen)),
        frozenset[str]().union(*(use.commands for use in seen)),
    )


def _of_method(method: Method, names: frozenset[str]) -> Use:
    nodes = [*ast.walk(method.node)]
    own = partial(_is_attribute, names=names)
    seen = _Seen(own, _aliases(nodes, own))
    return Use(
        tuple(Place(method.path, line) for node in nodes for line in _silent(node, seen)),
        sum(map(seen.is_it, nodes)),
        frozenset(name for node in nodes for name in _called(node, seen)),
        frozenset(name for node in nodes for name in _commanded(node, seen)),
    )


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


class _Seen(NamedTuple):
    """By what one method asks for an attribute, or for something else that may be None."""

    own: Callable[[ast.AST], bool]
    """Whether an expression is the thing itself."""
    aliases: frozenset[str]
    """Local variables that hold it and nothing else."""

    def is_it(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name) and node.id in self.aliases:
            return isinstance(node.ctx, ast.Load)
        return self.own(node)


def silent(node: ast.AST, own: Callable[[ast.AST], bool]) -> tuple[list[int], frozenset[str]]:
    """Return the lines that pass over in silence what needs something when it is None, and what is called on it.

    Args:
        node: a function.
        own: whether an expression in it is what is asked for.
    """
    nodes = [*ast.walk(node)]
    seen = _Seen(own, _aliases(nodes, own))
    lines = sorted({line for one in nodes for line in _silent(one, seen)})
    return lines, frozenset(name for one in nodes for name in _called(one, seen))


def _is_attribute(node: ast.AST, *, names: frozenset[str]) -> bool:
    """Return whether an expression is an attribute of `self` with one of some names."""
    return isinstance(node, ast.Attribute) and node.attr in names and _of_self(node)


def _of_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and isinstance(node.ctx, ast.Load)
    )


def _given_alone(method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the attribute that a property gives as it is; empty when it does something else, or is none."""
    marks = {one.attr if isinstance(one, ast.Attribute) else getattr(one, "id", "") for one in method.decorator_list}
    if marks.isdisjoint(_PROPERTIES):
        return ""
    body = [one for one in method.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    return value.attr if value is not None and _of_self(value) else ""


def _made(method: ast.FunctionDef | ast.AsyncFunctionDef, nodes: Iterable[ast.AST]) -> Iterator[str]:
    handed = holders.arguments(method)
    for node in nodes:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is None or _none(value) or (isinstance(value, ast.Name) and value.id in handed):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                yield target.attr


def _aliases(nodes: list[ast.AST], own: Callable[[ast.AST], bool]) -> frozenset[str]:
    """Return the local variables that are given the attribute, and are given nothing else."""
    holding = {
        target.id
        for node in nodes
        for target, value in (*given(node), *_one_by_one(node))
        if isinstance(target, ast.Name) and own(value)
    }
    times = Counter(name for node in nodes for name in bound(node)) if holding else {}
    return frozenset(name for name in holding if times[name] == 1)


def given(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what is given which value, also in `a, b = self.a, self.b`."""
    if isinstance(node, ast.NamedExpr | ast.AnnAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                if len(target.elts) == len(node.value.elts):
                    yield from zip(target.elts, node.value.elts, strict=True)
            else:
                yield target, node.value


def _one_by_one(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the variable of a loop with each element of a container that is written around them: `for x in (a, b)`."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield from ((node.target, value) for value in _elements(node.iter))


def _elements(node: ast.expr) -> list[ast.expr]:
    """Return the elements of a container, also of one that is filtered, sorted or turned into another."""
    while isinstance(node, ast.Call) and _name(node.func) in _PASSES_ON and node.args:
        node = node.args[-1]
    return node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else []


def bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node gives a meaning; one that belongs to somebody else is given two."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield from (*node.names, *node.names)
    elif isinstance(node, ast.MatchMapping):
        yield node.rest or ""
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs
                    | ast.MatchStar):  # fmt: skip
        yield node.name or ""


def _called(node: ast.AST, seen: _Seen) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and seen.is_it(_unnamed(node.func.value)):
        yield node.func.attr


def _commanded(node: ast.AST, seen: _Seen) -> Iterator[str]:
    if isinstance(node, ast.Expr | ast.Await):
        yield from _called(node.value, seen)


def _silent(node: ast.AST, seen: _Seen) -> Iterator[int]:
    """Yield the line of a condition that leaves something out when the attribute is missing."""
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        there, missing = _asked(node.test, seen)
        if isinstance(node, ast.If):
            # `if not self._x: raise` is loud; so is `if self._x: … else: raise`.
            if (missing and not ends(node.body)) or (there and not ends(node.orelse)):
                yield node.lineno
        elif there or missing:
            yield node.lineno
    elif isinstance(node, ast.BoolOp) and any(seen.is_it(value) for value in node.values[:-1]):
        yield node.lineno
    else:
        yield from _quiet(node, seen)


def _quiet(node: ast.AST, seen: _Seen) -> Iterator[int]:
    """Yield the line of what goes on without the attribute though it is no condition."""
    if isinstance(node, ast.Match) and seen.is_it(_unnamed(node.subject)):
        if _none_goes_on(node):
            yield node.lineno
    elif isinstance(node, ast.comprehension):
        if any(_asked(test, seen)[0] for test in node.ifs):
            yield node.iter.lineno
    elif isinstance(node, ast.Call):
        kind, args = _name(node.func), node.args
        with_default = kind == "getattr" and len(args) == 3 and seen.is_it(_unnamed(args[0]))  # noqa: PLR2004
        left_out = kind == "filter" and len(args) == 2 and _none(args[0])  # noqa: PLR2004
        if with_default or (left_out and any(map(seen.is_it, _elements(args[1])))):
            yield node.lineno
    elif isinstance(node, ast.Try | ast.With) and _swallows(node):
        inner = [one for statement in node.body for one in ast.walk(statement)]
        yield from [node.lineno] if any(True for one in inner for _ in _called(one, seen)) else []


def _none_goes_on(node: ast.Match) -> bool:
    """Return whether None comes through a `match` without an error."""
    for case in node.cases:
        patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
        if any(isinstance(one, ast.MatchSingleton) and one.value is None for one in patterns):
            return not ends(case.body)
        if case.guard is None and any(isinstance(one, ast.MatchAs) and one.pattern is None for one in patterns):
            # `case other: other.save()` fails; `case _:` does not.
            return not ends(case.body) and all(isinstance(one, ast.MatchAs) and one.name is None for one in patterns)
    return True


def _swallows(node: ast.Try | ast.With) -> bool:
    """Return whether what None raises ends here, and nothing else is raised in its place."""
    if isinstance(node, ast.With):
        calls = [one.context_expr for one in node.items if isinstance(one.context_expr, ast.Call)]
        kinds = [kind for call in calls if _name(call.func) == "suppress" for kind in call.args]
        return any(_name(kind) in _SWALLOWS for kind in kinds)
    for handler in node.handlers:
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else _given_kind(handler)
        if not caught or any(_name(kind) in _SWALLOWS for kind in caught):
            return not ends(handler.body)
    return False


def _given_kind(handler: ast.ExceptHandler) -> list[ast.expr]:
    return [handler.type] if handler.type is not None else []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _asked(test: ast.expr, seen: _Seen) -> tuple[bool, bool]:
    """Return whether a condition holds only with the attribute, and whether it holds without it."""
    parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]
    there = missing = False
    for part in parts:
        negated = isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not)
        node = part.operand if isinstance(part, ast.UnaryOp) and negated else part
        if seen.is_it(_unnamed(node)):
            there, missing = there or not negated, missing or negated
        elif isinstance(node, ast.Compare) and seen.is_it(_unnamed(node.left)) and _none(node.comparators[0]):
            is_none = isinstance(node.ops[0], ast.Is | ast.Eq) != negated
            there, missing = there or not is_none, missing or is_none
        elif isinstance(node, ast.Call) and _name(node.func) in _ASKS and node.args and seen.is_it(node.args[0]):
            there, missing = there or not negated, missing or negated
    return there, missing


def _unnamed(node: ast.expr) -> ast.expr:
    """Return an expression without the name it is given on the way: `(x := self._x)`."""
    return node.value if isinstance(node, ast.NamedExpr) else node


def _none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
