"""Waivers: dated, approved exceptions from a gate, and what each of them covered in a run."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the waiver file: from `issued` to `expires`, both days included, one gate of one stage is waived."""

    gate: str
    stage: str
    """Stage by name; `run` for gates over the whole run."""
    reason: str
    author: str
    approver: str
    """Somebody else than the author."""
    issued: date
    expires: date
    owner: str = ""
    """Who sees to it that the waiver is no longer needed; empty means the author."""
    items: tuple[str, ...] = ()
    """Patterns of what is waived (test ids, paths, rules, fingerprints); none means the whole gate."""
    file: str = ""
    line: int = 0
    """1-based line of the row's head; 0 when unknown."""
    last_line: int = 0

    @property
    def title(self) -> str:
        """How reports call it."""
        return f"{self.gate} in {self.stage}" + (f": {', '.join(self.items)}" if self.items else "")

    def in_force(self, today: date | None) -> bool:
        """Return whether the waiver counts on a day; without a day none does."""
        return today is not None and self.issued <= today <= self.expires


class Use(StrEnum):
    """What became of a waiver in a run."""

    COVERS = "covers"
    """A red verdict is waived by it."""
    SHORT = "short"
    """The verdict is red also without what the waiver takes out."""
    NEEDLESS = "needless"
    """The gate passes without it."""
    NOT_ASKED = "not asked"
    """The gate gave no full answer about the stage in this run."""


class WaiverUse(msgspec.Struct, frozen=True, kw_only=True):
    """A waiver and its use."""

    waiver: Waiver
    use: Use = Use.NOT_ASKED
    covers: str = ""
    """The reason of the verdict that is waived by it."""
    needless: tuple[str, ...] = ()
    """Patterns without which the verdict would be waived as well."""
