"""What a persistence test pays for its evidence: the pauses in which it waits for the recorder.

As in the stage, the recorder and the tests are two processes; run as a program, this file is the tests.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import measure
import msgspec
import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(measure.ROOT / "scripts" / "truegreen_pytest"))  # the line alone, without pytest
from recorder import Line

TESTS = 300
TABLE = '\n[tool.truegreen.services.postgres]\nprovider = "embedded"\n'


def per_test() -> Iterator[measure.Row]:
    """Yield the 95th percentile over tests that each commit one row; limit 1 ms."""
    with measure.project(TABLE) as folder:
        try:
            handle = measure.truegreen_json("services", "up", cwd=folder)[0]
            costs = _costs(handle)
        finally:
            measure.timed(measure.truegreen("services", "down"), cwd=folder)
    p95 = statistics.quantiles(costs, n=20)[-1]
    note = f"p95 of {TESTS} tests with one insert each; median {statistics.median(costs) * 1000:.2f} ms"
    yield measure.Row(name="persistence evidence a test", limit_ms=1, value_ms=p95 * 1000, runs=TESTS, note=note)


def _costs(handle: dict[str, Any]) -> list[float]:
    """Return, per test, the seconds spent telling the recorder; checks that it saw every row."""
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.model.persistence import PersistenceEvidence  # noqa: PLC0415 - needed by the recorder's side only
    from truegreen.model.service import ServiceHandle  # noqa: PLC0415
    from truegreen.stages.common.recorder import Recorder  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        path = Path(name) / "persistence.json"
        recorder = Recorder(msgspec.convert(handle, ServiceHandle), path)
        with recorder.listening() as address:
            text = measure.timed([measure.PYTHON, __file__, str(address), handle["url"]])[1]
        seen = msgspec.json.decode(path.read_bytes(), type=PersistenceEvidence)
    rows = sum(change.count for phase in seen.phases for change in phase.committed if phase.phase == "call")
    if not seen.complete or rows != TESTS:
        raise measure.Broken(f"the recorder saw {rows} of {TESTS} rows: {seen.problem or 'incomplete'}")
    costs: list[float] = json.loads(text)
    return costs


def tests(address: str, url: str) -> int:
    """Print what telling the recorder cost, in seconds, for each test."""
    line = Line(address)
    line.tell(event="start")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE bench (id int)")
        costs = [_one(line, database, number) for number in range(TESTS)]
    line.tell(event="finish")
    print(json.dumps(costs))
    return 1 if line.problem else 0


def _one(line: Line, database: psycopg.Connection, number: int) -> float:
    """Run one test of three phases and return what telling cost."""
    cost = 0.0
    for phase in ("setup", "call", "teardown"):
        if phase == "call":
            database.execute("INSERT INTO bench VALUES (%s)", (number,))
        start = time.perf_counter()
        line.tell(event="mark", test=f"t::{number}", phase=phase, demands=[])
        cost += time.perf_counter() - start
    return cost


if __name__ == "__main__":
    sys.exit(tests(*sys.argv[1:3]))
