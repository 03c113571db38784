"""Processes of a stack that outlived a run which was killed with `kill -9`: swept by the next stack."""

from __future__ import annotations

from typing import ClassVar

from truegreen.runtime import lifetime


class Ledger(lifetime.Ledger):
    """The note of one stack; `sweep` reads those of runs that are dead."""

    KIND: ClassVar[str] = "stacks"
