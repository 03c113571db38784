"""Reading runs from the tables of a store; each function works inside a transaction of its caller."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from functools import cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from truegreen.analysis import kept_coverage, kept_findings, kept_load, kept_parts, kept_said
from truegreen.model.history import (
    BASE_RUNS,
    Followed,
    History,
    PastCoverage,
    PastFailure,
    PastFindings,
    PastRun,
    PastTest,
    Said,
)
from truegreen.model.results import RunResults, TestResult
from truegreen.model.testrun import Outcome
from truegreen.stores import content, presence
from truegreen.stores.columns import SECONDS, Damaged, numbers, pairs, unpack, unshifted
from truegreen.stores.database import HEADER, NEWEST, STAGE, checksum, past_run

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from truegreen.stores.database import Connection, Row

T = TypeVar("T")

_DURATIONS_KEPT = 30
"""Newest runs of the default branch whose durations a gate compares with."""
_SKIPPED = (Outcome.SKIP,)
_PASSED = (Outcome.PASS,)
_RUNS = f"SELECT id, checksum, {HEADER} FROM runs WHERE id IN ({NEWEST}) ORDER BY created DESC, id DESC"  # noqa: S608
_STAGES = f"SELECT run_id, id, present, skipped, {STAGE} FROM stages WHERE run_id IN ({NEWEST}) ORDER BY id"  # noqa: S608
_ATTEMPTS = (
    "SELECT s.run_id, s.stage, t.name, a.attempts, coalesce(f.name, '') FROM attempts a "  # noqa: S608
    "JOIN stages s ON s.id = a.stage_id JOIN tests t ON t.id = a.test LEFT JOIN fingerprints f ON f.id = a.fingerprint "
    f"WHERE s.run_id IN ({NEWEST}) ORDER BY a.stage_id, a.test"
)


def history(
    connection: Connection,
    limit: int,
    tests: Mapping[str, Container[str]] | None = None,
    environment: str | None = None,
    followed: Followed | None = None,
) -> History:
    """Return the newest runs first, what is known of the tests asked for, and which did not run where others failed.

    Durations are those of runs in one environment, where one is named.

    Raises:
        Damaged: a row is not what was written.
    """
    stages = connection.rows(_STAGES, (limit,))
    of_run = _by_run(stages)
    odd = _by_run(connection.rows(_ATTEMPTS, (limit,)))
    runs: dict[int, PastRun] = {}
    sets: dict[str, list[Row]] = {}
    for number, written, *row in connection.rows(_RUNS, (limit,)):
        own, attempts = [stage[3:] for stage in of_run.get(number, ())], odd.get(number, [])
        if checksum(tuple(row), own, attempts) != written:
            raise Damaged(f"run {row[0]} is not what was written")
        runs[number] = past_run(tuple(row), own, failures=_failures(attempts))
        sets[row[0]] = [stage[1:4] for stage in of_run.get(number, ())]
    names = cache(lambda: test_names(connection))
    known, gone = _past_tests(connection, (runs, stages), tests, environment, names()) if tests else ({}, {})
    absent = presence.absent(
        tuple(runs.values()),
        sets,
        partial(test_set_spans, connection),
        cache(lambda: {name: number for number, (name, _) in names().items()}),
        followed or Followed(),
        environment or "",
    )
    damaged: list[str] = []
    coverage = _of_base(connection, kept_coverage.PART, kept_coverage.unpacked, damaged)
    findings = _of_base(connection, kept_findings.PART, kept_findings.unpacked, damaged)
    loads = _of_base(connection, kept_load.PART, kept_load.unpacked, damaged)
    said = _said(connection, limit, damaged)
    return History(
        runs=tuple(runs.values()),
        tests=known,
        gone=gone,
        absent=absent,
        coverage=tuple(PastCoverage(commit=commit, tree=tree, coverage=one) for commit, tree, one in coverage),
        findings=tuple(PastFindings(commit=commit, findings=one) for commit, _, one in findings),
        loads=tuple(one for _, _, kept in loads for one in kept),
        said=said,
        damaged=tuple(damaged),
    )


def test_names(connection: Connection) -> dict[int, tuple[str, int]]:
    """Return number of a test → its name, and its usual step."""
    return {test: (name, step) for test, name, step in connection.rows("SELECT id, name, step FROM tests")}


def results(connection: Connection, run: str, names: Mapping[int, tuple[str, int]]) -> RunResults:
    """Return a run with all its results, given the names of the tests; a damaged part is left out.

    Raises:
        Damaged: a row or a column is not what was written.
    """
    found = connection.rows(f"SELECT id, digest, {HEADER} FROM runs WHERE run_key = ?", (run,))  # noqa: S608 - our own
    number, digest, *row = found[0]
    read = f"SELECT id, present, skipped, durations, failed, {STAGE} FROM stages WHERE run_id = ? ORDER BY id"  # noqa: S608 - our own
    stages = connection.rows(read, (number,))
    given = {stage[5]: _results(connection, stage, names) for stage in stages if stage[1] is not None}
    repository, ref, event, url = row[13:17]
    parts = connection.rows("SELECT name, content FROM parts WHERE run_id = ? ORDER BY name", (number,))
    whole = RunResults(
        run=past_run(tuple(row), [stage[5:] for stage in stages]),
        results={stage: given[stage] for stage in sorted(given)},
        parts=_whole_parts(parts),
        repository=repository,
        ref=ref,
        event=event,
        run_url=url,
    )
    if content.digest(whole) != digest:
        raise Damaged(f"the results of run {run} are not what was written")
    return whole


def _results(connection: Connection, stage: Row, names: Mapping[int, tuple[str, int]]) -> tuple[TestResult, ...]:
    """Return the results of one stage, sorted by test."""
    place, present_set, skipped_set, durations, failed = stage[:5]
    present = numbers(test_set_spans(connection, present_set))
    skipped = set(numbers(test_set_spans(connection, skipped_set))) if skipped_set is not None else set()
    if not names.keys() >= set(present):
        raise Damaged("a test has no name")
    steps = unshifted(durations, [names[test][1] for test in present])
    odd = {test: (outcomes(letters), mark) for test, letters, mark in _odd(connection, place)}
    if content.failed((test, attempts) for test, (attempts, _) in odd.items()) != failed:
        raise Damaged("numbers of failed tests are not those of its attempts")
    found = []
    for test, step in zip(present, steps, strict=True):
        attempts, mark = odd.get(test) or (_SKIPPED if test in skipped else _PASSED, "")
        found.append(TestResult(test=names[test][0], attempts=attempts, duration_s=SECONDS[step], fingerprint=mark))
    return tuple(sorted(found, key=lambda result: result.test))


def outcomes(letters: str) -> tuple[Outcome, ...]:
    """Return attempts from their letters.

    Raises:
        Damaged: there is no such letter, or none at all.
    """
    try:
        found = content.outcomes(letters)
    except KeyError:
        raise Damaged(f"{letters!r} are no attempts") from None
    if not found:
        raise Damaged("a test has no attempt")
    return found


def _odd(connection: Connection, place: int) -> list[Row]:
    return connection.rows(
        "SELECT a.test, a.attempts, coalesce(f.name, '') FROM attempts a "
        "LEFT JOIN fingerprints f ON f.id = a.fingerprint WHERE a.stage_id = ? ORDER BY a.test",
        (place,),
    )


def test_set_spans(connection: Connection, test_set: int) -> list[tuple[int, int]]:
    """Return a set of tests as (first number, number after the last).

    Raises:
        Damaged: it is missing, or not what was written.
    """
    found = connection.rows("SELECT spans FROM test_sets WHERE id = ?", (test_set,))
    if not found:
        raise Damaged("a set of tests is missing")
    return pairs(found[0][0])


def _by_run(rows: Iterable[Row]) -> dict[int, list[Row]]:
    """Return rows by their first column, without it."""
    found: dict[int, list[Row]] = {}
    for number, *rest in rows:
        found.setdefault(number, []).append(tuple(rest))
    return found


def _failures(rows: Iterable[Row]) -> tuple[PastFailure, ...]:
    return tuple(
        PastFailure(stage=stage, test=test, attempts=outcomes(letters), fingerprint=mark)
        for stage, test, letters, mark in rows
        if "F" in letters or "E" in letters
    )


def _of_base(
    connection: Connection, part: str, unpacked: Callable[[bytes], T], damaged: list[str]
) -> list[tuple[str, str, T]]:
    """Return commit, tree and a part of the newest runs of the default branch that left one, newest first.

    A part that is not what was written costs that part alone: the results of the run have a digest of their own.

    Args:
        connection: to the store.
        part: its name.
        unpacked: gives back what was written; raises ValueError where it is something else.
        damaged: takes what is damaged.
    """
    rows = connection.rows(
        "SELECT r.run_key, r.commit_sha, r.tree, p.content FROM parts p JOIN runs r ON r.id = p.run_id "
        "WHERE r.base = 1 AND p.name = ? ORDER BY r.created DESC, r.id DESC",
        (part,),
    )
    found = []
    for run, commit, tree, data in rows:
        try:
            found.append((commit, tree, unpacked(unpack(data))))
        except ValueError as error:
            damaged.append(f"the {part} of run {run} is not what was written ({error})")
    return found


def _said(connection: Connection, limit: int, damaged: list[str]) -> dict[str, Said]:
    """Return what people heard of its branch by each of the newest runs; `damaged` takes what is."""
    rows = connection.rows(
        "SELECT r.run_key, p.content FROM parts p JOIN runs r ON r.id = p.run_id "  # noqa: S608 - our own names
        f"WHERE p.name = ? AND r.id IN ({NEWEST})",
        (kept_said.PART, limit),
    )
    found = {}
    for run, data in rows:
        try:
            found[run] = kept_said.unpacked(unpack(data))
        except ValueError as error:
            damaged.append(f"the {kept_said.PART} of run {run} is not what was written ({error})")
    return found


def damaged_parts(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with the parts of runs that `results` leaves out."""
    rows = connection.rows(
        "SELECT r.run_key, p.name, p.content FROM parts p JOIN runs r ON r.id = p.run_id ORDER BY 1, 2"
    )
    for run, name, data in rows:
        try:
            whole = unpack(data)
            if name in kept_parts.READERS:
                kept_parts.READERS[name](whole)
        except ValueError as error:
            yield f"run {run}: its part {name} is not what was written ({error})"


