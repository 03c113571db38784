"""The contract of a history store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from truegreen.model.history import History
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report


class Store(Protocol):
    """Keeps results of earlier runs."""

    name: ClassVar[str]

    def append(self, report: Report) -> None:
        """Add a run; adding the same run and attempt again replaces it."""
        ...

    def history(self, limit: int = 100) -> History:
        """Return the newest runs first."""
        ...

    def incident(self, key: str) -> Incident | None:
        """Return what is remembered about a branch, or None."""
        ...

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; called after the receipts, never before."""
        ...
