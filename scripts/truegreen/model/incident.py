"""An incident: an open failure on a branch."""

from __future__ import annotations

import msgspec


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered about a branch between two runs."""

    key: str
    """Repository and branch."""
    open: bool = False
    opened_at: str = ""
    """ISO 8601, UTC: when the first red report was made."""
    opened_commit: str = ""
    """First bad commit."""
    stages: tuple[str, ...] = ()
    """Red stages of the newest report."""
    red_runs: int = 0
    """Consecutive red runs."""
    updated_at: str = ""
    """When the newest report that counted was made."""
    last_run: str = ""
    """Identity of that run, so that telling it twice changes nothing."""