def _whole_parts(rows: Iterable[Row]) -> dict[str, bytes]:
    """Return the parts that are what was written."""
    found = {}
    for name, data in rows:
        with suppress(Damaged):
            found[name] = unpack(data)
    return found


def _past_tests(
    connection: Connection,
    kept: tuple[Mapping[int, PastRun], Iterable[Row]],
    wanted: Mapping[str, Container[str]],
    environment: str | None,
    names: Mapping[int, tuple[str, int]],
) -> tuple[dict[str, dict[str, PastTest]], dict[str, tuple[str, ...]]]:
    """Return, stage by stage, what is known of the tests asked for, and the usual ones that were not asked for."""
    runs, stages = kept
    failures = Counter((one.stage, one.test) for run in runs.values() for one in run.failures)
    place = {number: order for order, number in enumerate(runs)}
    known: dict[str, dict[str, PastTest]] = {}
    gone: dict[str, tuple[str, ...]] = {}
    for stage, asked in wanted.items():
        rows = sorted((row for row in stages if row[4] == stage and row[2] is not None), key=lambda r: place[r[0]])
        base = [row for row in rows if runs[row[0]].base][:BASE_RUNS]
        counts = counted(connection, Counter((row[2], row[3]) for row in rows))
        usual = counted(connection, Counter((row[2], row[3]) for row in base))
        durations = _durations(connection, stage, names, environment)
        known[stage] = {
            names[test][0]: PastTest(
                runs=number,
                failures=failures[stage, names[test][0]],
                durations_s=tuple(map(SECONDS.__getitem__, durations.get(test, ()))),
                base_runs=usual.get(test, 0),
            )
            for test, number in counts.items()
            if test in names and names[test][0] in asked
        }
        always = (names[test][0] for test, number in usual.items() if number == len(base) and test in names)
        if lost := tuple(sorted(name for name in always if name not in asked)):
            gone[stage] = lost
    return known, gone


