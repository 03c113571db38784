"""Functions that give a part of the application, and that no walk begins at: why, and what they leave out."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from truegreen.analysis import callables, roots
from truegreen.model.wiring import Place, Supply, Unbuilt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from truegreen.analysis.callables import Function
    from truegreen.analysis.slots import Slots
    from truegreen.analysis.unwired import Project
    from truegreen.model.wiring import Dependency, Root

_HANDED = frozenset({"Depends", "Security", "Provide"})
"""What takes a function that the framework will call."""


def of(
    project: Project, slots: Slots, walked: Iterable[Root], dependencies: Iterable[Dependency]
) -> tuple[Unbuilt, ...]:
    """Return the functions that give a part of the application and are no root, sorted by name.

    Args:
        project: all sources.
        slots: its classes with dependencies.
        walked: the roots that are walked.
        dependencies: optional dependencies, and who supplies them.
    """
    walked = list(walked)
    left = [one for one in dependencies if one.supply is Supply.SUPPLIED and one.guards]
    names = {root.name for root in walked}
    found = [one for one in roots.candidates(project, slots) if one.why and one.name not in names]
    omits = {one.name: omitted for one in found if (omitted := tuple(_omitted(one.path, one.node, left)))}
    seen = _reached(project, walked) if omits else set[str]()
    return tuple(
        Unbuilt(
            name=one.name,
            place=Place(one.path, one.node.lineno),
            why=one.why,
            omits=omits.get(one.name, ()) if one.node.name not in seen else (),
            factory=one.named,
        )
        for one in sorted(found, key=lambda one: one.name)
    )


def _omitted(path: str, function: Function, dependencies: Iterable[Dependency]) -> Iterator[str]:
    last = function.end_lineno or function.lineno
    for one in dependencies:
        sites = (call for call in one.calls if call.path == path and call not in one.suppliers)
        if any(function.lineno <= call.line <= last for call in sites):
            yield f"{one.owner}.{one.parameter}"


def _reached(project: Project, walked: list[Root]) -> set[str]:
    """Return the names of everything that what is walked may go through; in doubt, more."""
    waiting = [root.name.rpartition(":")[2].partition(".")[0] for root in walked]
    waiting += _handed(project) if walked else []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            nodes = [*(one for _, one in project.functions(name)), *(one.node for one in project.classes(name))]
            waiting += {inner for node in nodes for inner in _named(node)}
    return seen


def _handed(project: Project) -> set[str]:
    return {
        name
        for source in project.sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and callables.simple_name(node.func) in _HANDED
        for name in _named(node)
    }


def _named(tree: ast.AST) -> AbstractSet[str]:
    return {callables.simple_name(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)}
