"""Where a constructor keeps a parameter: asked alike by the finder, by the walk and by the mutants of `prove`."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from truegreen.analysis import callables, guards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truegreen.analysis.callables import Class, Function
    from truegreen.analysis.families import Families


class Kept(NamedTuple):
    """What a constructor does with one parameter."""

    attributes: tuple[str, ...] = ()
    """Attributes that hold it; empty where nobody can tell."""
    alone: bool = False
    """Whether they are None whenever it is: nothing takes its place, and nobody says at once that it is missing."""
    helpers: frozenset[str] = frozenset()
    """Methods through which the constructor keeps it."""
    loud: bool = False
    """Whether it raises where the parameter is None."""


@dataclass(slots=True)
class _Found:
    """What was seen so far."""

    kept: dict[str, bool] = field(default_factory=dict)
    """Attribute → whether it holds the parameter as it is."""
    others: set[str] = field(default_factory=set)
    """Attributes that are given something else, which is not None."""
    helpers: set[str] = field(default_factory=set)
    loud: bool = False
    """Whether it raises where the parameter is None."""


class Keeping:
    """Follows parameters through local names, `cast`, `or`, and methods of the class."""

    def __init__(self, families: Families) -> None:
        """Take the classes of a project: a helper may be a method of a class above."""
        self._families = families
        self._known: dict[tuple[int, str], Kept] = {}
        self._nodes: dict[int, tuple[list[ast.AST], Counter[str]]] = {}

    def of(self, owner: Class, parameter: str) -> Kept:
        """Return where the constructor of a class keeps one of its parameters."""
        key = id(owner), parameter
        if key not in self._known:
            constructor = owner.method("__init__")
            generated = Kept((parameter,), alone=True)  # it keeps each field
            self._known[key] = _Path(self, owner).kept(constructor, parameter) if constructor else generated
        return self._known[key]

    def method(self, owner: Class, name: str) -> Function | None:
        """Return a method that objects of a class have, also one of a class of the project above it."""
        return next((found for one in self._families.line(owner) if (found := one.method(name))), None)

    def nodes(self, method: Function) -> tuple[list[ast.AST], Counter[str]]:
        """Return what is in a method, and how often each name is given a meaning there."""
        if id(method) not in self._nodes:
            nodes = [*ast.walk(method)]
            self._nodes[id(method)] = nodes, Counter(name for node in nodes for name in guards.bound(node))
        return self._nodes[id(method)]


class _Path:
    """The way of one parameter through a constructor and its helpers."""

    def __init__(self, keeping: Keeping, owner: Class) -> None:
        self._keeping = keeping
        self._owner = owner
        self._found = _Found()
        self._seen: set[tuple[int, str, bool]] = set()

    def kept(self, constructor: Function, parameter: str) -> Kept:
        self._follow(constructor, parameter, whole=True)
        found = self._found
        replaced = [name for name, whole in found.kept.items() if not whole or name in found.others]
        attributes = tuple(replaced[:1] or found.kept)
        return Kept(
            attributes, bool(attributes) and not replaced and not found.loud, frozenset(found.helpers), found.loud
        )

    def _follow(self, method: Function, parameter: str, *, whole: bool | None) -> None:
        """Follow a parameter of a method; `whole` is None where it is something else that is handed over."""
        key = id(method), parameter, whole is None
        if key in self._seen:
            return
        self._seen.add(key)
        nodes, bound = self._keeping.nodes(method)
        carriers = _carriers(nodes, parameter, bound)
        for node in nodes:
            if isinstance(node, ast.If) and guards.ends(node.body):
                self._found.loud |= whole is not None and any(
                    guards.asks_for_none(node.test, name) for name in carriers
                )
            for attribute, value in _stores(node):
                self._store(attribute, _carried(value, carriers), value, whole=whole)
            if isinstance(node, ast.Call) and _is_own(node.func):
                self._help(node, carriers, whole=whole)

    def _store(self, attribute: str, as_is: bool | None, value: ast.expr, *, whole: bool | None) -> None:  # noqa: FBT001
        if whole is None:
            self._found.others |= set() if as_is is None else {attribute}
            return
        if as_is is None:
            self._found.others |= set() if callables.is_none(value) else {attribute}
            return
        for setter in self._setters(attribute):
            self._into(setter, attribute, 0, whole=as_is and whole)
            return
        self._found.kept[attribute] = self._found.kept.get(attribute, True) and as_is and whole

    def _setters(self, attribute: str) -> Iterator[Function]:
        """Yield the method of the class that runs where an attribute is set."""
        for item in self._owner.node.body:
            if isinstance(item, callables.Function) and item.name == attribute:
                marks = [mark for mark in item.decorator_list if isinstance(mark, ast.Attribute)]
                if any(mark.attr == "setter" for mark in marks):
                    yield item

    def _help(self, call: ast.Call, carriers: Mapping[str, bool], *, whole: bool | None) -> None:
        """Follow a parameter that is handed to a method of the class."""
        name = callables.simple_name(call.func)
        method = self._keeping.method(self._owner, name)
        if method is None or any(isinstance(one, ast.Starred) for one in call.args):
            return
        given: list[tuple[int | str, ast.expr]] = [*enumerate(call.args)]
        given += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
        for position, value in given:
            as_is = _carried(value, carriers)
            if whole is not None and (as_is is not None or not callables.is_none(value)):
                self._into(method, name, position, whole=None if as_is is None else as_is and whole)
            elif whole is None and as_is is not None:
                self._into(method, name, position, whole=None)

    def _into(self, method: Function, name: str, position: int | str, *, whole: bool | None) -> None:
        bound = "staticmethod" not in map(callables.simple_name, method.decorator_list)
        taken, positional = callables.parameters(method, bound=bound)
        names = [one.name for one in taken]
        if isinstance(position, int):
            position = names[position] if position < positional else ""
        if position in names:
            self._found.helpers |= set() if whole is None else {name}
            self._follow(method, position, whole=whole)


def _carriers(nodes: list[ast.AST], parameter: str, bound: Mapping[str, int]) -> dict[str, bool]:
    """Return the names that hold a parameter, each with whether it holds nothing else."""
    found = {parameter: bound[parameter] == 1}
    given = [(to.id, value) for node in nodes for to, value in guards.given(node) if isinstance(to, ast.Name)]
    grown = True
    while grown:
        grown = False
        for name, value in given:
            if name not in found and (as_is := _carried(value, found)) is not None:
                found[name] = as_is and bound[name] == 1
                grown = True
    return found


def _carried(value: ast.expr, carriers: Mapping[str, bool]) -> bool | None:
    """Return whether an expression is what some name holds, and nothing else; None where it is not at all."""
    if isinstance(value, ast.Name):
        return carriers.get(value.id)
    if isinstance(value, ast.NamedExpr):
        return _carried(value.value, carriers)
    if isinstance(value, ast.Call):
        return _carried(value.args[1], carriers) if _casts(value) else None
    if isinstance(value, ast.BoolOp | ast.IfExp):
        choices = value.values if isinstance(value, ast.BoolOp) else [value.body, value.orelse]
        known = [_carried(one, carriers) for one in choices]
        if all(one is None for one in known):
            return None
        return all(one or callables.is_none(choice) for one, choice in zip(known, choices, strict=True))
    return None


def _casts(call: ast.Call) -> bool:
    return callables.simple_name(call.func) == "cast" and len(call.args) == 2  # noqa: PLR2004


def _stores(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield which attributes of `self` a node gives a value, however it is written."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        for target, value in guards.given(node):
            if _is_own(target):
                yield callables.simple_name(target), value
            elif isinstance(target, ast.Subscript) and _is_dictionary(target.value) and _is_text(target.slice):
                yield str(target.slice.value), value
    elif isinstance(node, ast.Call):
        yield from _set_by_call(node)


def _set_by_call(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Yield what `object.__setattr__(self, "x", value)` and its like set, and `self.__dict__.update(x=value)`."""
    name, args = callables.simple_name(call.func), [*call.args]
    if name == "update" and isinstance(call.func, ast.Attribute) and _is_dictionary(call.func.value):
        yield from ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)
    elif name in ("setattr", "__setattr__"):
        if args and isinstance(args[0], ast.Name) and args[0].id == "self":
            args = args[1:]
        if len(args) == 2 and _is_text(args[0]):  # noqa: PLR2004
            yield str(args[0].value), args[1]


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _is_dictionary(node: ast.expr) -> bool:
    """Return whether an expression is where an object keeps its attributes."""
    if isinstance(node, ast.Call) and callables.simple_name(node.func) == "vars" and len(node.args) == 1:
        return isinstance(node.args[0], ast.Name) and node.args[0].id == "self"
    return _is_own(node) and callables.simple_name(node) == "__dict__"


def _is_text(node: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
