"""What two cases of one id in one document are: two reports of one test, or two tests."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.case_table import CaseTable
from truegreen.model.testrun import Outcome, TestCase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.ingest._junit_suite import Suite
    from truegreen.model.case_columns import Columns

_SEVERITY = {Outcome.PASS: 0, Outcome.SKIP: 1, Outcome.FAIL: 2, Outcome.ERROR: 3}


def settle(columns: Columns, records: dict[int, TestCase], borders: Sequence[tuple[int, Suite]]) -> CaseTable:
    """Return the cases with an id each.

    In one suite it is one test, reported twice, and the worst outcome is kept. In two suites it is two tests:
    Playwright writes a suite for each browser, with its name as the host; Jest one for each file.

    Args:
        columns: all cases.
        records: those of which there is more to tell, by row.
        borders: from which row on which suite is the innermost one, in order.
    """
    table = CaseTable([columns], records)
    starts = [row for row, _ in borders]
    changed: dict[int, TestCase] = {}
    dropped: set[int] = set()
    apart: dict[str, int] = {}
    used: set[str] = set()
    for rows in table.twice():
        first: dict[Suite, int] = {}
        for row in rows:
            suite = borders[bisect_right(starts, row) - 1][1]
            if suite in first:
                known = changed.get(first[suite]) or table.row(first[suite])
                changed[first[suite]] = _worse(known, table.row(row))
                dropped.add(row)
            else:
                first[suite] = row
        home, *others = first
        for suite in others:
            name = table.id_of(first[suite])
            host = f" [{suite.host}]" if suite.host and suite.host != home.host else ""
            used.add(name)
            apart[_free(f"{name}{host}", used)] = first[suite]
    while taken := table.rows_of(apart):
        for name in taken:
            apart[_free(name, used)] = apart.pop(name)
    for name, row in apart.items():
        changed[row] = msgspec.structs.replace(changed.get(row) or table.row(row), id=name)
    return table.replaced(changed, dropped) if changed else CaseTable([columns], records, unique=True)


def _free(name: str, used: set[str]) -> str:
    """Return the name, with the first number that nobody has where it is taken, and take it."""
    number, free = 2, name
    while free in used:
        free, number = f"{name} #{number}", number + 1
    used.add(free)
    return free


def _worse(one: TestCase, two: TestCase) -> TestCase:
    """Return the worse of two reports of one test; a tie keeps the first, and the attempts are those of both."""
    worse = two if _SEVERITY[two.outcome] > _SEVERITY[one.outcome] else one
    # pytest-rerunfailures closes an element for each attempt; only the last one tells of them all.
    told = max(one.attempts, two.attempts, key=len)
    attempts = (*told[:-1], worse.outcome) if told else ()
    return worse if worse.attempts == attempts else msgspec.structs.replace(worse, attempts=attempts)
