"""Which parameters of constructors take a part of the application, and what the methods do when it is missing."""

from __future__ import annotations

import datetime as dt
import pathlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import callables, guards, unwired
from truegreen.model.wiring import Slot

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping

    from truegreen.analysis.callables import Class, Parameter
    from truegreen.analysis.unwired import Project

Slots = dict[str, dict[str, tuple[Slot, ...]]]
"""Path of a file → name of a class in it → its dependencies."""
_ANYTHING = frozenset({"Any", "object"})
_ABSTRACT = frozenset({"Protocol", "ABC"})
OF_VALUES = frozenset(
    name
    for kind in (str, bytes, list, dict, set, tuple, int, float, dt.datetime, dt.timedelta, pathlib.Path,
                 re.Pattern)
    for name in dir(kind)
)  # fmt: skip
"""Methods that plain values have too: calling one does not tell a part of the application from a setting."""


def of(project: Project) -> Slots:
    """Return the dependencies of every class that keeps some; two classes of one name in a file share a row.

    A class that inherits them has a row of its own: it has other methods.
    """
    found: Slots = {}
    for source in project.sources:
        for owner in source.classes:
            for parameter in (owner.constructor() or ([], 0))[0]:
                for attribute in project.keeping.of(owner, parameter.name).attributes:
                    kind = _kind(project, owner, parameter, attribute, source.imports)
                    if kind is not None:
                        slot = _slot(project, owner, parameter, attribute, kind)
                        types = _concrete(project, parameter, source.imports)
                        _add(found, project, owner, msgspec.structs.replace(slot, concrete=types))
    return found


def _add(found: Slots, project: Project, owner: Class, slot: Slot) -> None:
    attribute, heirs = slot.attribute, project.families.below(owner)
    for one in (owner, *(() if attribute.startswith("__") else heirs)):
        if one is owner or not _takes(project, one, attribute):
            classes = found.setdefault(one.path, {})
            classes[one.name] = (*classes.get(one.name, ()), _used(project, one, slot))


def _takes(project: Project, heir: Class, attribute: str) -> bool:
    """Return whether an heir keeps a parameter of its own under the name."""
    taken = (heir.constructor() or ([], 0))[0]
    return any(attribute in project.keeping.of(heir, parameter.name).attributes for parameter in taken)


def _slot(project: Project, owner: Class, parameter: Parameter, attribute: str, kind: str) -> Slot:
    names = {callables.simple_name(part) for part in _members(parameter)}
    return Slot(
        owner=owner.name,
        path=owner.path,
        parameter=parameter.name,
        attribute=attribute,
        kind=kind,
        line=parameter.line,
        optional=parameter.optional or any(map(callables.is_none, _members(parameter))),
        own=any(project.classes(name) for name in names),
        lazy=owner.name in names or not names.isdisjoint(owner.bases),
    )


def _used(project: Project, owner: Class, slot: Slot) -> Slot:
    """Return a dependency with what the methods of a class do with it."""
    methods = project.families.methods(owner, slot.attribute)
    use = guards.of(methods, slot.attribute)
    return msgspec.structs.replace(
        slot,
        attribute=_mangled(owner.name, slot.attribute),
        lazy=slot.lazy or any(slot.attribute in one.makes for one in methods),
        guards=tuple(map(str, use.guards)),
        called=bool(use.called),
        calls=tuple(sorted(use.called)),
    )


def _kind(
    project: Project, owner: Class, parameter: Parameter, attribute: str, imports: Mapping[str, tuple[str, str]]
) -> str | None:
    """Return the annotation of a dependency; without one, its name or what is called on it must say what it is."""
    typed = parameter.annotation is not None and callables.simple_name(parameter.annotation) not in _ANYTHING
    if typed:
        return project.kind(owner, parameter, attribute, imports)
    named = project.kind(owner, replace(parameter, annotation=None), attribute, imports)
    if named is not None:
        return ""
    called = guards.of(project.families.methods(owner, attribute), attribute).called
    return "" if called - OF_VALUES else None


def _members(parameter: Parameter) -> list[ast.expr]:
    return list(unwired.members(parameter.annotation)) if parameter.annotation is not None else []


def concrete(project: Project) -> tuple[str, ...]:
    """Return the names of the classes of which objects are made: no protocols, none that is abstract, each once."""
    names = sorted({one.name for source in project.sources for one in source.classes})
    return tuple(name for name in names if _is_concrete(project, name))


def _concrete(project: Project, parameter: Parameter, imports: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """Return the classes of the project that a parameter declares, where it declares nothing else."""
    parts = [part for part in _members(parameter) if not callables.is_none(part)]
    names = tuple(imports.get(name, ("", name))[1] or name for name in map(callables.simple_name, parts))
    return names if all(_is_concrete(project, name) for name in names) else ()


def _is_concrete(project: Project, name: str) -> bool:
    known = project.classes(name)
    if len(known) != 1 or known[0].node.keywords or not _ABSTRACT.isdisjoint(known[0].bases):
        return False
    methods = (one for one in known[0].node.body if isinstance(one, callables.Function))
    marks = (callables.simple_name(mark) for one in methods for mark in one.decorator_list)
    return not any(mark.startswith("abstract") for mark in marks)


def _mangled(owner: str, attribute: str) -> str:
    """Return the name under which an object really keeps an attribute that begins with two underscores."""
    private = attribute.startswith("__") and not attribute.endswith("__")
    return f"_{owner.lstrip('_')}{attribute}" if private else attribute
