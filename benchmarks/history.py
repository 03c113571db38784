"""The history at ten million results: its size, the question about flakiness, and what a gate reads before it judges.

Beside it, on the first of the same runs, a plain table with one row a result: what everybody writes first. Times are
seconds of the processor, which other work on the machine stretches less.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import ingest
import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.insert(0, str(measure.ROOT / "scripts"))
from truegreen.model.history import PastRun, PastStage
from truegreen.model.results import RunResults, TestResult
from truegreen.model.testrun import Outcome
from truegreen.stores.sqlite_file import SqliteStore

TESTS, RUNS, WRITTEN = 5_000, 2_000, 100
LIMIT_MB, QUERY_MS = 20.0, 100.0
_COPIED = {
    "runs": {
        "id": "id + :copy * :number",
        "run_key": "run_key || '-' || :copy",
        "tree": "tree || :copy",
        "created": "replace(created, '2026', 2026 - :copy)",
    },
    "stages": {"id": "id + :copy * :number", "run_id": "run_id + :copy * :number"},
    "attempts": {"stage_id": "stage_id + :copy * :number"},
}
"""Table → column → what a copy has there; a run has one stage here, and both have the same number."""
_PASS, _FAIL, _MASKED = (Outcome.PASS,), (Outcome.FAIL,), (Outcome.FAIL, Outcome.PASS)


def history() -> Iterator[measure.Row]:
    """Yield the flakiness query and the load of a gate; one test in a hundred does not pass."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        folder = Path(name)
        store, size_mb = _filled(folder / "whole.sqlite", runs(WRITTEN, 0.01), RUNS // WRITTEN)
        if size_mb > LIMIT_MB:
            raise measure.Broken(f"{TESTS * RUNS:,} results take {size_mb:.1f} MB, the limit is {LIMIT_MB:g} MB")
        note = f"{TESTS * RUNS:,} results in {size_mb:.1f} MB, 1 % not passing; per test: runs, failures, disagreements"
        note += f"; {ingest.stretched(QUERY_MS)}"
        yield measure.row("history: flakiness query", QUERY_MS * ingest.slower(), _times(store.summaries), note=note)
        yield _against_rows(folder)
        broken, broken_mb = _filled(folder / "broken.sqlite", runs(WRITTEN, 0.2), RUNS // WRITTEN)
        note = f"the degraded figure: {TESTS * RUNS:,} results in {broken_mb:.1f} MB"
        yield measure.row("history: the same, 20 % failing", 3000, _times(broken.summaries, 3), note=note)
        calm, _ = _filled(folder / "calm.sqlite", _few_tests())
        note = f"{RUNS:,} runs of 5 stages, 2 failures each, every row checked; {ingest.stretched(QUERY_MS)}"
        loads = _times(lambda: calm.history(RUNS))
        yield measure.row("history: what a gate loads", QUERY_MS * ingest.slower(), loads, note=note)


def runs(number: int, ratio: float) -> Iterator[RunResults]:
    """Yield runs of one suite; durations vary by 20 %, and a share of the tests (0 to 1) fails."""
    dice = random.Random(1)
    names = [f"tests/pkg_{n % 97}/test_module_{n % 311}.py::TestThing::test_case_{n}" for n in range(TESTS)]
    usual = [dice.lognormvariate(-4, 1.5) for _ in names]
    for run in range(number):
        bad = {test: dice.choice((_FAIL, _MASKED)) for test in dice.sample(range(TESTS), int(TESTS * ratio))}
        noise = [dice.gauss(1, 0.2) for _ in names]
        results = tuple(
            TestResult(
                test=name,
                attempts=bad.get(test, _PASS),
                duration_s=usual[test] * max(0.2, noise[test]),
                fingerprint=f"AssertionError:{test % 50}" if test in bad else "",
            )
            for test, name in enumerate(names)
        )
        yield RunResults(run=_header(run), results={"unit": results})


def _header(
    run: int, stages: tuple[PastStage, ...] = (PastStage(stage="unit", status="pass", tests=TESTS),)
) -> PastRun:
    return PastRun(
        run=f"{run}.1",
        commit=f"{run:040x}",
        created=f"2026-{1 + run // 200:02}-{1 + run % 200 // 8:02}T{run % 8:02}:00:00Z",
        status="pass",
        tree=f"{run * 7 // 10:040x}",
        environment="e",
        base=True,
        stages=stages,
    )


def _few_tests() -> Iterator[RunResults]:
    names = ("lint", "unit", "wiring", "persistence", "e2e")
    stages = tuple(PastStage(stage=name, status="pass", duration_s=3.0) for name in names)
    for run in range(RUNS):
        failed = tuple(TestResult(test=f"t.py::test_{(run + n) % 50}", attempts=_FAIL) for n in range(2))
        yield RunResults(run=_header(run, stages), results={"unit": failed})


def _filled(path: Path, given: Iterator[RunResults], times: int = 1) -> tuple[SqliteStore, float]:
    """Return a store with these runs, each so many times, and its megabytes.

    Runs after the first are copied row by row, each with bytes of its own: the size and the work of a query are
    those of runs that were written one by one, which takes minutes.
    """
    store = SqliteStore(path)
    number = store.merge(given)
    with closing(sqlite3.connect(path)) as connection, connection:
        for copy in range(1, times):
            for table, changed in _COPIED.items():
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                values = ", ".join(changed.get(column, column) for column in columns)
                statement = f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {columns[0]} <= :number"
                connection.execute(statement, {"number": number, "copy": copy})
    store.compact()
    return store, path.stat().st_size / 1e6


def _times(work: Callable[[], object], times: int = 7) -> list[float]:
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return found


def _against_rows(folder: Path) -> measure.Row:
    """Return the query beside a table of rows that holds the same."""
    store, size_mb = _filled(folder / "some.sqlite", runs(WRITTEN, 0.01))
    path = folder / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE results (run INTEGER, tree TEXT, test INTEGER, attempts TEXT, duration_us INTEGER, "
        "PRIMARY KEY (test, run)) WITHOUT ROWID"
    )
    for number, run in enumerate(store.runs()):
        rows = [
            (number, run.run.tree, test, " ".join(one.attempts), int(one.duration_s * 1e6))
            for test, one in enumerate(run.results["unit"])
        ]
        connection.executemany("INSERT INTO results VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    query = (
        "SELECT test, sum(runs), sum(failures), sum(failures > 0 AND passes > 0) FROM "
        "(SELECT test, tree, count(*) runs, "
        "sum(attempts LIKE 'fail%') failures, sum(attempts LIKE '%pass') passes FROM results GROUP BY test, tree) "
        "GROUP BY test"
    )
    plain = connection.execute(query).fetchall()
    if sum(row[2] for row in plain) != sum(one.failures for one in store.summaries()):
        raise measure.Broken("the two stores do not agree on what failed")
    peer = min(_times(lambda: connection.execute(query).fetchall(), 3))
    connection.close()
    ours = _times(store.summaries)
    note = f"{peer / min(ours):.0f} x faster, {path.stat().st_size / 1e6 / size_mb:.0f} x smaller than a table of rows"
    return measure.row(f"history: {TESTS * WRITTEN:,} results", peer * 1000 / 5, ours, note=note)
