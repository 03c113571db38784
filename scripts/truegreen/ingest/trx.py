"""Reader of TRX, the result file of `dotnet test --logger trx`, MSTest and Microsoft.Testing.Platform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from truegreen.analysis.attempts import decided
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest import _xml
from truegreen.ingest._cases import (
    TEXT_LIMIT,
    Cases,
    contradiction,
    first_line,
    number,
    refuse_contradictions,
    seconds,
    worst_last,
)
from truegreen.ingest._xml import Refused, Tail
from truegreen.model.testrun import BAD, Outcome, TestCase, TestRun

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

_OUTCOMES = {
    "Passed": Outcome.PASS,
    "Warning": Outcome.PASS,
    "Failed": Outcome.FAIL,
    "NotExecuted": Outcome.SKIP,
    "NotRunnable": Outcome.SKIP,
    "Inconclusive": Outcome.SKIP,
    "Pending": Outcome.SKIP,
}
"""All others (`Error`, `Timeout`, `Aborted`, `Disconnected`, `InProgress`, `PassedButRunAborted`, none) are errors."""
_RUN_ENDED_WELL = frozenset({"Completed", "Passed", "Warning"})
_DURATION = re.compile(r"(?:(\d{1,5})\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,9})?)")


class TrxReader:
    """Reads every result, data rows one by one; a run that ended badly is an error of its own.

    A test with several results was run again: the last one decides where the run itself is said to have ended
    well, else the worst. `NotExecuted`, `NotRunnable` and `Inconclusive` are skips, never passes.
    """

    kind: ClassVar[str] = "trx"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is TRX."""
        return opening.root == "TestRun"

    def read(self, path: Path, root: Path) -> TestRun:  # noqa: ARG002 - the format names no files of tests
        """Return the cases, named `class::test` as the definitions say.

        Raises:
            EvidenceUnreadable: not TRX, not well-formed, hostile, without a summary, or counters and results differ.
        """
        collector = _Collector()
        _xml.parse(path, collector)
        if collector.run_outcome is None:
            raise EvidenceUnreadable(f"{path.name} is not whole", where=f"{path}:1", why="it has no ResultSummary")
        problem = collector.disagreement()
        refuse_contradictions(path, [problem] if problem else [])
        return collector.result()


class _Result:
    """One `UnitTestResult`, with the rows inside it; there are as many as tests, so it is kept small."""

    __slots__ = ("bad_rows", "detail", "duration_s", "message", "name", "outcome", "rows", "test", "texts")

    def __init__(self, attributes: dict[str, str]) -> None:
        self.test = attributes.get("testId", "")
        self.name = attributes.get("testName", "")
        self.outcome = _OUTCOMES.get(attributes.get("outcome", ""), Outcome.ERROR)
        self.duration_s = _duration(attributes.get("duration", ""))
        self.texts: dict[str, Tail] | None = None
        """Made only when something is told: most results tell nothing."""
        self.message, self.detail = "", ""
        self.rows = 0
        self.bad_rows = 0

    def close(self) -> None:
        """Keep what was told in its final, small form."""
        told = {name: text.value().strip() for name, text in (self.texts or {}).items()}
        self.texts = None
        self.detail = told.get("StackTrace", "") if self.outcome in BAD else ""
        self.message = first_line(told.get("Message", ""), self.detail)


class _Counts:
    """One way of counting results; producers differ in whether a test with data rows is one or many."""

    def __init__(self) -> None:
        self.total = self.passed = self.bad = 0

    def add(self, outcome: Outcome) -> None:
        """Count one result."""
        self.total += 1
        self.passed += outcome is Outcome.PASS
        self.bad += outcome in BAD


