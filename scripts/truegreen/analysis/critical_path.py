"""Which pieces of work a run's end had to wait for; times are seconds on any common clock."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOCK_S = 1.0
"""Starts are kept in whole seconds, so that one may seem to lie up to a second before the end it waited for."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work, such as a shard of a stage."""

    name: str
    begin_s: float
    end_s: float
    machine: str
    """Two pieces on one machine cannot run at once; pieces on different machines do not wait for each other."""

    @property
    def duration_s(self) -> float:
        """Return how long it ran."""
        return self.end_s - self.begin_s


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work on the path, and how long it stood ready before it began."""

    work: Work
    waited_s: float
    """Since the piece before it on the path ended, or since the run began."""


def critical_path(works: Sequence[Work]) -> tuple[Step, ...]:
    """Return what led to the run's end, in order: each step began only after the one before it had ended.

    All work is ready when the run begins (the stages of a pipeline do not need each other), so a piece waits for
    nothing but its machine. The path goes back from the piece that ended last, over what its machine did before
    (the critical path of Kelley and Walker, 1959, with machines as the only resource). Empty without work.
    """
    if not works:
        return ()
    machines = _machines(works)
    begin_s = min(work.begin_s for work in works)
    steps: list[Step] = []
    work: Work | None = max(works, key=lambda one: (one.end_s, one.name))
    while work is not None:
        queue = machines.get(work.machine, [work])
        place = queue.index(work)
        before = queue[place - 1] if place else None
        ready_s = before.end_s if before else begin_s
        steps.append(Step(work=work, waited_s=max(0.0, work.begin_s - ready_s)))
        work = before
    return tuple(reversed(steps))


def saved_without(works: Sequence[Work], gone: Work) -> float:
    """Return by how many seconds the run would end earlier without one piece of work.

    What its machine did afterwards moves up by its duration; everything else stays where it was.
    """
    queue = _machines(works).get(gone.machine, [gone])
    moved = {id(work) for work in queue[queue.index(gone) + 1 :]}
    ends = [work.end_s - (gone.duration_s if id(work) in moved else 0.0) for work in works if work is not gone]
    last_s = max(work.end_s for work in works)
    begin_s = min(work.begin_s for work in works)
    return last_s - max(ends, default=begin_s)


def _machines(works: Sequence[Work]) -> dict[str, list[Work]]:
    """Return machine → its work in order; a name whose work overlaps belongs to several machines and is left out."""
    found: dict[str, list[Work]] = {}
    for work in sorted(works, key=lambda one: (one.begin_s, one.end_s)):
        found.setdefault(work.machine, []).append(work)
    return {
        machine: queue
        for machine, queue in found.items()
        if machine and all(a.end_s <= b.begin_s + _CLOCK_S for a, b in itertools.pairwise(queue))
    }
