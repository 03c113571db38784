"""What people heard of a branch by a run, in the form in which the history keeps it."""

from __future__ import annotations

from truegreen.model.history import Said

PART = "said"
"""Name of the part of a run that holds it."""


def packed(said: Said) -> bytes:
    """Return it as bytes."""
    return said.value.encode()


def unpacked(data: bytes) -> Said:
    """Return what `packed` was given.

    Raises:
        ValueError: it is something else.
    """
    return Said(data.decode())
