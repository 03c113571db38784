"""What a question of the fixture `probe` costs, and emptying a database, held against a client that does it itself."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import measure
import msgspec
import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUESTIONS, ROUNDS, TABLES = 100, 15, 20
TABLE = '\n[tool.truegreen.services.postgres]\nprovider = "embedded"\n'


def per_use() -> Iterator[measure.Row]:
    """Yield a question, which may take twice as long as a client's own connection and query in the same run.

    Then `clean_postgres`, which finds one of 20 tables filled, and may take as long as a TRUNCATE of all of them.
    """
    sys.path.insert(0, str(measure.ROOT / "scripts"))
    from truegreen.model.service import ServiceHandle  # noqa: PLC0415 - needed by these figures only
    from truegreen.stages.common.probe import Probe as Answers  # noqa: PLC0415
    from truegreen.stages.common.recorder import Recorder  # noqa: PLC0415
    from truegreen_pytest.probe import Probe, ask  # noqa: PLC0415
    from truegreen_pytest.recorder import Line  # noqa: PLC0415

    with measure.project(TABLE) as folder, tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        try:
            server = msgspec.convert(measure.truegreen_json("services", "up", cwd=folder)[0], ServiceHandle)
            with Recorder((), Path(name), probe=Answers((server,))).listening() as address:
                line = Line(str(address))
                probe = Probe(line)
                with psycopg.connect(server.url, autocommit=True) as connection:
                    names = [f"t{number}" for number in range(TABLES)]
                    for one in names:
                        connection.execute(f"CREATE TABLE {one} (id serial PRIMARY KEY)")
                    yield _question(server.url, lambda: probe.count("t0"))
                    yield _emptying(connection, names, lambda: ask(line, "clean", kind="postgres"))
        finally:
            measure.timed(measure.truegreen("services", "down"), cwd=folder)


def _question(url: str, asks: Callable[[], object]) -> measure.Row:
    def client() -> None:
        with psycopg.connect(url, autocommit=True) as own:
            own.execute("SELECT count(*) FROM t0").fetchone()

    ours, floor = _in_turn(asks, client, QUESTIONS)
    middle = statistics.median(floor) * 1000
    note = f"{statistics.median(ours) * 1000 / middle:.1f} x a client's own connection and query ({middle:.1f} ms)"
    return measure.row("a question of probe", 2 * middle, ours, note=note)


def _emptying(connection: psycopg.Connection, names: list[str], empties: Callable[[], object]) -> measure.Row:
    def ours() -> None:
        if empties() != ["public.t0"]:
            raise measure.Broken("not exactly the table that holds anything was emptied")

    def all_of_them() -> None:
        connection.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY")

    def fill() -> None:
        connection.execute("INSERT INTO t0 DEFAULT VALUES")

    spent, floor = _in_turn(ours, all_of_them, ROUNDS, fill)
    middle = statistics.median(floor) * 1000
    note = f"one of {TABLES} tables holds a row; {statistics.median(spent) * 1000 / middle:.2f} x TRUNCATE of all"
    return measure.row("clean_postgres", middle, spent, note=note)


def _in_turn(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None
) -> tuple[list[float], list[float]]:
    """Return seconds of both, measured in turn; `before` runs before each of them."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for spent, action in zip(found, (ours, peer), strict=True):
            before()
            begun = time.perf_counter()
            action()
            spent.append(time.perf_counter() - begun)
    return found
