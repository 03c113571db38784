"""Reporters: SonarQube's generic formats, in which any language hands over tests and coverage.

https://docs.sonarsource.com/sonarqube-community-build/analyzing-source-code/test-coverage/generic-test-data
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from truegreen.model import detail
from truegreen.reporters import rows
from truegreen.reporters.base import Document
from truegreen.reporters.escape import xml_attribute, xml_text

if TYPE_CHECKING:
    from truegreen.model.detail import MeasuredFile
    from truegreen.model.verdict import Report
    from truegreen.reporters.rows import Row

_ELEMENT = {detail.FAILED: "failure", detail.ERRED: "error", detail.SKIPPED: "skipped"}
_NUMBER = re.compile(r"[0-9]{1,9}")
_LINES_MAX = 1_000_000
"""Of one file; a report that somebody made up may claim more."""
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class SonarTestsReporter:
    """SonarQube's generic test execution: tests by file; those of which no file is known are left out and counted."""

    name: ClassVar[str] = "sonar-tests"
    media_type: ClassVar[str] = "application/xml"
    file: ClassVar[str] = "sonar-tests.xml"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; a comment says how many tests it does not hold."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = rows.fitted(report, limit, lambda one: _executions(one)[0])
        _, nowhere = _executions(report)
        clauses = [omitted] if omitted else []
        if nowhere:
            clauses.append(f"tests of which no file is known: {nowhere:,}")
        return Document(body=body, media_type=self.media_type, omitted="; ".join(clauses))


class SonarCoverageReporter:
    """SonarQube's generic coverage: the lines of each measured file, covered or not."""

    name: ClassVar[str] = "sonar-coverage"
    media_type: ClassVar[str] = "application/xml"
    file: ClassVar[str] = "sonar-coverage.xml"
    budget_bytes: ClassVar[int] = 64_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document: with all files, or with none where they do not fit; a part would be a wrong figure."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        files = report.detail.coverage if report.detail else ()
        missing = report.detail.unlisted_files if report.detail else 0
        body = _coverage(files, missing)
        if len(body) > limit:
            missing = len(files)
            body = _coverage((), missing)
        omitted = f"all {missing:,} measured files" if missing else ""
        return Document(body=body, media_type=self.media_type, omitted=omitted)


def _executions(report: Report) -> tuple[bytes, int]:
    """Return the document, and how many listed tests it lacks for want of a file."""
    files: dict[str, list[str]] = {}
    failed = rows.failures(report)
    nowhere, missing, red = 0, 0, 0
    for tests in report.detail.tests if report.detail else ():
        missing, red = missing + rows.left_out(tests), red + rows.red_left_out(tests)
        for row in rows.of(tests, failed):
            if row.path:
                files.setdefault(row.path, []).append(_test(row))
            else:
                nowhere += 1
    unlisted = f"{missing} that the report does not list, {red} of them red"
    note = f"<!-- left out: {nowhere} tests without a file, {unlisted} -->\n"
    body = "".join(
        f'  <file path="{xml_attribute(path)}">\n{"".join(cases)}  </file>\n' for path, cases in sorted(files.items())
    )
    told = note if nowhere or missing else ""
    return f'{_HEAD}{told}<testExecutions version="1">\n{body}</testExecutions>\n'.encode(), nowhere


def _test(row: Row) -> str:
    name = row.test.removeprefix(f"{row.path}::") or "(no name)"
    head = f'    <testCase name="{xml_attribute(name)}" duration="{round(row.duration_s * 1000)}"'
    skipped = row.outcome == detail.FLAKY and row.attempts.endswith(detail.SKIPPED)
    tag = "skipped" if skipped else _ELEMENT.get(row.outcome)
    if not tag:
        return f"{head}/>\n"
    told = f'<{tag} message="{xml_attribute(row.message)}">{xml_text(row.detail)}</{tag}>'
    return f"{head}>\n      {told}\n    </testCase>\n"


def _coverage(files: tuple[MeasuredFile, ...], missing: int) -> bytes:
    body = "".join(_lines(file) for file in files if rows.inside(file.path))
    told = f"<!-- left out: all {missing} measured files, for they are too many -->\n" if missing else ""
    return f'{_HEAD}{told}<coverage version="1">\n{body}</coverage>\n'.encode()


def _lines(file: MeasuredFile) -> str:
    lines = {**dict.fromkeys(_numbers(file.missing), "false"), **dict.fromkeys(_numbers(file.covered), "true")}
    listed = "".join(f'    <lineToCover lineNumber="{n}" covered="{lines[n]}"/>\n' for n in sorted(lines))
    return f'  <file path="{xml_attribute(file.path)}">\n{listed}  </file>\n'


def _numbers(ranges: str) -> list[int]:
    """Return the lines of ranges such as `1-3,7`; what is none is left out."""
    found: list[int] = []
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        if _NUMBER.fullmatch(first) and _NUMBER.fullmatch(last or first):
            found.extend(range(max(1, int(first)), min(int(last or first), _LINES_MAX) + 1))
    return found
