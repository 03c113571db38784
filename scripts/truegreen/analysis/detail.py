"""From evidence and history to what a report shows beside its verdicts."""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest
from itertools import compress
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING

from truegreen.analysis import findings_change
from truegreen.analysis.attempts import decided
from truegreen.model import detail
from truegreen.model.coverage import lines_of
from truegreen.model.detail import (
    Comparison,
    Detail,
    MeasuredFile,
    Named,
    Several,
    Slower,
    StageFindings,
    StageTests,
    Strip,
    Told,
    TrendPoint,
    is_share,
)
from truegreen.model.finding import RANK
from truegreen.model.history import BASE_RUNS
from truegreen.model.testrun import BAD, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from truegreen.model.coverage import Coverage, FileCoverage
    from truegreen.model.history import History, PastFailure, PastRun
    from truegreen.model.run import RunEvidence, StageEvidence
    from truegreen.model.testrun import TestCase, TestRun

TREND_RUNS = 30
STRIPS_MAX = 100
LISTED_MAX = 10_000
"""Tests of a stage that are all listed; of more, those that did not simply pass and the slowest."""
FINDINGS_MAX = 25_000
"""Listed of each stage: as many as GitHub takes of one tool."""
FILES_MAX = 5_000
_MESSAGE_MAX = 300
_ODD_MAX, _SLOWEST_MAX = 5_000, 1_000
NAMED_MAX = 1_000
"""Tests that are named where very many may be new, gone or skipped."""
_TIMES_KNOWN = 5
"""Fewer durations do not say what is usual."""
_SLOWER_RATIO, _SLOWER_S = 2.0, 0.5
_STEP_RATIO = 1.09
"""How far a kept duration may lie from the measured one: the history keeps them in steps."""
_LETTER = {
    Outcome.PASS: detail.PASSED,
    Outcome.FAIL: detail.FAILED,
    Outcome.ERROR: detail.ERRED,
    Outcome.SKIP: detail.SKIPPED,
}
_ORDER = "feksp"
"""What is listed first."""
_DOUBTFUL = _ORDER[:3]


def of(evidence: RunEvidence, history: History, now: TrendPoint) -> Detail:
    """Return what lies behind the verdicts.

    Args:
        evidence: of the run that is judged.
        history: earlier runs, newest first; this one is not among them.
        now: where the run stands; its counts are filled from the evidence.
    """
    newest = tuple(reversed(history.runs[:TREND_RUNS]))
    ran = {stage.stage: stage.tests for stage in evidence.stages if stage.tests is not None}
    coverage = _coverage(evidence)
    files = coverage.files if coverage is not None else ()
    return Detail(
        tests=tuple(_listed(stage, tests) for stage, tests in ran.items()),
        now=_now(evidence, ran, now),
        trend=tuple(_point(run) for run in newest),
        strips=_strips(ran, newest) if newest else (),
        comparison=_comparison(evidence, ran, history),
        findings=tuple(_found(stage) for stage in evidence.stages if any(scan.findings for scan in stage.scans)),
        findings_change=findings_change.of(evidence.stages, history.findings, evidence.changes),
        coverage=tuple(map(_measured, files)) if len(files) <= FILES_MAX else (),
        unlisted_files=len(files) if len(files) > FILES_MAX else 0,
    )


def _listed(stage: str, tests: TestRun) -> StageTests:
    total = tests.count()
    cases: Iterable[TestCase] = tests.cases
    if total > LISTED_MAX:
        odd = sorted(tests.records(), key=_place)[:_ODD_MAX]
        cases = {case.id: case for case in (*odd, *tests.slowest(_SLOWEST_MAX))}.values()
    rows = sorted(cases, key=_place)
    return StageTests(
        stage=stage,
        total=total,
        counts=_counts(tests),
        names=tuple(case.id for case in rows),
        outcomes="".join(map(_letter, rows)),
        durations_s=tuple(round(min(case.duration_s, detail.LONGEST_S), 3) for case in rows),
        told=tuple(
            _told(row, case) for row, case in enumerate(rows) if case.attempts or _letter(case) != detail.PASSED
        ),
    )


def _counts(tests: TestRun) -> dict[str, int]:
    records = tests.records()
    found = Counter(map(_letter, records))
    found[detail.PASSED] += tests.count() - len(records)
    return {letter: found[letter] for letter in _ORDER if found[letter]}


