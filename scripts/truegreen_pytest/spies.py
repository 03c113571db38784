"""Whether a mock is a spy: one that hands each call to the real thing, and returns what that returned."""

from __future__ import annotations

from types import BuiltinFunctionType, MethodType
from typing import Any


def wraps_original(mock: Any, old: Any) -> bool:
    """Return whether a mock wraps the very thing whose place it took, and answers nothing by itself."""
    wrapped = mock.__dict__.get("_mock_wraps")
    return wrapped is not None and _same(wrapped, old) and calls_real(mock)


def calls_real(mock: Any, effect: Any = None) -> bool:
    """Return whether a call of a mock reaches what it wraps.

    Args:
        mock: the one that is called, which may be an attribute of the one that was put in place.
        effect: the `side_effect` that calls the real thing, as pytest-mock's spies have one; None for others.
    """
    own = mock.__dict__
    if str(own.get("_mock_name") or "").startswith("__"):  # such as `__str__`, which mock makes up for everybody
        return True
    if effect is not None:
        return mock.side_effect is effect
    answers = [own.get("_mock_return_value")]
    if (delegate := own.get("_mock_delegate")) is not None:
        answers.append(getattr(delegate, "return_value", None))
    return own.get("_mock_wraps") is not None and mock.side_effect is None and all(map(_left_open, answers))


def _left_open(answer: Any) -> bool:
    """Return whether a return value was not given: it is `DEFAULT` of whichever copy of mock."""
    return type(answer).__name__ == "_SentinelObject" and answer.name == "DEFAULT"


def _same(one: Any, two: Any) -> bool:
    """Return whether two things are the same function, however they are bound, or else the same object."""
    one, two = _unbound(one), _unbound(two)
    return one is two or (type(one) is type(two) is BuiltinFunctionType and bool(one == two))


def _unbound(thing: Any) -> Any:
    return thing.__func__ if type(thing) in (MethodType, staticmethod, classmethod) else thing
