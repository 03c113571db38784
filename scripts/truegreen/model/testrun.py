"""Test results, independent of the dialect they were written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.leaks import Leak
from truegreen.model.mocks import Allowance, Replacement

if TYPE_CHECKING:
    from truegreen.model.case_table import CaseTable


class Outcome(StrEnum):
    """What became of one attempt at one test."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    ERROR = "error"
    """Set-up, teardown or collection failed; never counted as a pass."""
    SKIP = "skip"


BAD = (Outcome.FAIL, Outcome.ERROR)
"""What turns a test red."""


class TestCase(msgspec.Struct, frozen=True, kw_only=True):
    """One test, with every attempt that was made at it."""

    __test__ = False  # a record, not something pytest should collect

    id: str
    """pytest's node id where known, else `classname::name`."""
    outcome: Outcome
    """Of the last attempt, unless that is a skip and the one before it failed."""
    duration_s: float = 0.0
    file: str = ""
    line: int = 0
    """1-based; 0 when unknown."""
    message: str = ""
    detail: str = ""
    """Traceback or captured text; hostile, and cut to a limit on reading."""
    attempts: tuple[Outcome, ...] = ()
    """All attempts in order; empty means exactly one."""

    @property
    def flaky(self) -> bool:
        """True when attempts in this run disagree."""
        return Outcome.PASS in self.attempts and any(outcome in BAD for outcome in self.attempts)

    @property
    def failed_once(self) -> bool:
        """True when the last or an earlier attempt failed or ended with an error."""
        return any(outcome in BAD for outcome in (self.outcome, *self.attempts))


class TestRun(msgspec.Struct, frozen=True, kw_only=True):
    """All cases of one stage, merged over shards.

    What scans for a few cases among very many asks `bad`, `records`, `slowest` or `ids`, which make no record of
    each test that passed.
    """

    __test__ = False

    cases: Sequence[TestCase] = ()
    """A tuple, or a `CaseTable` where there may be very many."""

    def count(self, *outcomes: Outcome) -> int:
        """Return the number of cases with one of the outcomes (all when none is given)."""
        return sum(map(self.table().count, outcomes)) if outcomes else len(self.cases)

    def bad(self) -> tuple[TestCase, ...]:
        """Return the cases that failed or ended with an error."""
        return tuple(case for case in self.records() if case.outcome in BAD)

    def records(self) -> tuple[TestCase, ...]:
        """Return the cases that did not simply pass: failed, skipped, run more than once, or with a message."""
        return tuple(self.table().records())

    def slowest(self, number: int, above_s: float = 0.0) -> tuple[TestCase, ...]:
        """Return the slowest cases that ran and took longer than some seconds, slowest first."""
        return tuple(self.table().slowest(number, above_s))

    def slower(self, above_s: float) -> Iterator[tuple[str, float]]:
        """Yield id and seconds of each case that passed and took longer than some seconds, in no particular order."""
        return self.table().slower(above_s)

    def count_slower(self, above_s: float) -> int:
        """Return how many cases ran and took longer than some seconds."""
        return self.table().count_slower(above_s)

    def total_s(self) -> float:
        """Return the sum of the seconds that all cases took."""
        return self.table().total_s()

    def ids(self) -> Iterator[str]:
        """Yield the id of each case, in no particular order."""
        return self.table().ids()

    def table(self) -> CaseTable:
        """Return the cases as a table."""
        from truegreen.model.case_table import CaseTable  # noqa: PLC0415 - the table is made of this module's records

        return CaseTable.of(self.cases)


class TestSession(msgspec.Struct, frozen=True, kw_only=True):
    """What the plugin saw from inside pytest; checked against the JUnit file."""

    __test__ = False

    exit_code: int | None = None
    """pytest's own; None when the session never came to its end."""
    collected: int = 0
    """Before deselection."""
    selected: int = 0
    deselected: int = 0
    collection_errors: int = 0
    skipped_collections: tuple[str, ...] = ()
    """Node ids of modules and classes that were skipped as a whole while they were collected."""
    ids: tuple[str, ...] = ()
    """Node ids selected to run."""
    failed: tuple[str, ...] = ()
    """Node ids with a failure in any phase."""
    reruns: dict[str, int] = {}
    """How often a plugin repeated a test inside the session, by node id."""
    left_out: int = 0
    """Tests of the stage that something else than its marker deselected."""
    asked: tuple[str, ...] = ()
    """Arguments after `--` that left tests out."""
    unasked: tuple[str, ...] = ()
    """What left tests out and stands neither after `--` nor in the project: pytest's memory, `PYTEST_ADDOPTS`."""
    standing: tuple[str, ...] = ()
    """Arguments of the stage or the project that left tests out; they are part of what the stage is."""
    ci: bool = False
    """True when the environment variable `CI` was set."""
    requirements: dict[str, tuple[str, ...]] = {}
    """Requirement → node ids of the tests that name it, those that were left out included."""
    claims: dict[str, tuple[str, ...]] | None = None
    """Other stage → node ids of the tests that its marker wants; None where the stage was not told the markers."""
    unclaimed: tuple[str, ...] = ()
    """Node ids of tests that neither this stage nor another wants."""
    unknown_marks: dict[str, str] = {}
    """Mark that nobody registered → the first test that has it."""
    marked: dict[str, tuple[str, ...]] = {}
    """Mark that a limit is set for → node ids of the tests that have it; a mark nobody asked for has no entry."""
    uncalled: int = 0
    """Tests that were set up and never called, as with `--setup-plan`."""
    recorder_problem: str = ""
    """Why the plugin lost the recorder of persistence evidence."""
    watched: int | None = None
    """Tests in which the plugin watched what was replaced; None where it did not watch at all."""
    watch_problem: str = ""
    """Why not everything that was replaced could be noted."""
    replaced: tuple[Replacement, ...] = ()
    """What was replaced while tests ran."""
    allowances: tuple[Allowance, ...] = ()
    """What `allow_mocks` markers of the tests that ran say."""
    leaks_watched: int | None = None
    """Tests after which the plugin looked at what they left; None where it did not look."""
    leaks: tuple[Leak, ...] = ()
    """What tests left changed in their process."""
    leaks_lost: int = 0
    """How many more there were than are kept."""
    finished: bool = False
    python: str = ""
    pytest: str = ""
    order: str = ""
    """`as-written`, `random`, or the plugin of the project that shuffled: `pytest-randomly`, `pytest-random-order`."""
    seed: str = ""
    """Seed of a random order."""
    hash_seed: str = ""
    """`PYTHONHASHSEED` as pytest had it; empty means that Python drew one which nobody can read."""
