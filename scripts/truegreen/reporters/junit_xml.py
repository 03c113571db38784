"""Reporter: the tests of all stages and shards as one JUnit XML document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from truegreen.model import detail
from truegreen.model.verdict import StageReport, Status
from truegreen.reporters import rows
from truegreen.reporters.base import Document
from truegreen.reporters.escape import xml_attribute, xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from truegreen.model.detail import StageTests
    from truegreen.model.verdict import Report, Verdict
    from truegreen.reporters.rows import Row

_BAD = {detail.FAILED: "failure", detail.ERRED: "error"}
_RERUN = {detail.FAILED: "Failure", detail.ERRED: "Error"}
_WORD = {detail.PASSED: "pass", detail.FAILED: "fail", detail.ERRED: "error", detail.SKIPPED: "skip"}
_MODULE = re.compile(r"(?P<file>(?:\w+/)*\w+)\.py::(?P<inner>(?:\w+::)*)")


class JunitReporter:
    """One JUnit XML with a suite for each stage: shards merged, reruns as Surefire writes them, evidence as properties.

    A stage that is red though none of its tests is has one more case for each reason, so that none shows it green.
    """

    name: ClassVar[str] = "junit"
    media_type: ClassVar[str] = "application/xml"
    file: ClassVar[str] = "junit.xml"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; what the budget leaves out is a property of its suite."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = rows.fitted(report, limit, _document)
        return Document(body=body, media_type=self.media_type, omitted=omitted)


class _Suite:
    """One suite while it is written."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        self.seconds = 0.0
        self.properties: list[tuple[str, str]] = []
        self.cases: list[str] = []

    def add(self, outcome: str, seconds: float, case: str) -> None:
        self.counts["tests"] += 1
        self.counts["failures"] += outcome == detail.FAILED
        self.counts["errors"] += outcome == detail.ERRED
        self.counts["skipped"] += outcome == detail.SKIPPED
        self.seconds += seconds
        self.cases.append(case)

    def text(self) -> str:
        told = "".join(f"      {_property(name, value)}\n" for name, value in self.properties)
        properties = f"    <properties>\n{told}    </properties>\n" if told else ""
        head = f'  <testsuite name="{xml_attribute(self.name)}" {_counts(self.counts)} time="{self.seconds:.3f}">\n'
        return f"{head}{properties}{''.join(self.cases)}  </testsuite>\n"