class _Collector:
    """Collects the results of one document; a handler for `_xml.parse`."""

    def __init__(self) -> None:
        self.run_outcome: str | None = None
        self._counters: dict[str, str] = {}
        self._path: list[str] = []
        self._open: list[_Result] = []
        self._found: list[_Result] = []
        self._counts = (_Counts(), _Counts(), _Counts())
        """Every result; those at the top; those without rows."""
        self._class_of: dict[str, str] = {}
        self._defining = ""
        self._run_errors: list[str] = []
        self._run_text: Tail | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        if not self._path and tag != "TestRun":
            raise Refused(f"the root element is {tag!r}, not TestRun")
        self._path.append(tag)
        if tag.endswith("Result") and self._path[1:2] == ["Results"]:
            self._open.append(_Result(attributes))
        elif self._open and self._path[-2] == "ErrorInfo":  # Message and StackTrace
            texts = self._open[-1].texts = self._open[-1].texts or {}
            texts.setdefault(tag, Tail(TEXT_LIMIT))
        elif tag == "UnitTest":
            self._defining = attributes.get("id", "")
        elif tag == "TestMethod" and self._defining:
            self._class_of[self._defining] = attributes.get("className", "").partition(",")[0].strip()
        elif tag == "ResultSummary":
            self.run_outcome = attributes.get("outcome", "")
        elif tag == "Counters":
            self._counters = attributes
        elif tag == "RunInfo" and attributes.get("outcome") not in (*_RUN_ENDED_WELL, "Pending"):
            self._run_text = Tail(TEXT_LIMIT)

    def end(self, tag: str) -> None:
        """End an element."""
        self._path.pop()
        if tag.endswith("Result") and self._open and self._path[1:2] == ["Results"]:
            self._close(self._open.pop())
        elif tag == "RunInfo" and self._run_text is not None:
            self._run_errors.append(self._run_text.value().strip() or "an error without a text")
            self._run_text = None

    def text(self, data: str) -> None:
        """Keep messages and stack traces; what tests print is dropped as it streams by."""
        if self._run_text is not None and self._path[-1] == "Text":
            self._run_text.add(data)
        elif self._open and self._open[-1].texts and self._path[-2:-1] == ["ErrorInfo"]:
            self._open[-1].texts[self._path[-1]].add(data)

    def _close(self, result: _Result) -> None:
        result.close()
        if not result.name:
            raise Refused("a result without testName")
        every, top, leaves = self._counts
        every.add(result.outcome)
        if not self._open:
            top.add(result.outcome)
        else:
            self._open[-1].rows += 1
            self._open[-1].bad_rows += result.outcome in BAD
        if not result.rows:
            leaves.add(result.outcome)
        # A test with data rows is told by its rows, unless it failed and none of them did.
        if not result.rows or (result.outcome in BAD and not result.bad_rows):
            self._found.append(result)

    def disagreement(self) -> str:
        """Return how the counters contradict the results, however those are counted."""
        problems = [self._against(counts) for counts in self._counts]
        return problems[0] if all(problems) else ""

    def _against(self, counts: _Counts) -> str:
        told = self._counters
        bad = [number(told, word) for word in ("failed", "error", "timeout", "aborted")]
        declared_bad = None if bad[0] is None else sum(value or 0 for value in bad)
        rows = (
            ("results", number(told, "total"), (counts.total,)),
            ("passed results", number(told, "passed"), (counts.passed,)),
            # The logger counts only `Failed`; other ends that are red may stand in counters of their own.
            ("failed results", declared_bad, (counts.bad,)),
        )
        return contradiction("the summary", rows)

    def result(self) -> TestRun:
        """Return the cases, reruns joined, and what went wrong outside them."""
        joined: dict[tuple[str, str], list[_Result]] = {}
        for result in self._found:
            joined.setdefault((result.test, result.name), []).append(result)
        cases, bad = Cases(), False
        for (test, _), results in joined.items():
            case = self._case(results, self._class_of.get(test, ""))
            bad = bad or case.outcome in BAD
            cases.add(case)
        errors = self._run_errors
        if not errors and not bad and self.run_outcome not in _RUN_ENDED_WELL:
            errors = [f"the run ended as {(self.run_outcome or 'nothing')[:40]!r}, and no result says why"]
        for text in errors:
            cases.add(TestCase(id="the run itself", outcome=Outcome.ERROR, message=first_line(text), detail=text))
        return cases.result()

    def _case(self, results: list[_Result], class_name: str) -> TestCase:
        outcomes = tuple(result.outcome for result in results)
        # Results without an id of their own are not known to be of one test: the worst decides.
        rerun = self.run_outcome in _RUN_ENDED_WELL and results[0].test
        attempts = outcomes if rerun else worst_last(outcomes)
        shown = next((one for one in reversed(results) if one.outcome in BAD), results[-1])
        name = results[0].name.removeprefix(f"{class_name}.") if class_name else results[0].name
        return TestCase(
            id="::".join(part for part in (class_name, name) if part),
            outcome=decided(attempts),
            duration_s=results[-1].duration_s,
            message=shown.message,
            detail=shown.detail,
            attempts=attempts if len(attempts) > 1 else (),
        )


def _duration(text: str) -> float:
    """Return seconds from `[days.]hours:minutes:seconds.fraction`; nonsense is 0."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return 0.0
    days, hours, minutes, rest = match.groups()
    return seconds(int(days or 0) * 86_400 + int(hours) * 3_600 + int(minutes) * 60 + float(rest))
