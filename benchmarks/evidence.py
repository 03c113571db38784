"""What a persistence test pays for its evidence: the same test with and without it, in turn.

As in the stage, the recorder and the tests are two processes; run as a program, this file is the tests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import measure
import msgspec
import phases
import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

sys.path.insert(0, str(measure.ROOT / "scripts" / "truegreen_pytest"))  # the line alone, without pytest
from recorder import Line

PAIRS = 400
STORES = ("postgres", "redis")
_MAJOR = 18
_PYTEST_S: dict[str, float] = {}
"""What pytest itself takes before each phase."""
TABLE = "".join(f'\n[tool.truegreen.services.{name}]\nprovider = "embedded"\n' for name in STORES)


def per_test() -> Iterator[measure.Row]:
    """Yield, for each store alone and for both, what evidence adds to a test that writes once.

    A recorder that observes nothing is the floor: three messages, and answers to two. The median is of the differences
    within pairs of a test with and a test without evidence; limit 0.5 ms. The 95th percentile is of the pauses in which
    tests wait for the recorder; limit 1 ms. On a busy machine both are mostly waits for a processor, so a bare round
    trip to the same server stands beside them; the recorder's own processor time does not depend on it. Before each
    phase the tests work as long as pytest itself does here, for the recorder works meanwhile. They do not sleep: the
    processor is busy then, as in a session.
    """
    with measure.project(TABLE) as folder:
        try:
            handles = measure.truegreen_json("services", "up", *STORES, cwd=folder)
            for names in ((), STORES[:1], STORES[1:], STORES):
                yield from _rows(
                    [handle for handle in handles if handle["name"] in names], " and ".join(names) or "nothing"
                )
        finally:
            measure.timed(measure.truegreen("services", "down"), cwd=folder)


def per_tier() -> Iterator[measure.Row]:
    """Yield what evidence of PostgreSQL adds to a test by each of its techniques, on one server that allows them all.

    Tier A is the one with a limit that tests are promised, 0.5 ms. B and C are for servers that do not let their log be
    read; both connect anew to the database that changed, and the limit is only to notice when they get slower.
    """
    sys.path[:0] = [str(measure.ROOT), str(measure.ROOT / "scripts")]
    from tests.support.postgres_servers import Server  # noqa: PLC0415 - builds a server with settings of its own

    from truegreen.stages.common.logical import LogicalReader  # noqa: PLC0415
    from truegreen.stages.common.rowscan import RowScan  # noqa: PLC0415
    from truegreen.stages.common.wal import WalReader  # noqa: PLC0415
    from truegreen.stages.common.watch import of_service  # noqa: PLC0415

    for letter, reader, limit_ms in (("A", WalReader, 0.5), ("B", LogicalReader, 100.0), ("C", RowScan, 100.0)):
        with contextlib.closing(Server(Path(f"bench-{letter}"), _MAJOR, wal_level="logical")) as server:
            with server.connect("postgres") as connection:
                connection.execute("CREATE DATABASE app")
            handle = server.handle()
            own = functools.partial(reader, handle, (handle.database,))
            store = dataclasses.replace(of_service(handle), open=own)
            found = _measured([store], [handle.url])
            note = f"PostgreSQL {_MAJOR}, {PAIRS} pairs of a test with and one without, in turn"
            yield measure.row(f"evidence of tier {letter}, added to a test", limit_ms, found["added"], note=note)


def _rows(handles: list[dict[str, Any]], name: str) -> Iterator[measure.Row]:
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.model.service import ServiceHandle  # noqa: PLC0415 - needed by the recorder's side only
    from truegreen.stages.common.watch import of_service  # noqa: PLC0415

    stores = [of_service(msgspec.convert(handle, ServiceHandle)) for handle in handles]
    found = _measured(stores, [handle["url"] for handle in handles])
    without = statistics.median(found["without"]) * 1000
    note = f"{PAIRS} pairs of a test with and one without, in turn; without it takes {without:.2f} ms"
    if found["bare"]:
        bare = statistics.median(found["bare"]) * 1000
        ratio = statistics.median(found["added"]) * 1000 / bare
        note += f"; {ratio:.1f} bare round trips to the server of {bare:.2f} ms"
    yield measure.row(f"evidence of {name}, added to a test", 0.5, found["added"], note=note)
    p95, plain = (statistics.quantiles(found[what], n=20)[-1] * 1000 for what in ("pauses", "without"))
    note = f"pauses; 95 of 100 tests without evidence take less than {plain:.2f} ms"
    yield measure.Row(name=f"evidence of {name}, 95 of 100 tests", limit_ms=1, value_ms=p95, runs=PAIRS, note=note)
    spent = found["spent"][0] / PAIRS * 1000
    note = "processor time of the recorder's process"
    yield measure.Row(name=f"evidence of {name}, work a test", limit_ms=2, value_ms=spent, runs=PAIRS, note=note)


def _measured(stores: list[Any], urls: list[str]) -> dict[str, list[float]]:
    """Return seconds added, without evidence, of pauses and of work; checks that the recorder saw every write."""
    from truegreen.model.persistence import PersistenceEvidence  # noqa: PLC0415 - needed by the recorder's side only
    from truegreen.stages.common.recorder import Recorder  # noqa: PLC0415

    takes = json.dumps(phases.pytest_takes())
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        recorder = Recorder(stores, Path(name))
        with recorder.listening() as address:
            begun = time.process_time()
            text = measure.timed([measure.PYTHON, __file__, str(address), takes, *urls])[1]
            spent = time.process_time() - begun
        for store in stores:
            seen = msgspec.json.decode((Path(name) / store.file).read_bytes(), type=PersistenceEvidence)
            calls = [phase for phase in seen.phases if phase.phase == "call"]
            wrote = sum(sum(change.count for change in phase.committed) == 1 for phase in calls)
            if not seen.complete or wrote != PAIRS:
                raise measure.Broken(f"{wrote} of {PAIRS} writes seen in {store.name}: {seen.problem or 'incomplete'}")
    found: dict[str, list[float]] = json.loads(text)
    return {**found, "spent": [spent]}


def tests(address: str, takes: str, urls: list[str]) -> int:
    """Print seconds that evidence adds to each test, that it takes without, and that it waits."""
    _PYTEST_S.update(json.loads(takes))
    line = Line(address)
    line.tell(event="start")
    found: dict[str, list[float]] = {"added": [], "without": [], "pauses": [], "bare": []}
    pairs = [_postgres(url) if url.startswith("postgresql:") else _redis(url) for url in urls]
    writes = [write for write, _ in pairs]
    for number in range(PAIRS):
        pair = {with_evidence: _one(line if with_evidence else None, writes, number) for with_evidence in _turn(number)}
        found["added"].append(pair[True][0] - pair[False][0])
        found["without"].append(pair[False][0])
        found["pauses"].append(pair[True][1])
        if pairs:
            found["bare"].append(_round_trips(bare for _, bare in pairs))
    line.tell(event="finish")
    print(json.dumps(found))
    return 1 if line.problem else 0


def _turn(number: int) -> tuple[bool, bool]:
    return (True, False) if number % 2 else (False, True)


def _round_trips(asks: Iterable[Callable[[], object]]) -> float:
    """Return the seconds of one question to each server."""
    _pytest_before("teardown")
    begun = time.perf_counter()
    for ask in asks:
        ask()
    return time.perf_counter() - begun


def _postgres(url: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    """Return what writes one row, and what asks the least that a server can be asked."""
    database = psycopg.connect(url, autocommit=True)
    database.execute("DROP TABLE IF EXISTS bench")
    database.execute("CREATE TABLE bench (id int)")

    def write(number: int) -> None:
        database.execute("INSERT INTO bench VALUES (%s)", (number,))

    database.pgconn.prepare(b"bare", b"SELECT 1")
    return write, lambda: database.pgconn.exec_prepared(b"bare", [])


def _redis(url: str) -> tuple[Callable[[int], None], Callable[[], object]]:
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname, parts.port))

    def write(number: int) -> None:
        sock.sendall(b"SET bench %d\r\n" % number)
        if sock.recv(16) != b"+OK\r\n":
            raise measure.Broken("Redis refused")

    def bare() -> None:
        sock.sendall(b"PING\r\n")
        sock.recv(16)

    return write, bare


def _one(line: Line | None, writes: list[Callable[[int], None]], number: int) -> tuple[float, float]:
    """Run one test of three phases as the plugin does; return its seconds, and those in which it waited."""
    pauses: list[float] = []

    def say(word: Callable[..., object], phase: str = "") -> None:
        start = time.perf_counter()
        if line is not None:
            mark = {"event": "mark", "test": f"t::{number}", "phase": phase, "demands": []}
            word(line, **(mark if phase else {}))
        pauses.append(time.perf_counter() - start)

    begun = time.perf_counter()
    _pytest_before("setup")
    say(Line.ask, "setup")
    _pytest_before("call")
    say(Line.settle)
    for write in writes:
        write(number)
    say(Line.ask, "call")
    _pytest_before("teardown")
    say(Line.settle)
    say(Line.note, "teardown")
    return time.perf_counter() - begun, sum(pauses)


def _pytest_before(phase: str) -> None:
    end = time.perf_counter() + _PYTEST_S[phase]
    while time.perf_counter() < end:
        pass


if __name__ == "__main__":
    sys.exit(tests(sys.argv[1], sys.argv[2], sys.argv[3:]))
