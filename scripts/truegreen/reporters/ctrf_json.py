"""Reporter: the tests of all stages and shards as CTRF, the Common Test Report Format (https://ctrf.io)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.model import detail
from truegreen.reporters import rows
from truegreen.reporters.base import Document
from truegreen.reporters.escape import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.verdict import Report, Status
    from truegreen.reporters.rows import Row

_SPEC = "0.0.0"
_STATUS = {
    detail.PASSED: "passed",
    detail.FAILED: "failed",
    # A status `other` exists, and programs that read CTRF do not show it as red.
    detail.ERRED: "failed",
    detail.SKIPPED: "skipped",
    detail.FLAKY: "passed",
}
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_NAME_MAX, _TEXT_MAX = 8_000, 4_000


class CtrfReporter:
    """One CTRF document: shards merged, the stage as the suite, retries with their outcomes.

    A stage that is red though none of its tests is has one more failed test for each reason, so that nobody sees green.
    """

    name: ClassVar[str] = "ctrf"
    media_type: ClassVar[str] = "application/json"
    file: ClassVar[str] = "ctrf.json"
    budget_bytes: ClassVar[int] = 32_000_000

    def render(self, report: Report, budget_bytes: int | None = None) -> Document:
        """Return the document; what the budget leaves out is counted in its `extra`."""
        limit = self.budget_bytes if budget_bytes is None else budget_bytes
        body, omitted = rows.fitted(report, limit, _document)
        return Document(body=body, media_type=self.media_type, omitted=omitted)


def _document(report: Report) -> bytes:
    tests, listed = list(_tests(report)), report.detail.tests if report.detail else ()
    counts = {word: sum(test["status"] == word for test in tests) for word in _STATUSES}
    stop = _milliseconds(report.provenance.created)
    start = max(0, stop - round(min(max(0.0, report.duration_s), detail.LONGEST_S) * 1000))
    summary = {"tests": len(tests), **counts, "start": start, "stop": stop}
    summary["flaky"] = sum(bool(test.get("flaky")) for test in tests)
    tool = {"name": "truegreen", "version": _text(report.provenance.pack_version) or "0"}
    results: dict[str, Any] = {"tool": tool, "summary": summary, "tests": tests}
    results["extra"] = {
        "verdict": report.status.value,
        "headline": _text(report.headline),
        "commit": _text(report.provenance.commit),
        "testsLeftOut": sum(map(rows.left_out, listed)),
        "failedLeftOut": sum(map(rows.red_left_out, listed)),
    }
    data = {"reportFormat": "CTRF", "specVersion": _SPEC, "generatedBy": "truegreen", "results": results}
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _tests(report: Report) -> Iterator[dict[str, Any]]:
    failed = rows.failures(report)
    for tests in report.detail.tests if report.detail else ():
        for row in rows.of(tests, failed):
            yield _test(tests.stage, row)
    for stage, reasons in zip(report.stages, rows.unexplained(report), strict=True):
        for verdict in reasons:
            yield _reason(stage.stage, verdict.gate, verdict.status, verdict.reason, rows.told(verdict))
    if rows.unsaid(report):
        yield _reason("truegreen", "verdict", report.status, report.headline, "")


def _test(stage: str, row: Row) -> dict[str, Any]:
    skipped = row.outcome == detail.FLAKY and row.attempts.endswith(detail.SKIPPED)
    status = "skipped" if skipped else _STATUS[row.outcome]
    test: dict[str, Any] = {
        "name": _text(row.test, _NAME_MAX) or "(no name)",
        "status": status,
        "duration": round(row.duration_s * 1000),
        "suite": [_text(stage) or "(no stage)"],
    }
    if row.outcome == detail.ERRED:
        test["rawStatus"] = "error"
    for key, text in (("message", row.message), ("trace", row.detail), ("filePath", row.path)):
        if text:
            test[key] = _text(text)
    if row.line > 0:
        test["line"] = row.line
    if len(row.attempts) > 1:
        before = [
            {"attempt": number, "status": _STATUS.get(letter, "other")}
            for number, letter in enumerate(row.attempts[:-1], 1)
        ]
        test |= {"retries": len(before), "retryAttempts": before, "flaky": row.outcome == detail.FLAKY}
    return test


def _reason(stage: str, gate: str, status: Status, why: str, trace: str) -> dict[str, Any]:
    test = {
        "name": f"truegreen {_text(gate)}",
        "status": "failed",
        "duration": 0,
        "suite": [_text(stage) or "(no stage)"],
    }
    told = {"trace": _text(trace)} if trace else {}
    return {**test, "rawStatus": status.value, "message": _text(why) or status.value, **told}


def _milliseconds(created: str) -> int:
    """Return milliseconds since 1970; 0 when unknown."""
    try:
        return max(0, round(datetime.fromisoformat(created).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def _text(text: str, limit: int = _TEXT_MAX) -> str:
    return shorten(visible(text[: 2 * limit + 2], multiline=True), limit)
