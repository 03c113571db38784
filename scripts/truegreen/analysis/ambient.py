"""Parts that no constructor takes: variables of modules, and attributes of `app.state`, that are None for ever.

`repository = None` at the top of a module, and `if repository:` in the function of a route: nothing ever sets it, so
what needs it never happens. A name that may be set in a way that cannot be followed is not among them.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from truegreen.analysis import callables, guards, holders, roots, slots, unwired
from truegreen.analysis.families import same_module
from truegreen.model.wiring import Ambient, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from truegreen.analysis.callables import Function, Source
    from truegreen.analysis.unwired import Project

_ROUTES = frozenset({"get", "post", "put", "delete", "patch", "head", "options", "trace", "route", "api_route",
                     "websocket"})  # fmt: skip
"""Decorators that make a function answer requests, each as `@app.get(…)`."""
_HIDDEN = frozenset({"globals", "exec", "eval", "vars", "__dict__"})
"""By these a module may be given names that nobody can read in its text."""
_BY_NAME = frozenset({"getattr", "hasattr"})


class _Function(NamedTuple):
    """One function or method, what is nested in it included."""

    source: Source
    node: Function
    named: frozenset[str]
    """Names, attributes and texts in it."""
    handled: bool

    @property
    def bound(self) -> frozenset[str]:
        """Return the names that mean something of its own in it."""
        found = frozenset(name for inner in ast.walk(self.node) for name in guards.bound(inner))
        return found - {self.node.name}


def of(project: Project, *, walked: bool) -> tuple[Ambient, ...]:
    """Return what is None for ever and passed over in silence, sorted by name.

    Args:
        project: all sources.
        walked: whether anything of the application is walked.
    """
    around = _Around(project, walked=walked)
    return tuple(sorted((*around.variables(), *around.of_state()), key=lambda one: one.name))


class _Around:
    def __init__(self, project: Project, *, walked: bool) -> None:
        self._sources = [one for one in project.sources if one.path.partition("/")[0] not in roots.ASIDE]
        self._project, self._walked = project, walked
        every = {source.path: [*ast.walk(source.tree)] for source in project.sources}
        self._texts = _texts([node for nodes in every.values() for node in nodes])
        self._states = dict(_states((one.path, every[one.path]) for one in self._sources))
        given = [one for source in project.sources for one in source.assigned if not project.classes(one.owner)]
        self._set_state = {one.attribute for one in given}
        """Attributes of what may be `app.state` that are given a value."""
        self._set_module = {one.attribute for one in given if one.owner != holders.STATE}
        """Those of what may be a module."""

    @cached_property
    def _functions(self) -> list[_Function]:
        handled = _handled(self._project, self._sources) if self._walked else set[int]()
        return [_function(source, node, handled) for source in self._sources for node in _outermost(source)]

    def variables(self) -> Iterator[Ambient]:
        """Yield the variables of modules."""
        for source in self._sources:
            nones = list(_nones(source.tree.body))
            if not nones or _hides(source):
                continue
            times = Counter(name for node in _of_module(source.tree) for name in guards.bound(node))
            written = {name for node in ast.walk(source.tree) if isinstance(node, ast.Global) for name in node.names}
            for name, line in nones:
                if times[name] == 1 and name not in {*written, *self._set_module, *self._texts}:
                    place = Place(source.path, line)
                    yield from self._asked(f"{roots.module(source.path)}:{name}", place, name, _variable(source, name))

    def of_state(self) -> Iterator[Ambient]:
        """Yield the attributes of `app.state`."""
        for name, place in self._states.items():
            if name not in self._set_state and name not in self._texts:
                yield from self._asked(f"app.state.{name}", place, name, _attribute(name))

    def _asked(
        self, title: str, place: Place, name: str, means: Callable[[_Function], Callable[[ast.AST], bool] | None]
    ) -> Iterator[Ambient]:
        """Yield it where some function passes over it, and it is a part of the application by its name or use."""
        found, called, handled = list[Place](), set[str](), False
        for function in self._functions:
            local = {one for one, (_, original) in function.source.imports.items() if original == name}
            if function.named.isdisjoint({name, *local}):
                continue
            own = means(function)
            if own is None:
                continue
            lines, names = guards.silent(function.node, own)
            found += [Place(function.source.path, line) for line in lines]
            called |= names
            handled |= bool(lines) and function.handled
        works = bool(called - slots.OF_VALUES)
        if found and (works or unwired.is_named_part(name)):
            yield Ambient(name=title, place=place, guards=tuple(sorted(found)), handled=handled and works)


def _variable(source: Source, name: str) -> Callable[[_Function], Callable[[ast.AST], bool] | None]:
    """Return what tells by which expression a function asks for a variable of a module; None where it does not."""

    def means(function: _Function) -> Callable[[ast.AST], bool] | None:
        there, imports = function.source, function.source.imports
        local = {one for one, (module, original) in imports.items() if (original, True) == (name, _is(source, module))}
        local |= {name} if there is source else set()
        local -= function.bound
        whole = {one for one, parts in imports.items() if _is(source, ".".join(filter(None, parts)))} - function.bound

        def own(node: ast.AST) -> bool:
            if isinstance(node, ast.Name):
                return node.id in local and isinstance(node.ctx, ast.Load)
            return isinstance(node, ast.Attribute) and node.attr == name and getattr(node.value, "id", "") in whole

        return own if local or whole else None

    return means


def _is(source: Source, module: str) -> bool:
    return bool(module) and same_module(source.module, module)


def _attribute(name: str) -> Callable[[_Function], Callable[[ast.AST], bool] | None]:
    """Return what tells by which expression a function asks for an attribute of `app.state`, which any may do."""
    own = _of_state(name)
    return lambda _: own


def _of_state(name: str) -> Callable[[ast.AST], bool]:
    def own(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return node.attr == name and isinstance(node.ctx, ast.Load) and _is_state(node.value)
        return _asks_by_name(node) == name

    return own


def _is_state(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and holders.is_state(node)


def _asks_by_name(node: ast.AST) -> str:
    """Return what `getattr(app.state, "x", None)` and `hasattr(app.state, "x")` ask for."""
    if not isinstance(node, ast.Call) or callables.simple_name(node.func) not in _BY_NAME or len(node.args) < 2:  # noqa: PLR2004
        return ""
    name = node.args[1]
    with_default = callables.simple_name(node.func) == "hasattr" or callables.is_none(node.args[-1])
    asked = isinstance(name, ast.Constant) and _is_state(node.args[0]) and with_default
    return str(name.value) if asked and isinstance(name, ast.Constant) else ""


def _states(sources: Iterable[tuple[str, list[ast.AST]]]) -> Iterator[tuple[str, Place]]:
    """Yield the attributes of `app.state` that are set to None, or asked for with None as the default, once each."""
    found: dict[str, Place] = {}
    for path, nodes in sources:
        for node in nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                for target, value in guards.given(node):
                    if isinstance(target, ast.Attribute) and _is_state(target.value) and callables.is_none(value):
                        found[target.attr] = Place(path, node.lineno)
            elif name := _asks_by_name(node):
                found.setdefault(name, Place(path, getattr(node, "lineno", 1)))
    yield from found.items()


def _nones(body: Iterable[ast.stmt]) -> Iterator[tuple[str, int]]:
    """Yield the variables that a module sets to None, and that may hold a part of the application."""
    for node in body:
        if isinstance(node, ast.Assign) and callables.is_none(node.value):
            yield from ((target.id, node.lineno) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and callables.is_none(node.value) and isinstance(node.target, ast.Name):
            kinds = {callables.simple_name(getattr(one, "value", one)) for one in unwired.members(node.annotation)}
            if kinds - unwired.PLAIN - {""}:
                yield node.target.id, node.lineno


def _of_module(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what a module itself does: functions and classes are there by their names alone."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, callables.Function | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _hides(source: Source) -> bool:
    """Return whether names of a module may be set without being written as such."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            return True
        if isinstance(node, ast.Name | ast.Attribute) and callables.simple_name(node) in _HIDDEN:
            return True
    return False


