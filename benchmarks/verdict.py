"""What verdicts cost that read history: every gate, over a run of eight stages with two thousand runs before it."""

from __future__ import annotations

import sys
import time
from random import Random
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.history import PastRun

RUNS = 9
PAST_RUNS = 2000
TESTED = ("unit", "wiring", "persistence", "e2e")
FLAKY_TESTS = 300


def with_history() -> Iterator[measure.Row]:
    """Yield the judgement of a whole run in whose history every sixth run has a flaky test; limit 0.3 s."""
    sys.path[:0] = [str(measure.ROOT / "scripts"), str(measure.ROOT)]
    from tests.support import evidence  # noqa: PLC0415 - needs the paths

    from truegreen.gates import judging  # noqa: PLC0415
    from truegreen.model.history import History  # noqa: PLC0415

    run, history = evidence.run(), History(runs=tuple(_past(Random(1))))
    times, verdicts = [], 0
    for _ in range(RUNS):
        begin = time.perf_counter()
        verdicts = sum(len(stage.verdicts) for stage in judging.judge(run, {}, history))
        times.append(time.perf_counter() - begin)
    note = f"{verdicts} verdicts, {PAST_RUNS:,} runs of {len(TESTED)} stages before"
    yield measure.row("verdict with history", 300, times, note=note)


def _past(random: Random) -> Iterator[PastRun]:
    from tests.support import past  # noqa: PLC0415

    from truegreen.model.history import PastStage  # noqa: PLC0415

    stages = tuple(PastStage(stage=name, status="pass", tests=5000) for name in TESTED)
    for number in range(PAST_RUNS):
        names = random.sample(range(FLAKY_TESTS), random.choice((0,) * 10 + (1, 7)))
        failures = (past.failure(f"t{name}", past.FAIL, past.PASS, stage=TESTED[name % len(TESTED)]) for name in names)
        yield past.run(2 * number, *failures, stages=stages)
