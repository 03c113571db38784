"""What is kept of earlier runs: the part of them that gates read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from truegreen.model.coverage import Coverage
from truegreen.model.testrun import Outcome

_Figure = Annotated[float, msgspec.Meta(gt=0)]
BASE_RUNS = 30
"""So many of the newest runs of the default branch say which tests are usual there."""


class PastFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one earlier run that did not simply pass: it failed, or its attempts disagreed."""

    stage: str
    test: str
    attempts: tuple[Outcome, ...]
    """All attempts in order, at least one; the last one decided."""
    fingerprint: str = ""
    """What failed, without what changes from run to run; empty when unknown."""

    @property
    def masked(self) -> bool:
        """True when a rerun hid the failure: the run was not red because of this test."""
        return self.attempts[-1] is Outcome.PASS


class PastStage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of an earlier run."""

    stage: str
    status: str
    duration_s: float = 0.0
    tests: int = 0
    """Tests that ran; skipped ones do not count."""
    infrastructure: str = ""
    """Class of the infrastructure's failure, such as `out-of-memory`; empty when there was none."""


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """One earlier run as the history store keeps it."""

    commit: str
    created: str
    """ISO 8601, UTC."""
    status: str
    duration_s: float = 0.0
    tests: int = 0
    failed: int = 0
    flaky: int = 0
    line_ratio: float | None = None
    run: str = ""
    """Identity of the run and its attempt, as `incident.run_key` gives it."""
    tree: str = ""
    """git's tree of what was tested: the same code has the same tree, whatever its commit is called."""
    environment: str = ""
    """Digest of all that decides a result beside the code: lock, interpreter, platform."""
    branch: str = ""
    base: bool = False
    """True for a run of the default branch, whose results say nothing about an unmerged change."""
    stages: tuple[PastStage, ...] = ()
    failures: tuple[PastFailure, ...] = ()


class PastTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test over the runs that were asked for."""

    runs: int = 0
    failures: int = 0
    """Runs in which it failed at least once, reruns included."""
    durations_s: tuple[float, ...] = ()
    """Of passing first attempts on the default branch, newest first; quantised by the store (about 9 %)."""
    base_runs: int = 0
    """Of the newest `BASE_RUNS` runs of the default branch with this stage, those in which it was not skipped."""


class PastCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Line coverage of one earlier run of the default branch."""

    commit: str
    tree: str = ""
    """git's tree of what was tested; two runs of one tree can only differ by chance."""
    coverage: Coverage = Coverage()
    """Lines alone: branches need not be kept."""


class PastFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What the scanners of one earlier run of the default branch found."""

    commit: str
    findings: dict[str, dict[str, dict[str, int]]] = {}
    """Stage → tool → identity of a finding → how often it was there; a tool that found nothing has an empty entry."""


class PastLoad(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a load test of one earlier run of the default branch, whose stage was green."""

    stage: str
    tool: str
    environment: str
    """Digest of what the run ran in; empty when unknown."""
    rps: _Figure
    p95_ms: _Figure
    endpoints_p95_ms: dict[str, _Figure] = {}
    """Kind of request → its 95th percentile."""


class Said(StrEnum):
    """What people heard of a branch by an earlier run."""

    NOTHING = ""
    """Nothing."""
    UNSURE = "unsure"
    """Nothing, and the run of the commit before was not known."""
    STILL_RED = "still red"
    """Nothing, or that it still is red."""
    RED = "red"
    PARTLY_GREEN = "partly green"
    """Green again but for a stage that was not run."""
    GREEN = "green"


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """Tests of the run that is judged of which the history says in which runs they did not run."""

    tree: str = ""
    """git's tree of what is tested."""
    red: dict[str, frozenset[str]] = {}
    """Stage → tests that ended red; it says it of the runs of this code."""
    watched: dict[str, frozenset[str]] = {}
    """Stage → tests of which it says it of every run, as those in quarantine."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Earlier runs, newest first; empty when no store is configured."""

    runs: tuple[PastRun, ...] = ()
    tests: dict[str, dict[str, PastTest]] = {}
    """Stage → test → what is known; empty when the store was not asked for single tests."""
    gone: dict[str, tuple[str, ...]] = {}
    """Stage → tests that ran in each of the newest `BASE_RUNS` runs of the default branch, and nobody asked for."""
    coverage: tuple[PastCoverage, ...] = ()
    """Of the newest runs of the default branch, newest first; empty when the store keeps none."""
    findings: tuple[PastFindings, ...] = ()
    """Of the newest runs of the default branch in which a scanner ran, newest first."""
    loads: tuple[PastLoad, ...] = ()
    """Of the runs of the default branch, newest first."""
    said: dict[str, Said] = {}
    """Run → what people heard of its branch; without those that did not keep it."""
    absent: dict[str, dict[str, frozenset[str]]] = {}
    """Stage → run → tests that did not run in it: of those that failed in another run of its code, fail now, or were
    watched."""
    damaged: tuple[str, ...] = ()
    """Parts of runs that are not what was written, and were left out: where, and why."""
    unreadable: str = ""
    """Why there are no earlier runs though there may be some; empty when they were read, or when there is no store."""
