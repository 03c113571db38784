"""Test results, independent of the dialect they were written in."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What became of one attempt at one test."""

    PASS = "pass"  # noqa: S105 - an outcome, not a secret
    FAIL = "fail"
    ERROR = "error"
    """Set-up, teardown or collection failed; never counted as a pass."""
    SKIP = "skip"


class TestCase(msgspec.Struct, frozen=True, kw_only=True):
    """One test, with every attempt that was made at it."""

    __test__ = False  # a record, not something pytest should collect

    id: str
    """pytest's node id where known, else `classname::name`."""
    outcome: Outcome
    """Of the last attempt."""
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
        return Outcome.PASS in self.attempts and any(a in (Outcome.FAIL, Outcome.ERROR) for a in self.attempts)


class TestRun(msgspec.Struct, frozen=True, kw_only=True):
    """All cases of one stage, merged over shards."""

    __test__ = False

    cases: tuple[TestCase, ...] = ()

    def count(self, *outcomes: Outcome) -> int:
        """Return the number of cases with one of the outcomes (all when none is given)."""
        return sum(1 for case in self.cases if not outcomes or case.outcome in outcomes)


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
    recorder_problem: str = ""
    """Why the plugin lost the recorder of persistence evidence."""
    finished: bool = False
    python: str = ""
    pytest: str = ""
    order: str = ""
    """`as-written`, `random`, or the plugin of the project that shuffled: `pytest-randomly`, `pytest-random-order`."""
    seed: str = ""
    """Seed of a random order."""
    hash_seed: str = ""
    """`PYTHONHASHSEED` as pytest had it; empty means that Python drew one which nobody can read."""
