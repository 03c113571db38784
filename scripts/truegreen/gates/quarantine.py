"""Gate: quarantine is small, owned and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis import this_run
from truegreen.analysis.flakiness import observe
from truegreen.gates.base import RUN, BaseGate, GateOptions, count, some
from truegreen.model.testrun import Outcome
from truegreen.model.verdict import Fact, Item, Verdict

if TYPE_CHECKING:
    from datetime import date

    from truegreen.analysis.flakiness import Unit
    from truegreen.model.changes import Changes
    from truegreen.model.history import History
    from truegreen.model.quarantine import Quarantined
    from truegreen.model.run import RunEvidence
    from truegreen.model.testrun import TestCase

CLEAN_RUNS = 299
"""Runs without a failure that show a rate below 1 %, with one look at 95 %: the least n with 0.99^n <= 0.05."""


class QuarantineOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.quarantine]`."""

    max_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 30
    """Longest term in days; a row may be renewed once. A longer one is an error of configuration."""
    max_tests: Annotated[int, msgspec.Meta(ge=0)] = 5
    """So many tests may always be in quarantine."""
    max_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """In a larger suite, so large a share of all tests (0 to 1) may be."""


class Quarantine(BaseGate):
    """Every row of `truegreen-quarantine.toml` is in force, and there are few; all of them are shown, every time.

    **Proves** that known flaky tests are owned and few: a row that has expired is red until it is taken out, and its
    test counts again; more rows than the cap (the larger of `max-tests` and `max-ratio` of all tests) are red.

    A row names one test (`test`, without parameters for all of them), `owner`, `issue`, `reason`, `created`,
    `expires` at most `max-days` later, and after one renewal the day `renewed`. Its test still runs, and still
    **fails when every attempt fails**: quarantine hides that a test is not deterministic, never that the code is
    broken. So it needs reruns (`reruns` of the stage); without them a failure stays a failure. What quarantine takes
    away is that the test counts in `flakiness` and `flakiness-history`.

    Out of quarantine leads evidence, not time: the report counts the clean runs of each test, those in which it ran,
    and says when there are 299 in a row. Rows whose test is not among the tests of this run are told, and so is which
    rows this very change wrote.

    **Blind when** nobody said which day it is. **Not judged** where there is no row.

    **Options**: `max-days` (default 30), `max-tests` (default 5), `max-ratio` (default 0.01).

    Example:
        [tool.truegreen.gates.quarantine]
        max-tests = 2
    """

    id: ClassVar[str] = "quarantine"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[GateOptions]] = QuarantineOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: QuarantineOptions) -> bool:  # noqa: ARG002
        """Return whether there is a row."""
        return bool(evidence.quarantine)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: QuarantineOptions, history: History) -> Verdict:
        """Judge the rows."""
        if not evidence.quarantine:
            return self.not_judged(stage, "no test is in quarantine")
        today = evidence.today
        if today is None:
            return self.blind(stage, "nobody said which day it is", remedy="judge with `truegreen gate`")
        held = [row for row in evidence.quarantine if row.in_force(today)]
        expired = [row for row in evidence.quarantine if row.expires < today]
        cap = _cap(evidence, policy, history)
        facts = [
            Fact(label="in quarantine", value=f"{len(held):,}", wanted=f"at most {cap:,}"),
            Fact(label="expired", value=f"{len(expired):,}", wanted="0"),
        ]
        if mine := [row for row in evidence.quarantine if _changed(row, evidence.changes)]:
            facts.append(Fact(label="written or changed by this change", value=f"{len(mine):,}"))
        patients = _Patients(evidence, history)
        items = tuple(_item(row, today, patients) for row in sorted(evidence.quarantine, key=lambda row: row.expires))
        if expired:
            names = some([f"{row.test} expired on {row.expires}" for row in expired])
            remedy = "mend the test and take its row out; a row can be renewed once, within its first term"
            return self.failed(stage, f"quarantine is over: {names}", remedy=remedy, facts=tuple(facts), items=items)
        if len(held) > cap:
            reason = f"{count(len(held), 'test')} in quarantine, at most {cap:,} may be"
            remedy = "mend some of them, the oldest first"
            return self.failed(stage, reason, remedy=remedy, facts=tuple(facts), items=items)
        return self.passed(stage, f"{count(len(held), 'test')} in quarantine", facts=tuple(facts), items=items)


