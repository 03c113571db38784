"""What the marker `persists` says that a test must commit."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from truegreen_pytest.places import begins

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

_WORDS = ("object", "store", "kind", "at_least", "at_most", "exactly", "reads")
_NUMBERS = ("at_least", "at_most", "exactly")
_TEXTS = ("object", "store", "kind")

_SHOWN = 100
"""Characters of a value in a message."""


def demands(item: pytest.Item) -> list[dict[str, Any]]:
    """Return what a test must commit, one demand a marker; any one change where it has none."""
    found = [_demand(mark) for mark in item.iter_markers("persists")]
    # The recorder refuses what is wrong, and a store that it does not know, and says where.
    return [{**one, "place": begins(item)} if one.get("problem") or one["store"] else one for one in found] or [
        _DEFAULT
    ]


def problems(items: Iterable[pytest.Item], observed: dict[str, Any]) -> list[str]:
    """Return why markers cannot be meant as they are written, one sentence each, with place and test.

    Args:
        items: the tests.
        observed: the recorder's answer to `start`: the stores with the kinds of their changes, and those that count.
    """
    found: list[str] = []
    for item in items:
        wanted = [_demand(mark) for mark in item.iter_markers("persists")]
        wrong = [why for one in wanted if (why := one.get("problem") or _unknown(one, observed))]
        asked = [one for one in wanted if not one["reads"]]
        if not wrong and asked and not any(one["at_least"] for one in asked):
            wrong = ["allows nothing and demands nothing: say with another marker what the test commits, or reads=True"]
        found += [f"{begins(item)}: persists() of {item.nodeid} {why}" for why in wrong]
    return found


_DEFAULT: dict[str, Any] = {"object": "", "store": "", "kind": "", "at_least": 1, "at_most": None, "reads": False}


def _demand(mark: pytest.Mark) -> dict[str, Any]:
    """Return the demand of one marker; one that cannot be meant has a `problem`, and the recorder refuses it."""
    given = dict(mark.kwargs)
    if mark.args:
        given.setdefault("object", mark.args[0])
    problem = _problem(given, mark.args)
    values = {**_DEFAULT, **{key: value for key, value in given.items() if key in _DEFAULT}}
    if problem:
        return {**values, "at_least": 1, "at_most": None, "problem": problem}
    if "exactly" in given:
        values["at_least"] = values["at_most"] = given["exactly"]
    elif given.get("at_most") == 0:
        values["at_least"] = 0
    return values


def _problem(given: dict[str, Any], words: tuple[Any, ...]) -> str:
    """Return why a marker cannot be meant as it is written; a misspelt demand would demand nothing."""
    if unknown := [*(key for key in given if key not in _WORDS), *(str(value) for value in words[1:])]:
        return f"does not know {', '.join(map(repr, unknown))}; it takes one object and {', '.join(_WORDS[1:])}"
    for name in (name for name in _TEXTS if not isinstance(given.get(name, ""), str)):
        hint = ", the name of a table, key or stream" if name == "object" else ""
        return f"takes a text as {name}{hint}, not {_shown(given[name])}"
    if not isinstance(given.get("reads", False), bool):
        return f"takes True or False as reads, not {_shown(given['reads'])}"
    return _wrong({name: given[name] for name in _NUMBERS if name in given}, reads=bool(given.get("reads")))


def _unknown(demand: dict[str, Any], observed: dict[str, Any]) -> str:
    """Return why no store can ever meet a demand."""
    stores: dict[str, list[str]] = observed.get("stores") or {}
    store, kind = demand["store"], demand["kind"]
    if not stores:
        return ""
    if store and store not in stores:
        return f"names store {store!r}; observed: {', '.join(stores)}{_near(store, stores)}"
    asked = demand["object"].partition(":")[0]
    names = [store] if store else [name for name in stores if name in observed["counting"] or name == asked]
    known = dict.fromkeys(one for name in names for one in stores.get(name, ()))
    if not kind or kind in known or not all(stores.get(name) for name in names):
        return ""
    return f"names kind {kind!r}, which {' and '.join(names)} never has; known: {', '.join(known)}{_near(kind, known)}"


def _near(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word.lower(), known, 1)
    return f"; write {found[0]!r}" if found else ""


def _wrong(numbers: dict[str, Any], *, reads: bool) -> str:
    for name, number in numbers.items():
        lowest = 1 if name == "at_least" else 0
        if type(number) is not int or number < lowest:
            other = "; a test that only reads says reads=True" if name == "at_least" and number == 0 else ""
            return f"takes a whole number from {lowest} on as {name}, not {_shown(number)}{other}"
    if reads and numbers:
        return f"takes no {' or '.join(numbers)} beside reads=True, which demands nothing"
    if "exactly" in numbers and len(numbers) > 1:
        return "takes either exactly, or at_least and at_most"
    if numbers.get("at_least", 0) > numbers.get("at_most", numbers.get("at_least", 0)):
        return f"can never be met: at_least={numbers['at_least']} is more than at_most={numbers['at_most']}"
    return ""


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
