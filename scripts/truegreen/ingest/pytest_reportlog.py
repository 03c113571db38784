"""Reader of what pytest-reportlog writes: one report a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.analysis.attempts import decided
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest._cases import Cases, first_line, last, seconds, worst_last
from truegreen.ingest._lines import events, refused
from truegreen.ingest._paths import relative
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_WHAT = "a report of pytest-reportlog"
_PHASES = ("setup", "call", "teardown")
_OUTCOMES = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "skipped": Outcome.SKIP, "rerun": Outcome.FAIL}
_SUBTESTS = frozenset({"SubTestReport", "SubtestReport"})
_CUT_SHORT = {2: "was interrupted", 3: "stopped on an internal error", 4: "did not understand its command line"}


class _Report(msgspec.Struct):
    """The keys of pytest's own `to_serializable` reports that carry a result."""

    type: str = msgspec.field(default="", name="$report_type")
    nodeid: str = ""
    outcome: str = ""
    when: str | None = None
    location: Any = None
    duration: float = 0.0
    longrepr: Any = None
    exitstatus: int | None = None


class _Test:
    """One test while its phases come in."""

    def __init__(self) -> None:
        self.attempts: list[Outcome] = []
        self.phases: list[Outcome] = []
        self.ended = False
        self.called = False
        """True once the test itself ran; with `--setup-only` it never does."""
        self.rerunning = False
        """True between a failure that a plugin runs again and the next set-up."""
        self.repeated = False
        """True when it came to its end and began again: no plugin said that this was a rerun."""
        self.duration_s = 0.0
        self.file, self.line = "", 0
        self.message, self.detail = "", ""

    def take(self, report: _Report, outcome: Outcome, root: Path) -> None:
        """Take the report of one phase; the one of teardown ends an attempt."""
        self.duration_s += seconds(report.duration)
        self.file, self.line = _place(report.location, root) if not self.file else (self.file, self.line)
        if outcome in BAD or (outcome is Outcome.SKIP and not self.message):
            self.message, self.detail = _told(report.longrepr)
        if report.outcome == "rerun":
            self.attempts.append(outcome)
            self.rerunning = True
            return
        if self.rerunning:  # the teardown of an attempt that is already told
            return
        self.phases.append(outcome)
        self.called = self.called or report.when not in ("setup", "teardown")
        self.ended = report.when not in ("setup", "call")

    def again(self) -> None:
        """Begin once more, after an attempt that was run again or came to its end."""
        if self.ended and not self.rerunning:
            self.attempts.append(self.outcome())
            self.repeated = True
        self.phases, self.ended, self.called, self.rerunning = [], False, False, False

    def outcome(self) -> Outcome:
        """Return the outcome of the last attempt; one that never came to its end is an error."""
        if not self.ended or Outcome.ERROR in self.phases:
            return Outcome.ERROR
        if Outcome.FAIL in self.phases:
            return Outcome.FAIL
        if Outcome.SKIP in self.phases:
            return Outcome.SKIP
        return Outcome.PASS if self.called else Outcome.ERROR


