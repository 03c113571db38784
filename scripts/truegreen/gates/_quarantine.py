"""Which tests of a run are in quarantine; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.history import History
    from truegreen.model.quarantine import Quarantined
    from truegreen.model.run import RunEvidence


class Ward:
    """The rows that are in force on the day of the run."""

    def __init__(self, evidence: RunEvidence) -> None:
        self.rows = tuple(row for row in evidence.quarantine if row.in_force(evidence.today))
        self._known: dict[str, Quarantined | None] = {}

    def row_of(self, test: str) -> Quarantined | None:
        """Return the row that holds a test, or None."""
        if not self.rows:
            return None
        if test not in self._known:
            self._known[test] = next((row for row in self.rows if row.covers(test)), None)
        return self._known[test]

    def among(self, tests: Iterable[str]) -> frozenset[str]:
        """Return those of some tests that are in quarantine."""
        return frozenset(test for test in tests if self.row_of(test)) if self.rows else frozenset()

    def in_history(self, history: History, stage: str) -> frozenset[str]:
        """Return the tests in quarantine that ever failed in a stage."""
        return self.among(one.test for run in history.runs for one in run.failures if one.stage == stage)
