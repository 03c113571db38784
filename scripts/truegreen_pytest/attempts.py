"""Attempts at one test inside one session, and its subtests: neither can be seen in a JUnit file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ATTEMPTS = "truegreen.attempts"
"""Outcomes of all attempts, by commas; only where there were several."""
SUBTESTS = "truegreen.subtests"
"""How many reports of subtests there were, and how many of them were skipped: pytest counts them as tests."""
_WORSE = {"pass": 0, "skip": 1, "fail": 2, "error": 3}


class Attempts:
    """Follows the tests that run in this process."""

    def __init__(self) -> None:
        self._outcomes: dict[str, list[str]] = {}

    def begin(self, test: str) -> None:
        """Start an attempt; plugins that repeat a failed test set it up once more."""
        self._outcomes.setdefault(test, []).append("pass")

    def report(self, test: str, report: pytest.TestReport) -> None:
        """Take what became of one phase; the last report of a repeated test carries all attempts along."""
        known = self._outcomes.get(test)
        if not known:
            return
        outcome = _outcome(report)
        # A skipped subtest is reported before the test itself, which then may pass.
        passed_after_all = report.when == "call" and (outcome, known[-1]) == ("pass", "skip")
        if passed_after_all or _WORSE[outcome] > _WORSE[known[-1]]:
            known[-1] = outcome
        if report.when == "teardown" and len(known) > 1:
            report.user_properties.append((ATTEMPTS, ",".join(known)))


class Subtests:
    """Counts subtests where the JUnit file is written: with pytest-xdist that is another process."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def report(self, test: str, report: pytest.TestReport) -> None:
        """Count a subtest, or hand the counts to the report that closes its test."""
        if type(report).__name__.lower() == "subtestreport":  # pytest 9, and the plugin that came before it
            counts = self._counts.setdefault(test, [0, 0])
            counts[0] += report.outcome in ("passed", "failed", "skipped")
            counts[1] += report.outcome == "skipped"
        elif report.when == "teardown" and (found := self._counts.pop(test, None)):
            report.user_properties.append((SUBTESTS, " ".join(map(str, found))))


def attempts_of(report: pytest.TestReport) -> int:
    """Return the number of attempts that a report tells of; 0 when it tells nothing."""
    return next((str(value).count(",") + 1 for key, value in report.user_properties if key == ATTEMPTS), 0)


def _outcome(report: pytest.TestReport) -> str:
    if report.outcome == "failed":
        return "fail" if report.when == "call" else "error"
    return "skip" if report.outcome == "skipped" else "pass"