def _cap(evidence: RunEvidence, policy: QuarantineOptions, history: History) -> int:
    """Return how many rows may be in force; a run of one stage does not shrink it."""
    tests = sum(len(stage.tests.cases) for stage in evidence.stages if stage.tests)
    tests = max([tests, *(run.tests for run in history.runs)])
    return max(policy.max_tests, int(policy.max_ratio * tests))


def _changed(row: Quarantined, changes: Changes | None) -> bool:
    """Return whether the change that is judged wrote the row: nobody puts a test aside unseen."""
    mine = [f for f in changes.files if f.path == row.file or f.path.endswith(f"/{row.file}")] if changes else []
    lines = range(row.line, row.last_line + 1)
    return any(file.added or any(line in file.lines for line in lines) for file in mine)


class _Patients:
    """What became of the tests in quarantine, in this run and before."""

    def __init__(self, evidence: RunEvidence, history: History) -> None:
        self._evidence = evidence
        self._history = history
        self._units: dict[str, tuple[Unit, ...]] = {}

    def told(self, row: Quarantined) -> str:
        """Return what this run says of a test, and how far it is from its release."""
        found = [
            (stage.stage, case)
            for stage in self._evidence.stages
            for case in (stage.tests.cases if stage.tests else ())
            if row.covers(case.id)
        ]
        if not found:
            return "not among the tests of this run: renamed, deleted, or of a stage that did not run"
        if all(case.outcome is Outcome.SKIP for _, case in found):
            return "skipped, which says nothing about it"
        clean = min(self._clean_runs(row, stage) for stage in dict.fromkeys(stage for stage, _ in found))
        release = "ready to be released: take the row out" if clean >= CLEAN_RUNS else f"{CLEAN_RUNS} release it"
        return f"{_outcome([case for _, case in found])}; {count(clean, 'clean run')} in a row, {release}"

    def _clean_runs(self, row: Quarantined, stage: str) -> int:
        """Return the newest runs of a stage in which the test ran and never failed."""
        tests = self._evidence.of(stage).tests
        ran = {test for test in (tests.ids() if tests else ()) if row.covers(test)}
        absent = self._history.absent.get(stage, {})
        if stage not in self._units:
            now = this_run.of_stage(self._evidence, stage)
            past = [run for run in self._history.runs if not now.run or run.run != now.run]
            self._units[stage] = observe([*past, now], stage).units
        number = 0
        for unit in reversed(self._units[stage]):
            if any(row.covers(test) for test in (*unit.failed, *unit.disagreed)):
                break
            number += not ran <= absent.get(unit.run, frozenset())
        return number


def _outcome(cases: list[TestCase]) -> str:
    bad = [case for case in cases if case.outcome in (Outcome.FAIL, Outcome.ERROR)]
    if bad:
        again = any(len(case.attempts) > 1 for case in bad)
        return "failed in every attempt" if again else "failed, and was not run again: set `reruns` of its stage"
    if any(case.flaky for case in cases):
        return "failed, and passed when run again"
    return "passed"


def _item(row: Quarantined, today: date, patients: _Patients) -> Item:
    left = (row.expires - today).days
    term = f"until {row.expires} ({count(left, 'day')} left)" if left >= 0 else f"expired on {row.expires}"
    if row.created > today:
        term = f"not in force before {row.created}"
    message = f"{patients.told(row)}; {term}; {row.reason}; owner {row.owner}, {row.issue}"
    return Item(title=row.test, message=message, path=row.file, line=row.line, level="error" if left < 0 else "notice")
