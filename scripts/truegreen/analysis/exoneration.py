"""Failures of a change that are not its fault: the base branch fails in the same way, and the change is elsewhere.

Equal fingerprints alone prove little, so everything is asked for at once, and what is not known excuses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.analysis import fingerprint
from truegreen.analysis.flakiness import observe
from truegreen.analysis.flaky_tests import Tier, detect
from truegreen.model.testrun import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.analysis.flaky_tests import FlakyTest
    from truegreen.model.changes import Changes
    from truegreen.model.history import History, PastRun
    from truegreen.model.testrun import TestCase

_BROKEN_ATTEMPTS = 3


class Court:
    """What the base branch says of the failures of one stage."""

    def __init__(self, stage: str, environment: str, changes: Changes | None, history: History) -> None:
        """Take what is known.

        Args:
            stage: whose failures are judged.
            environment: digest of the environment of the run that is judged.
            changes: what the change changes; without it nothing is excused.
            history: earlier runs.
        """
        self._stage = stage
        self._changes = changes
        known = bool(changes and changes.files and environment)
        base = _ancestors(changes, history.runs) if changes and known else ()
        self._same = tuple(run for run in base if run.environment == environment)
        self._absent = history.absent.get(stage, {})
        self._flaky: dict[str, FlakyTest] | None = None

    def excuse(self, case: TestCase) -> str:
        """Return the evidence that a failure is not the change's: one clause; empty when there is none.

        The test failed with the same fingerprint in the same environment on an ancestor of the change; over the runs of
        the base branch it is confirmed as flaky; the change touches neither the test's file nor the file in which it
        failed; and it did not fail in three attempts of three, as what is broken does.
        """
        parts = fingerprint.parts(case.message, case.detail)
        if not self._same or not case.file or not parts.frame or self._touches(case.file, parts.frame):
            return ""
        if len(case.attempts) >= _BROKEN_ATTEMPTS and Outcome.PASS not in case.attempts:
            return ""
        seen = next((run for run in self._same if self._failed(run, case.id, parts.key)), None)
        known = self._known().get(case.id)
        if seen is None or known is None or known.tier is not Tier.CONFIRMED:
            return ""
        rate = f"{known.events:,} of {known.runs:,} runs ({known.ratio:.2%})"
        return f"failed in the same way on the base branch at {seen.commit[:12]}, where it disagrees in {rate}"

    def _failed(self, run: PastRun, test: str, key: str) -> bool:
        return any((one.stage, one.test, one.fingerprint) == (self._stage, test, key) for one in run.failures)

    def _touches(self, file: str, frame: str) -> bool:
        """Return whether the change touches the test's file, or any file of the name in which it failed."""
        changed = self._changes.files if self._changes else ()
        names = {name for change in changed for name in (change.path, change.old_path) if name}
        return file in names or _stem(frame.rpartition(":")[0]) in map(_stem, names)

    def _known(self) -> dict[str, FlakyTest]:
        if self._flaky is None:
            self._flaky = detect(observe(self._same, self._stage, absent=self._absent).units)
        return self._flaky


def _ancestors(changes: Changes, runs: Iterable[PastRun]) -> tuple[PastRun, ...]:
    """Return the runs of the base branch at and before the base, newest first; none when the base was never run.

    A run of the base may be made long after others built on it, so the time of its first run counts: what the base
    branch ran before that, and git does not deny, is an ancestor.
    """
    trunk = [run for run in runs if run.base]
    first = max((number for number, run in enumerate(trunk) if run.commit == changes.base), default=None)
    if first is None:
        return ()
    return tuple(
        run
        for number, run in enumerate(trunk)
        if (number >= first or run.commit == changes.base)
        and (changes.ancestors is None or run.commit in changes.ancestors)
    )


def _stem(path: str) -> str:
    """Return the last name of a path or of a dotted class, without its ending: what both are sure to know."""
    name = path.rpartition("/")[2]
    head, dot, last = name.rpartition(".")
    return last if dot and "/" not in path and "." in head else head or last