class PytestReportlogReader:
    """Reads the phases of each test into one case; a log without its session's end is refused as truncated.

    Failures of set-up, teardown and collection are errors. The exit status must agree with the reports.
    """

    kind: ClassVar[str] = "pytest-reportlog"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is a log of pytest-reportlog."""
        return "$report_type" in opening.keys

    def read(self, path: Path, root: Path) -> TestRun:
        """Return the cases, named by their node ids.

        Raises:
            EvidenceUnreadable: a line is no report, the session never ended or was cut short, or there are two.
        """
        tests: dict[str, _Test] = {}
        collected: list[TestCase] = []
        begun, status, line = 0, None, 0
        for line, report in events(path, _Report, what=_WHAT):
            if not report.type:
                raise refused(path, line, _WHAT, "it has no `$report_type`")
            if report.type == "SessionStart":
                begun += 1
            elif report.type == "SessionFinish":
                status = report.exitstatus
            elif report.type == "CollectReport":
                collected += _collected(report)
            elif report.type == "TestReport" or report.type in _SUBTESTS:
                _take(tests, report, path, line, root)
        if begun != 1 or status is None:
            why = "two sessions in one file" if begun > 1 else "the session never came to its end"
            raise EvidenceUnreadable(f"{path.name} is not one whole session", where=f"{path}:{max(line, 1)}", why=why)
        found = Cases()
        for case in (*collected, *(_case(node, test) for node, test in tests.items())):
            found.add(case)
        run = found.result()
        _refuse_contradiction(path, line, status, run)
        return run


def _take(tests: dict[str, _Test], report: _Report, path: Path, line: int, root: Path) -> None:
    outcome = _OUTCOMES.get(report.outcome)
    if outcome is None or not report.nodeid:
        raise refused(path, line, _WHAT, f"a test without a name or with the outcome {report.outcome[:40]!r}")
    test = tests.setdefault(report.nodeid, _Test())
    if report.type in _SUBTESTS:
        # A part of the call: it decides with it, and does not end the test.
        if outcome in BAD:
            test.phases.append(outcome)
            test.message, test.detail = _told(report.longrepr)
        return
    if report.when == "setup":
        test.again()
    if outcome is Outcome.FAIL and report.when != "call":
        outcome = Outcome.ERROR
    test.take(report, outcome, root)


def _case(node: str, test: _Test) -> TestCase:
    attempts = (*test.attempts, test.outcome())
    attempts = worst_last(attempts) if test.repeated else attempts
    message = test.message or ("the test never came to its end" if not (test.ended and test.called) else "")
    return TestCase(
        id=node,
        outcome=decided(attempts),
        duration_s=round(test.duration_s, 6),
        file=test.file,
        line=test.line,
        message=message,
        detail=test.detail,
        attempts=attempts if len(attempts) > 1 else (),
    )


def _collected(report: _Report) -> list[TestCase]:
    """Return a case for a module or class that could not be collected, or was skipped as a whole."""
    if report.outcome not in ("failed", "skipped"):
        return []
    message, detail = _told(report.longrepr)
    outcome = Outcome.ERROR if report.outcome == "failed" else Outcome.SKIP
    return [TestCase(id=report.nodeid or "the collection itself", outcome=outcome, message=message, detail=detail)]


def _refuse_contradiction(path: Path, line: int, status: int, run: TestRun) -> None:
    # pytest calls a test well that failed and was skipped when it was run again.
    bad = sum(case.attempts[-1:] != (Outcome.SKIP,) for case in run.bad())
    why = ""
    if status not in (0, 1) and not bad:
        why = f"pytest {_CUT_SHORT.get(status, 'ended unlike any run of tests')} (exit status {status})"
    elif status == 1 and not bad:
        why = "pytest says that something failed (exit status 1), and no test did"
    elif status == 0 and bad:
        why = f"pytest says that all is well (exit status 0), and {bad:,} tests failed"
    if why:
        raise EvidenceUnreadable(f"{path.name} is not a whole session", where=f"{path}:{line}", why=why)


def _place(location: Any, root: Path) -> tuple[str, int]:
    """Return file and line from pytest's `[file, line from zero, domain]`."""
    if not isinstance(location, list) or not location or not isinstance(location[0], str):
        return "", 0
    line = location[1] if len(location) > 1 and isinstance(location[1], int) else -1
    return relative(location[0], root), max(line + 1, 0)


def _told(longrepr: Any) -> tuple[str, str]:
    """Return message and text of a failure: a crash with its traceback, `[path, line, reason]`, or plain text."""
    if isinstance(longrepr, list) and len(longrepr) == 3:  # noqa: PLR2004 - path, line, reason
        return first_line(str(longrepr[2])), ""
    if isinstance(longrepr, dict):
        crash = longrepr.get("reprcrash")
        message = str(crash.get("message", "")) if isinstance(crash, dict) else ""
        return first_line(message), last("\n".join(_traceback(longrepr)))
    text = longrepr if isinstance(longrepr, str) else ""
    return first_line("", text), last(text)


def _traceback(longrepr: dict[str, Any]) -> list[str]:
    trace = longrepr.get("reprtraceback")
    entries = trace.get("reprentries") if isinstance(trace, dict) else None
    lines: list[str] = []
    for entry in entries if isinstance(entries, list) else ():
        data = entry.get("data") if isinstance(entry, dict) else None
        inside = data.get("lines") if isinstance(data, dict) else None
        lines += [line for line in inside if isinstance(line, str)] if isinstance(inside, list) else []
        place = data.get("reprfileloc") if isinstance(data, dict) else None
        if isinstance(place, dict):
            lines.append(f"{place.get('path')}:{place.get('lineno')}: {place.get('message')}")
    return lines
