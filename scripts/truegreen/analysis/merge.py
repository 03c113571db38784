"""Merging evidence of shards, variants and reruns without losing or inventing anything."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis.attempts import decided
from truegreen.errors import EvidenceUnreadable
from truegreen.model.case_table import CaseTable
from truegreen.model.coverage import Coverage, FileCoverage
from truegreen.model.mocks import FakeScan, FakeUse
from truegreen.model.testrun import BAD, TestCase, TestRun, TestSession

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from truegreen.model.load import LoadResult
    from truegreen.model.mocks import Rule
    from truegreen.model.persistence import PersistenceEvidence
    from truegreen.model.wiring import Walk, WiringScan

_SHOWN = 3


def shards(runs: Sequence[TestRun]) -> TestRun:
    """Return the cases of all shards, ordered by id.

    Raises:
        EvidenceUnreadable: two shards ran the same test, so at least one of them is stale or foreign.
    """
    merged = CaseTable.joined([run.table() for run in runs])
    twice = merged.twice()
    if twice:
        names = sorted(merged.id_of(rows[0]) for rows in twice)
        raise EvidenceUnreadable(
            f"{len(twice):,} tests have results from two shards",
            why=", ".join(names[:_SHOWN]),
            fix="remove result files of other runs; give each shard its own part of the tests",
        )
    return TestRun(cases=merged)


def rerun(first: TestRun, later: TestRun) -> TestRun:
    """Return the first run with a later attempt at some of its tests added.

    The last attempt decides, except that a skip never takes a failure away. The text of the newest
    failure is kept, also when the test passed in the end.

    Raises:
        EvidenceUnreadable: a test was run again that never ran before.
    """
    table = first.table()
    again = {case.id: case for case in later.cases}
    known = table.rows_of(again)
    strange = sorted(set(again) - set(known))
    if strange:
        raise EvidenceUnreadable(
            f"{len(strange):,} tests were run again that never ran before",
            why=", ".join(strange[:_SHOWN]),
            fix="remove result files of other runs",
        )
    return TestRun(cases=table.replaced({row: _again(table.row(row), again[test]) for test, row in known.items()}))


def _again(case: TestCase, later: TestCase) -> TestCase:
    attempts = (*(case.attempts or (case.outcome,)), *(later.attempts or (later.outcome,)))
    told = later if later.outcome in BAD or not (case.message or case.detail) else case
    return msgspec.structs.replace(
        case,
        outcome=decided((case.outcome, later.outcome)),
        attempts=attempts,
        message=told.message,
        detail=told.detail,
        line=told.line or case.line,
        file=told.file or case.file,
    )


def in_variant(run: TestRun, label: str) -> TestRun:
    """Return a run whose ids carry the variant it ran in, so that two Pythons do not clash."""
    return TestRun(cases=run.table().labelled(_labelled("", label)))


def session_in_variant(session: TestSession, label: str) -> TestSession:
    """Return a session whose ids carry the variant it ran in; the counterpart of `in_variant`."""
    return msgspec.structs.replace(session, ids=tuple(_labelled(test, label) for test in session.ids))


def commits_in_variant(evidence: PersistenceEvidence, label: str) -> PersistenceEvidence:
    """Return a recording whose tests carry the variant they ran in; the counterpart of `in_variant`."""
    named = msgspec.structs.replace
    return named(
        evidence,
        phases=tuple(named(phase, test=_labelled(phase.test, label)) for phase in evidence.phases),
        demands=tuple(named(demand, test=_labelled(demand.test, label)) for demand in evidence.demands),
    )


def loads(parts: Sequence[LoadResult]) -> LoadResult:
    """Return one result that is as bad as the worst: requests and failures are summed, rates are not.

    Raises:
        ValueError: there is no part.
    """
    if len(parts) == 1:
        return parts[0]
    return msgspec.structs.replace(
        parts[0],
        rps=-_worst(-part.rps for part in parts),
        requests=sum(part.requests for part in parts),
        failures=sum(part.failures for part in parts),
        duration_s=_worst(part.duration_s for part in parts),
        p50_ms=_worst(part.p50_ms for part in parts),
        p95_ms=_worst(part.p95_ms for part in parts),
        p99_ms=_worst(part.p99_ms for part in parts),
        exceptions=sum(part.exceptions for part in parts),
        crossed=tuple(dict.fromkeys(threshold for part in parts for threshold in part.crossed)),
        endpoints=tuple(endpoint for part in parts for endpoint in part.endpoints),
        errors=tuple(error for part in parts for error in part.errors),
    )


def wirings(parts: Sequence[WiringScan]) -> WiringScan:
    """Return one scan that misses what any of them misses: the legs of a matrix look at the same sources.

    Raises:
        ValueError: there is no part.
    """
    return msgspec.structs.replace(
        parts[0],
        files=min(part.files for part in parts),
        dependencies=tuple(dict.fromkeys(one for part in parts for one in part.dependencies)),
        unread=tuple(dict.fromkeys(name for part in parts for name in part.unread)),
        roots=tuple({root.name: root for part in parts for root in part.roots}.values()),
        walks=tuple(_walks(parts)),
        unbuilt=tuple(dict.fromkeys(one for part in parts for one in part.unbuilt)),
        stray=tuple(dict.fromkeys(name for part in parts for name in part.stray)),
    )


def _walks(parts: Sequence[WiringScan]) -> Iterable[Walk]:
    """Yield one walk for each root, with all that was wrong anywhere; none where a part did not come to walk it."""
    wanted = Counter(root.name for part in parts for root in part.roots)
    for name, times in wanted.items():
        seen = [walk for part in parts for walk in part.walks if walk.root == name]
        if len(seen) < times:
            continue
        broken = next((walk for walk in seen if walk.error), seen[0])
        yield msgspec.structs.replace(
            broken,
            objects=min(walk.objects for walk in seen),
            held=tuple(dict.fromkeys(one for walk in seen for one in walk.held)),
            threads=tuple(dict.fromkeys(one for walk in seen for one in walk.threads)),
            flawed=tuple(dict.fromkeys(one for walk in seen for one in walk.flawed)),
            left=tuple(dict.fromkeys(text for walk in seen for text in walk.left)),
            walk_ms=max(walk.walk_ms for walk in seen),
        )


def fakes(parts: Sequence[FakeScan]) -> FakeScan:
    """Return one scan of what the tests of all parts use: shards have different tests, legs of a matrix the same.

    Raises:
        ValueError: there is no part.
    """
    if not parts:
        raise ValueError("nothing to merge")
    tests: dict[tuple[Rule, str, str, int], list[str]] = {}
    for use in (use for part in parts for use in part.uses):
        tests.setdefault((use.rule, use.what, use.path, use.line), []).extend(use.tests)
    return FakeScan(
        files=max(part.files for part in parts),
        tests=sum(part.tests for part in parts),
        uses=tuple(
            FakeUse(rule=rule, what=what, path=path, line=line, tests=tuple(dict.fromkeys(found)))
            for (rule, what, path, line), found in sorted(tests.items())
        ),
        unread=tuple(dict.fromkeys(name for part in parts for name in part.unread)),
    )


def _worst(values: Iterable[float]) -> float:
    """Return the largest value; one that is no number is worse than any."""
    found = list(values)
    return max(found) if all(map(math.isfinite, found)) else math.nan


def _labelled(test: str, label: str) -> str:
    return f"{test} [{label}]"


def coverages(parts: Iterable[Coverage]) -> Coverage:
    """Return the union: a line or branch is covered if any part covered it; order does not matter.

    Branches are merged exactly where the parts name them. Where they only count them, the largest count of each line
    is taken, which is never too high. One part without branches makes the whole without.
    """
    found = list(parts)
    by_path: dict[str, FileCoverage] = {}
    for file in (file for part in found for file in part.files):
        known = by_path.get(file.path)
        by_path[file.path] = file if known is None else _union(known, file)
    return Coverage(
        files=tuple(by_path[path] for path in sorted(by_path)),
        has_branches=bool(found) and all(part.has_branches for part in found),
    )


def _union(one: FileCoverage, two: FileCoverage) -> FileCoverage:
    covered = one.covered | two.covered
    taken = one.taken | two.taken
    untaken = (one.untaken | two.untaken) - taken
    counted = _largest(one.counted, two.counted)
    every = _largest(counted, _counted(taken, untaken)) if counted and (taken or untaken) else counted
    return FileCoverage(
        path=one.path,
        covered=covered,
        missing=(one.missing | two.missing) & ~covered,
        branches=max(one.branches, two.branches, len(taken) + len(untaken), sum(line[2] for line in every)),
        covered_branches=max(one.covered_branches, two.covered_branches, len(taken), sum(line[1] for line in every)),
        taken=taken,
        untaken=untaken,
        excluded=None if one.excluded is None or two.excluded is None else one.excluded | two.excluded,
        counted=counted,
    )


_Counted = tuple[tuple[int, int, int], ...]
"""As `FileCoverage.counted`."""


def _largest(one: _Counted, two: _Counted) -> _Counted:
    """Return the largest counts of each line."""
    if not one or not two or one == two:
        return one or two
    found = {line: (covered, whole) for line, covered, whole in one}
    for line, covered, whole in two:
        known = found.get(line, (0, 0))
        found[line] = max(known[0], covered), max(known[1], whole)
    return tuple((line, *found[line]) for line in sorted(found))


def _counted(taken: frozenset[tuple[int, int]], untaken: frozenset[tuple[int, int]]) -> _Counted:
    """Return branches that are named as counts of each line."""
    covered = Counter(line for line, _ in taken)
    every = covered + Counter(line for line, _ in untaken)
    return tuple((line, covered[line], every[line]) for line in sorted(every))
