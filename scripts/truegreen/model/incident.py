"""An incident: an open failure on a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from truegreen.model.verdict import Provenance


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered about a branch between two runs."""

    key: str
    """Repository, branch and project."""
    open: bool = False
    opened_at: str = ""
    """ISO 8601, UTC: when the first red report was made."""
    opened_commit: str = ""
    """First bad commit."""
    stages: tuple[str, ...] = ()
    """Red stages: as the newest run that judged each of them left it."""
    red_runs: int = 0
    """Consecutive red runs."""
    updated_at: str = ""
    """When the newest report that counted was made."""
    last_run: str = ""
    """Identity of the newest run, so that telling it twice changes nothing."""
    judged: dict[str, str] = {}
    """Stage → the newest run that judged it."""


def run_key(origin: Provenance) -> str:
    """Return the identity of a run: the CI's number and attempt, else commit and time of the report."""
    if origin.run_id:
        return f"{origin.run_id.partition('.')[0]}.{origin.run_attempt}"
    return f"{origin.commit}@{origin.created}"
