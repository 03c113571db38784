"""Whether an object is of the class that is declared for it; nothing of the object is run to tell."""

from __future__ import annotations

import contextlib
import types
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

_MEMBERS: dict[type, list[tuple[str, Any]]] = {}
_FUNCTIONS = frozenset({types.FunctionType, types.BuiltinFunctionType, types.MethodType})
_METACLASSES = ("type", "ABCMeta")
_ABSENT = object()


class Misfit(NamedTuple):
    """What is there in the place of an object of the declared class."""

    holds: str
    why: str
    red: bool
    """Whether nothing of what is asked of it can work; else it may do by having the same methods."""


def of(value: Any, declared: Collection[str], called: Collection[str]) -> Misfit | None:
    """Return how an object differs from what is declared; None where it is of the class, or nobody can tell.

    Args:
        value: the object.
        declared: names of the classes of which it has to be, none of them a protocol or abstract.
        called: names of the methods that are called on it.
    """
    kind = type(value)
    line = type.__getattribute__(kind, "__mro__")
    if not declared or any(base.__name__ in declared for base in line) or _answers_anything(line):
        return None
    if type in line:
        if kind.__name__ not in _METACLASSES:
            return None
        red = bool(called) and not any(_works_on_class(value, name) for name in called)
        return Misfit(f"the class {value.__name__}", "it is a class, and no object", red)
    kept = attributes(value)
    red = bool(called) and not any(name in kept or _of(kind, name) is not _ABSENT for name in called)
    if not _FUNCTIONS.isdisjoint(line):
        return Misfit(f"the function {value.__name__}", "it is a function, and no object of a class", red)
    if kind.__module__ == "builtins":
        return Misfit(f"a value of the type {kind.__name__}", "it is a value, and no object of a class", red)
    return Misfit(kind.__name__, "its class is another one", red=False)


def returned(value: Any, declared: str) -> Misfit | None:
    """Return how what a factory gave differs from the class that it says it gives."""
    found = of(value, (declared,), ())
    line = type.__getattribute__(type(value), "__mro__")
    return found and found._replace(red=not {type, *_FUNCTIONS}.isdisjoint(line))


def is_unmade(kind: type, owner: str, attribute: str) -> bool:
    """Return whether an object that keeps nothing at all should keep an attribute: its constructor did not run.

    Args:
        kind: its class.
        owner: name of the class whose constructor keeps the attribute.
        attribute: what it keeps.
    """
    line = type.__getattribute__(kind, "__mro__")
    constructs = next((base.__name__ for base in line if "__init__" in vars(base)), "")
    return constructs == owner and _of(kind, attribute) is _ABSENT and not _answers_anything(line)


def _answers_anything(line: tuple[type, ...]) -> bool:
    """Return whether a class may answer what it does not have, as that of a proxy does."""
    known = (vars(base) for base in line if base.__module__ != "builtins")
    return any("__getattr__" in names or "__getattribute__" in names for names in known)


def _works_on_class(value: type, name: str) -> bool:
    """Return whether a method can be called on the class itself."""
    found = _of(value, name)
    return found is not _ABSENT and not isinstance(found, types.FunctionType)


def _of(kind: type, name: str) -> Any:
    line = type.__getattribute__(kind, "__mro__")
    return next((vars(base)[name] for base in line if name in vars(base)), _ABSENT)


def attributes(current: Any) -> dict[str, Any]:
    """Return the values an object keeps, by its dictionary and its slots; nothing of the object is run."""
    found: dict[str, Any] = {}
    for name, member in _members(type(current)):
        with contextlib.suppress(AttributeError):
            found.setdefault(name, member.__get__(current))
    with contextlib.suppress(AttributeError, TypeError):
        found.update(object.__getattribute__(current, "__dict__"))
    return found


def _members(kind: type) -> list[tuple[str, Any]]:
    """Return the slots of a class and its bases."""
    if kind not in _MEMBERS:
        _MEMBERS[kind] = [
            (name, member)
            for base in kind.__mro__
            for name, member in vars(base).items()
            if isinstance(member, types.MemberDescriptorType)
        ]
    return _MEMBERS[kind]
