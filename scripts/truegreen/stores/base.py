"""The contract of a history store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from pathlib import Path

    from truegreen.errors import StoreDamaged
    from truegreen.model.history import Followed, History
    from truegreen.model.incident import Incident
    from truegreen.model.results import RunResults, TestSummary


class Store(Protocol):
    """Keeps results of earlier runs, each under the identity of the run and its attempt.

    Every method raises StoreError when the store cannot be used, and StoreDamaged when it holds something that
    truegreen did not write; neither changes anything.
    """

    name: ClassVar[str]

    @property
    def place(self) -> str:
        """Where it lies, as it may be shown: without user and password."""
        ...

    def damaged(self, why: str) -> StoreDamaged:
        """Return the explanation of content that is not what was written, with the remedy."""
        ...

    def append(self, results: RunResults) -> None:
        """Add a run; adding the same run and attempt again replaces it."""
        ...

    def merge(self, runs: Iterable[RunResults], incidents: Iterable[Incident] = ()) -> int:
        """Take in what another store holds and return how many runs were new or newer.

        Of two runs with one identity the one made last is kept, so that it does not matter which of several stores
        takes in which, how often, or in what order.
        """
        ...

    def history(
        self,
        limit: int = 100,
        tests: Mapping[str, Container[str]] | None = None,
        environment: str | None = None,
        followed: Followed | None = None,
    ) -> History:
        """Return the newest runs first, and for the tests asked for (stage → names) what is known of each.

        Their durations are those of runs in one environment, where one is named. Of tests that
        are red now, and of those that were in a run of some code, it says in which runs of that code they did not run.
        """
        ...

    def runs(self, known: Mapping[str, bytes] | None = None) -> Iterator[RunResults]:
        """Yield every run with all its results, oldest first; those with a known digest are left out."""
        ...

    def digests(self) -> dict[str, bytes]:
        """Return run → digest of its content."""
        ...

    def summaries(self, since: str = "") -> list[TestSummary]:
        """Return what is known of every test over the runs made at or after a moment (ISO 8601, UTC)."""
        ...

    def prune(self, keep_runs: int, oldest: str = "") -> int:
        """Forget all but the newest runs, and those made before a moment; return how many were forgotten."""
        ...

    def compact(self) -> None:
        """Give the space of what was forgotten back."""
        ...

    def copy(self, target: Path) -> None:
        """Write what the store holds to a new SQLite file, while others may write on."""
        ...

    def check(self) -> list[str]:
        """Return what is wrong with the content, nothing when all is as it was written."""
        ...

    def incident(self, key: str) -> Incident | None:
        """Return what is remembered about a branch, or None."""
        ...

    def incidents(self) -> list[Incident]:
        """Return what is remembered about all branches."""
        ...

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; called after the receipts, never before."""
        ...
