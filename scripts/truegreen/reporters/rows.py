"""Tests of a report one by one, as documents for other programs need them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from truegreen.model import detail
from truegreen.reporters.escape import shorten
from truegreen.reporters.verdict_json import CUTS, shortened
from truegreen.reporters.words import failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truegreen.model.detail import StageTests
    from truegreen.model.verdict import Item, Report, Verdict

RED = (detail.FAILED, detail.ERRED)

_ITEMS_MAX = 20
_NAME_MAX = 4_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One test, with all that the report knows of it."""

    test: str
    outcome: str
    """One of the letters of `model.detail`."""
    duration_s: float = 0.0
    attempts: str = ""
    """One letter each; empty means exactly one."""
    message: str = ""
    detail: str = ""
    path: str = ""
    """Relative to the repository; empty when unknown, or when it leads out of it."""
    line: int = 0


def failures(report: Report) -> dict[str, dict[str, Item]]:
    """Return stage → test → what is told of its failure."""
    found: dict[str, dict[str, Item]] = {}
    for stage in report.stages:
        for verdict in failing(stage):
            found.setdefault(stage.stage, {}).update((item.title, item) for item in verdict.items)
    return found


def of(tests: StageTests, failed: dict[str, dict[str, Item]]) -> Iterator[Row]:
    """Yield the listed tests of a stage, those that failed first; `failed` is what `failures` returns."""
    items = failed.get(tests.stage, {})
    told = {one.row: one for one in tests.told}
    for row, (test, outcome, seconds) in enumerate(zip(tests.names, tests.outcomes, tests.durations_s, strict=True)):
        item, more = items.get(test), told.get(row)
        yield Row(
            test=_name(test),
            outcome=outcome,
            duration_s=min(seconds, detail.LONGEST_S) if seconds >= 0 else 0.0,
            attempts=more.attempts if more else "",
            message=(item.message if item else "") or (more.message if more else ""),
            detail=item.detail if item else "",
            path=inside((item.path if item else "") or (more.path if more else "") or _file_of(test)),
            line=(item.line if item else 0) or (more.line if more else 0),
        )


def left_out(tests: StageTests) -> int:
    """Return how many tests of a stage the report does not list."""
    return max(0, tests.total - len(tests.names))


def red_left_out(tests: StageTests) -> int:
    """Return how many of the tests that the report does not list failed or ended with an error."""
    return sum(max(0, tests.counts.get(letter, 0) - tests.outcomes.count(letter)) for letter in RED)


def unexplained(report: Report) -> list[tuple[Verdict, ...]]:
    """Return for each stage its red verdicts, where it is red though no listed test of it is.

    A document that holds nothing but tests would show such a stage as green.
    """
    explained = {tests.stage for tests in (report.detail.tests if report.detail else ()) if _any_red(tests)}
    return [
        tuple(verdict for verdict in stage.verdicts if verdict.red)
        if stage.status.red and stage.stage not in explained
        else ()
        for stage in report.stages
    ]


def unsaid(report: Report) -> bool:
    """Return whether a report is red though neither a listed test nor a verdict of a stage is."""
    tests = report.detail.tests if report.detail else ()
    return report.status.red and not any(unexplained(report)) and not any(map(_any_red, tests))


def told(verdict: Verdict) -> str:
    """Return what is behind a verdict as lines: its first items, and how to make it green."""
    lines = [
        " ".join(filter(None, (f"{item.path}:{item.line}" if item.path else "", item.title, item.message)))
        for item in verdict.items[:_ITEMS_MAX]
    ]
    if (more := len(verdict.items[_ITEMS_MAX:]) + verdict.unlisted) > 0:
        lines.append(f"and {more:,} more")
    if verdict.remedy:
        lines.append(f"How to make it green: {verdict.remedy}")
    return "\n".join(lines)


def inside(path: str) -> str:
    """Return a path as it is when it lies in the repository, else nothing."""
    return "" if path.startswith(("/", "\\")) or ".." in path.split("/") or ":" in path[:2] else path


def fitted(report: Report, limit_bytes: int, make: Callable[[Report], bytes]) -> tuple[bytes, str]:
    """Return a document within a limit, and what had to be left out of it.

    Below the size of the last step of shortening the limit is exceeded: no document is cut inside.
    """
    body, omitted = make(report), ""
    for cut in CUTS:
        if len(body) <= limit_bytes:
            break
        body, omitted = make(shortened(report, cut)), cut.leaves_out
    return body, omitted


def _any_red(tests: StageTests) -> bool:
    return any(letter in tests.outcomes for letter in RED)


def _name(test: str) -> str:
    """Return an id of a length that readers take; two long ones that begin alike stay two."""
    if len(test) <= _NAME_MAX:
        return test
    digest = hashlib.sha256(test.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return f"{shorten(test, _NAME_MAX - 20)} {digest}"


def _file_of(test: str) -> str:
    """Return the file with which an id begins; empty when what stands there need not be one."""
    first, found, _ = test.partition("::")
    return first if found and ("/" in first or first.endswith(".py")) else ""