def _document(report: Report) -> bytes:
    suites = list(_suites(report))
    counts = {word: sum(suite.counts[word] for suite in suites) for word in ("tests", "failures", "errors", "skipped")}
    total_s = sum(suite.seconds for suite in suites)
    head = f'<testsuites name="truegreen" {_counts(counts)} time="{total_s:.3f}">\n'
    body = "".join(suite.text() for suite in suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{body}</testsuites>\n'.encode()


def _suites(report: Report) -> Iterator[_Suite]:
    found = {tests.stage: tests for tests in (report.detail.tests if report.detail else ())}
    failed, reasons = rows.failures(report), rows.unexplained(report)
    for place, stage in enumerate(report.stages):
        tests = found.pop(stage.stage, None)
        if tests is not None or reasons[place]:
            suite = _suite(report, stage, tests)
            yield _filled(suite, rows.of(tests, failed) if tests else (), reasons[place])
    for tests in found.values():  # of stages that nobody asked for, and that were not judged
        suite = _suite(report, StageReport(stage=tests.stage, status=Status.SKIPPED), tests)
        yield _filled(suite, rows.of(tests, failed), ())
    if rows.unsaid(report):
        suite = _Suite("truegreen")
        status = detail.FAILED if report.status is Status.FAIL else detail.ERRED
        suite.add(status, 0.0, _case("truegreen", "verdict", 0.0, "", _bad(status, report.headline, "")))
        yield suite


def _suite(report: Report, stage: StageReport, tests: StageTests | None) -> _Suite:
    suite = _Suite(stage.stage)
    suite.properties = list(_evidence(report, stage))
    if tests and (missing := rows.left_out(tests)):
        suite.properties.append(("truegreen.tests-left-out", str(missing)))
        suite.properties.append(("truegreen.failed-left-out", str(rows.red_left_out(tests))))
    return suite


def _filled(suite: _Suite, tests: Iterable[Row], reasons: Iterable[Verdict]) -> _Suite:
    for row in tests:
        outcome = detail.SKIPPED if _skipped(row) else row.outcome
        suite.add(outcome, row.duration_s, _test(row))
    for verdict in reasons:
        outcome = detail.FAILED if verdict.status is Status.FAIL else detail.ERRED
        text = _bad(outcome, verdict.reason, rows.told(verdict))
        suite.add(outcome, 0.0, _case(f"truegreen.{verdict.stage}", verdict.gate, 0.0, "", text))
    return suite


def _evidence(report: Report, stage: StageReport) -> Iterator[tuple[str, str]]:
    """Yield what the suite rests on."""
    yield "truegreen.verdict", stage.status.value
    yield "truegreen.headline", stage.headline
    yield "truegreen.commit", report.provenance.commit
    for source in stage.inputs:
        shard = f" of shard {source.shard}" if source.shard else ""
        yield "truegreen.input", f"{source.file}{shard}: {source.tests} tests read as {source.kind}"
    for kept in stage.files:
        yield "truegreen.evidence", f"{kept.path} sha256:{kept.sha256}"


# --- cases -----------------------------------------------------------------------------------------------------------


def _skipped(row: Row) -> bool:
    return row.outcome == detail.SKIPPED or (row.outcome == detail.FLAKY and row.attempts.endswith(detail.SKIPPED))


def _test(row: Row) -> str:
    match = _MODULE.match(row.test)
    if match and match[0] != row.test:
        # As pytest writes it, so that a reader makes the same id of it.
        inner = match["inner"].split("::")[:-1]
        classname, name = ".".join((match["file"].replace("/", "."), *inner)), row.test[match.end() :]
        place = f' file="{xml_attribute(match["file"])}.py"' + (f' line="{row.line}"' if row.line > 0 else "")
    else:
        bracket = row.test.find("[")
        cut = row.test.rfind("::", 0, bracket if bracket > 0 else len(row.test))
        classname, name, place = (row.test[:cut], row.test[cut + 2 :], "") if cut > 0 else ("", row.test, "")
    return _case(classname, name, row.duration_s, place, "".join(_told(row)))


def _told(row: Row) -> Iterator[str]:
    """Yield the elements of a case."""
    if len(row.attempts) > 1:
        words = ",".join(_WORD.get(letter, "error") for letter in row.attempts)
        yield f"      <properties>\n        {_property('truegreen.attempts', words)}\n      </properties>\n"
    if row.outcome in _BAD:
        yield _bad(row.outcome, row.message, row.detail)
    elif _skipped(row):
        yield f'      <skipped message="{xml_attribute(row.message)}"/>\n'
    prefix, attempts = ("rerun", row.attempts[:-1]) if row.outcome in _BAD else ("flaky", row.attempts)
    for letter in attempts:
        if letter in _RERUN:
            yield f'      <{prefix}{_RERUN[letter]} message="{xml_attribute(row.message)}" type="{_WORD[letter]}"/>\n'


def _bad(outcome: str, message: str, text: str) -> str:
    tag = _BAD[outcome]
    return f'      <{tag} message="{xml_attribute(message)}" type="{tag}">{xml_text(text)}</{tag}>\n'


def _case(classname: str, name: str, seconds: float, place: str, inner: str) -> str:
    head = f'    <testcase classname="{xml_attribute(classname)}" name="{xml_attribute(name or "(no name)")}"'
    end = f">\n{inner}    </testcase>\n" if inner else "/>\n"
    return f'{head} time="{seconds:.3f}"{place}{end}'


def _property(name: str, value: str) -> str:
    return f'<property name="{name}" value="{xml_attribute(value)}"/>'


def _counts(counts: dict[str, int]) -> str:
    return " ".join(f'{word}="{number}"' for word, number in counts.items())