def _texts(nodes: list[ast.AST]) -> AbstractSet[str]:
    """Return every text, but for what `getattr` only asks for: `setattr(module, "name", …)` sets one."""
    asked = {id(node.args[1]) for node in nodes if _asks_by_name(node) and isinstance(node, ast.Call)}
    texts = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in asked)
    return {node.value for node in texts if isinstance(node.value, str)}


def _outermost(source: Source) -> Iterator[Function]:
    """Yield the functions and methods of a module; what is nested in a function belongs to it."""
    waiting: list[ast.AST] = [source.tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, callables.Function):
            yield node
        else:
            waiting += ast.iter_child_nodes(node)


def _function(source: Source, node: Function, handled: AbstractSet[int]) -> _Function:
    named = (_said(inner) for inner in ast.walk(node))
    return _Function(source, node, frozenset(filter(None, named)), id(node) in handled)


def _said(node: ast.AST) -> str:
    """Return a name, an attribute or a text; empty for everything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _answers(node: Function) -> bool:
    calls = (mark.func for mark in node.decorator_list if isinstance(mark, ast.Call))
    return any(isinstance(one, ast.Attribute) and one.attr in _ROUTES for one in calls)


def _handled(project: Project, sources: Iterable[Source]) -> set[int]:
    """Return the functions that answer requests, and those of modules that they name, by their identity."""
    waiting: list[ast.AST] = [node for source in sources for node in _outermost(source) if _answers(node)]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            waiting += [function for name in names for _, function in project.functions(name)]
    return seen
