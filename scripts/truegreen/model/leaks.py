"""What tests leave changed in their own process."""

from __future__ import annotations

from typing import Literal

import msgspec

LeakKind = Literal["cwd", "environ", "umask", "locale", "sys.path", "threads"]
"""The current folder, environment variables, the mask of new files, the locale, the import path, threads that go on."""


class Leak(msgspec.Struct, frozen=True, array_like=True):
    """One thing that was another before a test than after it."""

    test: str
    """Node id."""
    kind: LeakKind
    what: str
    """In words, such as `HOME was changed`; of variables the names alone. Hostile, and cut to a limit."""
