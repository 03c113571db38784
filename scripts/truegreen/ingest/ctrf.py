"""Reader of CTRF, the Common Test Report Format (https://ctrf.io)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from truegreen.analysis.attempts import decided
from truegreen.errors import EvidenceUnreadable
from truegreen.ingest._cases import (
    Cases,
    contradiction,
    first_line,
    last,
    refuse_contradictions,
    seconds,
)
from truegreen.ingest._paths import relative
from truegreen.model.testrun import Outcome, TestCase, TestRun
from truegreen.runtime.files import read_limited

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.ingest.opening import Opening

LIMIT_BYTES = 128 << 20
"""A CTRF report is one JSON document and is decoded as a whole."""
_RETRIES_MAX = 1000
_STATUSES = {
    "passed": Outcome.PASS,
    "failed": Outcome.FAIL,
    "skipped": Outcome.SKIP,
    "pending": Outcome.SKIP,
    # A status that CTRF has no word for, such as a test that was interrupted: never a pass.
    "other": Outcome.ERROR,
}
_NOT_RUN = frozenset({"todo", "disabled", "ignored", "skipped", "pending", "notrun", "not_run"})
"""The producer's own words for `other` tests that nobody meant to run, such as Jest's `test.todo`."""


class _Attempt(msgspec.Struct):
    status: str = ""


class _Test(msgspec.Struct, rename="camel"):
    name: str
    status: str
    raw_status: str | None = None
    duration: float = 0.0
    message: str | None = None
    trace: str | None = None
    file_path: str | None = None
    line: int | None = None
    suite: str | list[str] | None = None
    browser: str | None = None
    flaky: bool | None = None
    retries: int | None = None
    retry_attempts: list[_Attempt] | None = None


class _Results(msgspec.Struct):
    tests: list[_Test]
    summary: dict[str, Any]


class _Report(msgspec.Struct):
    results: _Results


class CtrfReader:
    """Reads each test with its retries; a report whose summary and tests differ is refused.

    `pending` is a skip. `other`, the status of what CTRF has no word for, is an error unless the producer's own
    word says that the test was not meant to run; it is never a pass.
    """

    kind: ClassVar[str] = "ctrf"
    part: ClassVar[str] = "tests"

    @classmethod
    def recognises(cls, opening: Opening) -> bool:
        """Return whether a file that begins like this is CTRF."""
        return "results" in opening.keys and (
            "reportFormat" in opening.keys or {"tool", "summary"} <= opening.inner_keys
        )

    def read(self, path: Path, root: Path) -> TestRun:
        """Return the cases, named `file::suite::name` as far as the producer says.

        Raises:
            EvidenceUnreadable: no CTRF, over the limit, an unknown status, or the summary differs from the tests.
        """
        data = read_limited(path, LIMIT_BYTES)
        try:
            results = msgspec.json.decode(data, type=_Report).results
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceUnreadable(f"{path.name} is no CTRF report", where=f"{path}:1", why=str(error)) from None
        _refuse_summary(path, results)
        found = Cases()
        for test in results.tests:
            if test.status not in _STATUSES:
                why = f"test {test.name[:200]!r} has the status {test.status[:40]!r}"
                raise EvidenceUnreadable(f"{path.name} is no CTRF report", where=f"{path}:1", why=why)
            found.add(_case(test, root))
        return found.result()


def _refuse_summary(path: Path, results: _Results) -> None:
    tests = results.tests
    odd = [
        word
        for word in ("tests", *_STATUSES)
        if not _is_count(results.summary.get(word, None if word == "tests" else 0))
    ]
    if odd:
        why = f"its summary has no number of {odd[0]!r} tests: {str(results.summary.get(odd[0]))[:40]!r}"
        raise EvidenceUnreadable(f"{path.name} is no CTRF report", where=f"{path}:1", why=why)
    rows = [("tests", len(tests))]
    rows += [(word, sum(1 for test in tests if test.status == word)) for word in _STATUSES]
    declared = ((word, _declared(results.summary, word), (counted,)) for word, counted in rows)
    problem = contradiction("the summary", declared)
    refuse_contradictions(path, [problem] if problem else [])


def _declared(summary: dict[str, Any], word: str) -> int | None:
    told = summary.get(word)
    return int(told) if isinstance(told, int | float) else None


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)


def _case(test: _Test, root: Path) -> TestCase:
    outcome = _STATUSES[test.status]
    if test.status == "other" and (test.raw_status or "").lower() in _NOT_RUN:
        outcome = Outcome.SKIP
    file = relative(test.file_path or "", root)
    suites = [test.suite] if isinstance(test.suite, str) else test.suite or []
    # Some producers repeat the file or the suite in the name.
    name = "::".join((*(part for part in (file, *suites) if part and not test.name.startswith(part)), test.name))
    detail = last(test.trace or "")
    attempts = _attempts(test, outcome)
    return TestCase(
        id=f"{name} [{test.browser}]" if test.browser else name,
        outcome=decided(attempts or (outcome,)),
        duration_s=seconds(test.duration) / 1000,
        file=file,
        line=max(test.line or 0, 0),
        message=first_line(test.message or "", detail),
        detail=detail,
        attempts=attempts,
    )


def _attempts(test: _Test, outcome: Outcome) -> tuple[Outcome, ...]:
    """Return all attempts: those that are listed, else one failure for each retry; the last one is the test's own."""
    listed = [_STATUSES.get(attempt.status, Outcome.ERROR) for attempt in test.retry_attempts or ()]
    retries = min(max(test.retries or 0, int(bool(test.flaky))), _RETRIES_MAX)
    if listed and len(listed) > retries and listed[-1] is outcome:
        listed.pop()  # some producers list the deciding attempt too
    before = tuple(listed) or (Outcome.FAIL,) * retries
    return (*before, outcome) if before else ()
