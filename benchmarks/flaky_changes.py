"""How right and how quick the verdict is where a rate changes: begun anew at a confirmed change, and never anew."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from truegreen.analysis.change_point import since
from truegreen.analysis.sequential import EVIDENCE_ANEW, EVIDENCE_NEEDED, Decision, decide

if TYPE_CHECKING:
    import random

LIMIT = 0.01
BEFORE, AFTER = 500, 1000
"""Runs before and after the change."""
STEP = 20
"""The verdict is asked at every failure and at every so many runs: between them it can only come later."""
CHANGES = ((0.05, 0.0005), (0.0005, 0.05), (0.05, 0.012), (0.0005, 0.008), (0.0101, 0.0101), (0.0099, 0.0099))


@dataclass(frozen=True)
class Outcome:
    """What became of many histories after a change."""

    wrong: float
    """Share in which the verdict contradicted the new rate as no memory of the old one explains."""
    noticed: float
    """Share with the right verdict on the new rate."""
    median_runs: float
    """Runs from the change to it; not a number without any."""


def play(before: float, after: float, histories: int, random: random.Random, *, anew: bool) -> Outcome:
    """Return how a verdict does that begins anew at a confirmed change, or never does."""
    # After a change the other verdict may still be about the past; where nothing changed there is no such excuse.
    right, wrong = (Decision.BELOW, Decision.ABOVE) if after < LIMIT else (Decision.ABOVE, Decision.BELOW)
    late = (before < LIMIT) is not (after < LIMIT)
    bad, when = 0, []
    for _ in range(histories):
        failures = [run for run in range(BEFORE + AFTER) if random.random() < (before if run < BEFORE else after)]
        found = list(_verdicts(failures, anew=anew))
        bad += not late and any(verdict is wrong for _, verdict in found)
        when += [run - BEFORE for run, verdict in found if verdict is right][:1]
    return Outcome(bad / histories, len(when) / histories, statistics.median(when) if when else math.nan)


def _verdicts(failures: list[int], *, anew: bool) -> list[tuple[int, Decision]]:
    """Return the verdicts after the change, each with the number of runs until then."""
    asked = sorted({run + 1 for run in failures if run >= BEFORE} | {*range(BEFORE + STEP, BEFORE + AFTER + 1, STEP)})
    found = []
    for runs in asked:
        seen = [run for run in failures if run < runs]
        start = since(seen, runs) if anew else 0
        needed = EVIDENCE_ANEW if start else EVIDENCE_NEEDED
        found.append((runs, decide(runs - start, sum(run >= start for run in seen), LIMIT, needed=needed)))
    return found