def counted(connection: Connection, test_sets: Mapping[tuple[int, int | None], int]) -> dict[int, int]:
    """Return test → in how many runs it was more than skipped.

    Args:
        connection: to the store.
        test_sets: (set that was present, set that was skipped) → runs with exactly these.
    """
    steps: Counter[int] = Counter()
    for (present, skipped), runs in test_sets.items():
        for first, after in test_set_spans(connection, present):
            steps[first] += runs
            steps[after] -= runs
        for first, after in test_set_spans(connection, skipped) if skipped is not None else ():
            steps[first] -= runs
            steps[after] += runs
    borders = sorted(steps)
    heights = list(accumulate(steps[border] for border in borders))
    return {
        test: height
        for first, after, height in zip(borders, borders[1:], heights, strict=False)
        if height > 0
        for test in range(first, after)
    }


def _durations(
    connection: Connection, stage: str, names: Mapping[int, tuple[str, int]], environment: str | None
) -> dict[int, list[int]]:
    """Return test → steps of its newest passes on the default branch, newest first; in one environment if named."""
    rows = connection.rows(
        "SELECT s.id, s.present, s.skipped, s.durations FROM stages s JOIN runs r ON r.id = s.run_id "
        "WHERE s.stage = ? AND r.base = 1 AND s.present IS NOT NULL AND r.environment = coalesce(?, r.environment) "
        "ORDER BY r.created DESC, r.id DESC LIMIT ?",
        (stage, environment, _DURATIONS_KEPT),
    )
    sets = {one: numbers(test_set_spans(connection, one)) for one in {row[1] for row in rows}}
    usual = {one: [names[test][1] if test in names else 0 for test in tests] for one, tests in sets.items()}
    found: dict[int, list[int]] = {}
    for place, present, skipped, durations in rows:
        passed_over = {test for (test,) in connection.rows("SELECT test FROM attempts WHERE stage_id = ?", (place,))}
        if skipped is not None:
            passed_over.update(numbers(test_set_spans(connection, skipped)))
        for test, step in zip(sets[present], unshifted(durations, usual[present]), strict=True):
            if step and test not in passed_over:
                found.setdefault(test, []).append(step)
    return found


def every_run(connection: Connection) -> Iterator[tuple[str, bytes]]:
    """Yield run and digest of every run, oldest first."""
    yield from connection.rows("SELECT run_key, digest FROM runs ORDER BY created, id")
