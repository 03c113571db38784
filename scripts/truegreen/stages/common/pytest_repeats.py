"""Running the new tests of a change again and again, within a budget of time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import new_tests
from truegreen.errors import ToolFailed
from truegreen.model.changes import Changes
from truegreen.runtime import files
from truegreen.stages.common import pytest_order
from truegreen.stages.common.pytest_process import tool

if TYPE_CHECKING:
    from truegreen.model.evidence import ToolRun
    from truegreen.runtime.process import Completed
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.pytest_process import Pytest, Session

_CHANGED = "changed-files.json"
USAGE = 4
"""pytest's exit code when an argument names nothing."""
_SHOWN = 3


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The change that a stage runs for."""

    root: Path
    """The project's folder, without links; paths of the change begin here."""
    changes: Changes = Changes(base="")
    unknown: str = ""
    """Why it cannot be known."""

    def of(self, session: Session) -> tuple[str, ...]:
        """Return the session's tests that are new or changed."""
        places = (
            new_tests.Place(id=test, path=Path(path).relative_to(self.root).as_posix(), first=first, last=last)
            for test, path, first, last, _ in session.places
            if Path(path).is_relative_to(self.root)
        )
        return new_tests.of_change(places, self.changes)


def change(context: StageContext) -> Change | None:
    """Return the change whose new tests run again; None without a budget, or where nothing is changed."""
    if context.options.new_tests_s <= 0 or context.changes is None:
        return None
    changes, unknown = context.changes()
    if not unknown and (changes is None or not changes.files):
        return None
    return Change(root=Path(os.path.realpath(context.root)), changes=changes or Changes(base=""), unknown=unknown)


def watching(context: StageContext, change: Change | None) -> dict[str, str]:
    """Return the variable by which the plugin notes where the tests of changed files stand."""
    if change is None:
        return {}
    changed = [str(change.root / file.path) for file in change.changes.files if not file.deleted]
    path = context.out / _CHANGED
    files.write_atomic(path, msgspec.json.encode(changed))
    return {"TRUEGREEN_CHANGED": str(path)}


class Repeats:
    """The repeats of one stage: what ran, and what it says.

    Each runs all new tests that still agree with themselves, in a fresh process, in another random order and with
    another seed of hashes. Their results are files like those of reruns, so that each repeat is a further attempt.
    A test that disagrees is not run again: its last attempt is the failure, which no later one takes away.
    """

    def __init__(self, pytest: Pytest, first: Completed, session: Session, reruns: int) -> None:
        self._pytest = pytest
        self._first = first
        self._session = session
        self._reruns = reruns
        self._budget_s = float(pytest.context.options.new_tests_s)
        self._begun = pytest.context.clock.monotonic()
        self._seed = int(session.seed) if session.seed.isdecimal() else pytest_order.draw()
        self._runs = 1
        self._stopped = ""
        self.tools: list[ToolRun] = []
        self.notes: list[str] = []

    def run(self, change: Change) -> None:
        """Repeat until the budget is used, enough runs are made, or no new test agrees with itself any more.

        Raises:
            ToolFailed: a repeat did not run its tests to their end, so that nobody knows what became of them.
            TimedOut: a repeat hangs.
        """
        if change.unknown:
            self.notes.append(f"new tests cannot be told from old ones, so none ran again: {change.unknown}")
            return
        new = change.of(self._session)
        odd = self._session.bad | set(self._session.skipped_tests)
        tests = [test for test in new if test not in odd]
        if not tests:
            return
        seconds = sum(row[4] for row in self._session.places if row[0] in tests)
        while tests and self._runs < new_tests.ENOUGH_RUNS and not self._stopped:
            if self._spent_s() + seconds > self._budget_s:
                break
            done, session = self._repeat(tests)
            seconds = done.duration_s
            if session is not None:
                self._runs += 1
                tests = self._agreeing(tests, session)
        self._tell(tests, seconds)

    def _spent_s(self) -> float:
        return self._pytest.context.clock.monotonic() - self._begun

    def _repeat(self, tests: list[str]) -> tuple[Completed, Session | None]:
        """Run the tests once more; the session is None where their names mean nothing to another process."""
        number = self._reruns + self._runs
        paths = {row[0]: row[1] for row in self._session.places}
        modules = sorted({os.path.relpath(paths[test], self._pytest.context.root) for test in tests})
        name = f"-rerun-{number}"
        seeds = self._pytest.seeded((self._seed + self._runs) % pytest_order.SEEDS)
        only = self._pytest.only(tests, name=f"only{name}.json")
        # Nothing may end a repeat early: what did not run would look as if it had agreed.
        words = [*self._pytest.again(self._session), *modules, "--maxfail=0"]
        # A threshold of the project's is for all tests, not for these few.
        words += ["--cov-fail-under=0"] if "pytest_cov" in self._pytest.present else []
        limit_s = min(float(self._pytest.context.options.timeout_s), self._budget_s + self._first.duration_s)
        self._pytest.context.console.line(f"running {len(tests)} new test(s) again, run {self._runs + 1}")
        done = self._pytest.run(words, suffix=name, env={**seeds, **only}, limit_s=limit_s)
        self.tools.append(tool(done, f"pytest rerun {number} (new tests)"))
        session = self._pytest.session(name)
        if done.exit_code == USAGE:
            self._stopped = "pytest refused to run them again"
            self._forget(name)
            return done, None
        if session is not None and session.finished and set(session.ids) < set(tests) and not session.collection_errors:
            self._stopped = f"pytest selected {len(session.ids)} of them again"
            self._forget(name)
            return done, None
        strange = session is None or not session.whole or session.exit_code != done.exit_code
        if session is None or strange or bool(session.failed) is not bool(done.exit_code):
            raise ToolFailed(
                f"run {self._runs + 1} of the new tests did not end as it should",
                where=str(self._pytest.context.out / "pytest.log"),
                why=f"pytest ended with {done.exit_code}; in the run before the same tests passed",
                fix=f"look for what differs between two runs: {', '.join(tests[:_SHOWN])}",
            )
        return done, session

    def _forget(self, name: str) -> None:
        """Take the results of a repeat away that does not count, unless they say that something failed."""
        session = self._pytest.session(name)
        if session is None or not session.bad:
            (self._pytest.context.out / f"junit{name}.xml").unlink(missing_ok=True)

    def _agreeing(self, tests: list[str], session: Session) -> list[str]:
        """Return the tests that passed once more."""
        if bad := [test for test in tests if test in session.bad]:
            named = ", ".join(bad[:_SHOWN])
            self.notes.append(
                f"new tests: {len(bad)} passed before and failed in run {self._runs} "
                f"(seed {session.seed}), so flaky: {named}"
            )
        if skipped := [test for test in tests if test in session.skipped_tests and test not in bad]:
            self.notes.append(f"new tests: {len(skipped)} passed before and were skipped in run {self._runs}")
        return [test for test in tests if test not in bad and test not in skipped]

    def _tell(self, tests: list[str], seconds: float) -> None:
        """Say what the runs could have caught; never that a test is stable."""
        if not tests:
            return
        rate = new_tests.percent(new_tests.catchable(self._runs))
        count = f"{len(tests)} new test{'s' if len(tests) > 1 else ''}"
        times = f"{self._runs} runs each" if self._runs > 1 else "1 run"
        why = self._stopped
        if not why and self._runs < new_tests.ENOUGH_RUNS:
            why = f"new-tests-s = {self._budget_s:g}, a run takes {seconds:.1f} s"
        self.notes.append(f"{count}, {times}{f' ({why})' if why else ''}: could have caught p ≥ {rate}")
