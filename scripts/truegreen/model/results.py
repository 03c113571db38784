"""The results of one run, as a history store takes and gives them."""

from __future__ import annotations

import msgspec

from truegreen.model.history import PastRun
from truegreen.model.testrun import Outcome


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one stage in one run."""

    __test__ = False  # a record, not something pytest should collect

    test: str
    attempts: tuple[Outcome, ...]
    """All attempts in order, at least one; the last one decided."""
    duration_s: float = 0.0
    """Of the last attempt; a store keeps it in steps of 9 %."""
    fingerprint: str = ""
    """What failed, without what changes from run to run; empty when unknown."""

    @property
    def failed(self) -> bool:
        """True when an attempt failed, whatever became of the test in the end."""
        return Outcome.FAIL in self.attempts or Outcome.ERROR in self.attempts

    @property
    def ran(self) -> bool:
        """True when an attempt was more than a skip."""
        return any(attempt is not Outcome.SKIP for attempt in self.attempts)


class RunResults(msgspec.Struct, frozen=True, kw_only=True):
    """One run with each of its tests; what `truegreen history export` writes, one a line."""

    run: PastRun
    """Without its failures: they follow from the results."""
    results: dict[str, tuple[TestResult, ...]] = {}
    """Stage → its tests; a stage without tests has no entry."""
    parts: dict[str, bytes] = {}
    """Name → other data of the run that a gate compares with, such as what was covered."""
    repository: str = ""
    ref: str = ""
    event: str = ""
    run_url: str = ""


class TestSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one test over the runs that were asked for."""

    __test__ = False

    stage: str
    test: str
    runs: int
    """Runs in which it was more than skipped."""
    failures: int = 0
    """Runs in which an attempt failed."""
    masked: int = 0
    """Of these, runs in which a rerun passed."""
    disagreements: int = 0
    """Trees in one environment on which it failed in one run, or at one attempt, and passed at another."""
    last_failed: str = ""
    """When the newest run in which it failed was made; ISO 8601, UTC."""