def _told(row: int, case: TestCase) -> Told:
    attempts = "".join(_LETTER[attempt] for attempt in case.attempts)
    return Told(row, attempts, case.message[:_MESSAGE_MAX], case.file, case.line)


def _found(stage: StageEvidence) -> StageFindings:
    found = [finding for scan in stage.scans for finding in scan.findings]
    found.sort(key=lambda one: (-RANK[one.severity], one.path, one.line, one.tool, one.rule))
    return StageFindings(stage=stage.stage, total=len(found), findings=tuple(found[:FINDINGS_MAX]))


def _measured(file: FileCoverage) -> MeasuredFile:
    return MeasuredFile(file.path, _ranges(lines_of(file.covered)), _ranges(lines_of(file.missing)))


def _ranges(lines: Sequence[int]) -> str:
    """Return lines in order as ranges."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def _coverage(evidence: RunEvidence) -> Coverage | None:
    return next((stage.coverage for stage in evidence.stages if stage.coverage is not None), None)


def _place(case: TestCase) -> tuple[int, str]:
    return _ORDER.index(_letter(case)), case.id


def _letter(case: TestCase) -> str:
    return detail.FLAKY if case.flaky and case.outcome not in BAD else _LETTER[case.outcome]


def _now(evidence: RunEvidence, ran: dict[str, TestRun], now: TrendPoint) -> TrendPoint:
    coverage = _coverage(evidence)
    ratio = coverage.covered_lines / coverage.lines if coverage is not None and coverage.lines else None
    return TrendPoint(
        commit=now.commit,
        created=now.created,
        branch=now.branch,
        status=now.status,
        duration_s=now.duration_s,
        tests=sum(tests.count() - tests.count(Outcome.SKIP) for tests in ran.values()),
        failed=sum(tests.count(*BAD) for tests in ran.values()),
        flaky=sum(case.flaky for tests in ran.values() for case in tests.records()),
        line_ratio=ratio,
    )


def _point(run: PastRun) -> TrendPoint:
    return TrendPoint(
        commit=run.commit,
        created=run.created,
        branch=run.branch,
        status=run.status,
        duration_s=run.duration_s,
        tests=run.tests,
        failed=run.failed,
        flaky=run.flaky,
        line_ratio=run.line_ratio if run.line_ratio is not None and is_share(run.line_ratio) else None,
    )


# --- single tests over runs ------------------------------------------------------------------------------------------


def _strips(ran: dict[str, TestRun], runs: Sequence[PastRun]) -> tuple[Strip, ...]:
    """Return each test that was red or flaky in one of the runs: red now first, then by how often it failed."""
    here = {(stage, case.id): _letter(case) for stage, tests in ran.items() for case in tests.records()}
    doubtful = {key for key, letter in here.items() if letter in _DOUBTFUL}
    failures = [{(one.stage, one.test): one for one in run.failures} for run in runs]
    stages = [{stage.stage for stage in run.stages if stage.tests} for run in runs]
    seen = Counter(key for found in failures for key, one in found.items() if _past_letter(one) in _DOUBTFUL)
    keys = nsmallest(STRIPS_MAX, {*seen, *doubtful}, key=lambda key: (key not in doubtful, -seen[key], key))
    strips = []
    for stage, test in keys:
        past = "".join(
            _past_letter(found.get((stage, test)), there=stage in there)
            for found, there in zip(failures, stages, strict=True)
        )
        now = here.get((stage, test), detail.RAN if stage in ran else detail.ABSENT)
        strips.append(Strip(stage=stage, test=test, cells=past + now))
    return tuple(strips)


def _past_letter(failure: PastFailure | None, *, there: bool = True) -> str:
    if failure is None:
        return detail.RAN if there else detail.ABSENT
    return detail.FLAKY if failure.masked else _LETTER[decided(failure.attempts)]


# --- against the base ------------------------------------------------------------------------------------------------


def _comparison(evidence: RunEvidence, ran: dict[str, TestRun], history: History) -> Comparison | None:
    """Return what changed against the run of the point where the change left its base, else the newest run of it."""
    base = evidence.changes.base if evidence.changes else ""
    exact = next((run for run in history.runs if base and run.commit == base), None)
    run = exact or next((run for run in history.runs if run.base), None)
    if run is None:
        return None
    before = {Named(one.stage, one.test) for one in run.failures if not one.masked}
    known = {stage.stage for stage in run.stages if stage.tests}
    bad = {Named(stage, case.id) for stage, tests in ran.items() for case in tests.bad()}
    gone = before - bad
    passed = {named for stage, tests in ran.items() for named in _passed(stage, tests, gone)}
    return Comparison(
        base=_point(run),
        exact=exact is not None,
        newly_failing=_all(one for one in bad - before if one.stage in known),
        still_failing=_all(bad & before),
        fixed=_all(passed),
        newly_flaky=_all(one for one in _flaky(ran) - _doubted(history) if one.stage in known),
        slower=_slower(ran, history),
        **_shifted(ran, history, run),
    )


def _flaky(ran: dict[str, TestRun]) -> set[Named]:
    letters = ((Named(stage, case.id), _letter(case)) for stage, tests in ran.items() for case in tests.records())
    return {named for named, letter in letters if letter == detail.FLAKY}


def _doubted(history: History) -> set[Named]:
    """Return the tests that failed, if only at first, in one of the newest runs of the base branch."""
    runs = [run for run in history.runs if run.base][:BASE_RUNS]
    return {Named(one.stage, one.test) for run in runs for one in run.failures}


def _shifted(ran: dict[str, TestRun], history: History, base: PastRun) -> dict[str, Several[Named]]:
    """Return what is new, gone and newly skipped, as far as the newest runs of the base branch tell.

    Nothing where the run that is compared with lies before these: what is true of them need not be true of it.
    """
    runs = [run for run in history.runs if run.base]
    new: list[Named] = []
    gone: list[Named] = []
    skipped: list[Named] = []
    for stage, tests in ran.items():
        there = [run for run in runs if any(part.stage == stage and part.tests for part in run.stages)][:BASE_RUNS]
        if base not in there:
            continue
        known = history.tests.get(stage, {})
        idle = {case.id for case in tests.records() if case.outcome is Outcome.SKIP}
        # Of very many tests all but a few are known, and a hash of each is at hand: no id is made of those.
        there_too = set(map(hash, compress(known, map(attrgetter("base_runs"), known.values()))))
        new += (Named(stage, test) for test in tests.table().others(there_too) if test not in idle)
        skipped += (Named(stage, test) for test in idle if test in known and known[test].base_runs >= len(there))
        gone += (Named(stage, test) for test in history.gone.get(stage, ()))
    return {"new": _several(new), "gone": _several(gone), "newly_skipped": _several(skipped)}


def _several(found: list[Named]) -> Several[Named]:
    return Several(total=len(found), named=_sorted(found)[:NAMED_MAX])


def _all(found: Iterable[Named]) -> Several[Named]:
    """Return tests that are named, however many there are: each failure says what the base says of it."""
    named = _sorted(found)
    return Several(total=len(named), named=named)


def _slower(ran: dict[str, TestRun], history: History) -> Several[Slower]:
    """Return passed tests that took twice their usual time, half a second more, and longer than ever before."""
    total = 0

    def grown() -> Iterator[tuple[float, str, str, float, float]]:
        nonlocal total
        for stage, tests in ran.items():
            known = history.tests.get(stage, {})
            for test, took_s in tests.slower(_SLOWER_S) if known else ():
                times = known[test].durations_s if test in known else ()
                if len(times) < _TIMES_KNOWN or took_s <= max(times) * _STEP_RATIO:
                    continue
                usual = median(times)
                if took_s > max(_SLOWER_RATIO * usual, usual + _SLOWER_S):
                    total += 1
                    now = round(took_s, 3)
                    yield usual - now, stage, test, usual, now

    first = nsmallest(NAMED_MAX, grown())
    named = tuple(Slower(stage=stage, test=test, usual_s=usual, now_s=now) for _, stage, test, usual, now in first)
    return Several(total=total, named=named)


def _passed(stage: str, tests: TestRun, wanted: set[Named]) -> set[Named]:
    names = {one.test for one in wanted if one.stage == stage}
    table = tests.table()
    rows = table.rows_of(names) if names else {}
    return {Named(stage, test) for test, row in rows.items() if table.row(row).outcome is Outcome.PASS}


def _sorted(found: Iterable[Named]) -> tuple[Named, ...]:
    return tuple(sorted(found, key=lambda one: (one.stage, one.test)))
