"""Figures of load tests in the form in which the history keeps them: one row a stage, exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import this_run
from truegreen.model.history import PastLoad

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from truegreen.model.load import LoadResult
    from truegreen.model.run import StageEvidence

PART = "load"
"""Name of the part of a run that holds them."""
_MOST = 500
"""Of more kinds of requests none is kept by itself: a script that puts a number into each name has no kinds."""


def of(stages: Iterable[StageEvidence], green: Collection[str]) -> tuple[PastLoad, ...]:
    """Return the figures of the stages that were green; what failed must not become the measure.

    Args:
        stages: evidence of a run.
        green: names of the stages that were.
    """
    return tuple(
        _kept(stage.stage, stage.load, this_run.environment_of(stage.records))
        for stage in stages
        if stage.stage in green and stage.load is not None and usable(stage.load)
    )


def usable(load: LoadResult) -> bool:
    """Return whether figures can be compared: requests were sent, and rate and times are numbers."""
    return load.requests > 0 and timed(load.rps) and timed(load.p95_ms)


def timed(value: float) -> bool:
    """Return whether a figure is a number above zero."""
    return math.isfinite(value) and value > 0


def _kept(stage: str, load: LoadResult, environment: str) -> PastLoad:
    kinds = {one.name: one.p95_ms for one in load.endpoints if timed(one.p95_ms)}
    return PastLoad(
        stage=stage,
        tool=load.tool,
        environment=environment,
        rps=load.rps,
        p95_ms=load.p95_ms,
        endpoints_p95_ms=kinds if len(kinds) <= _MOST else {},
    )


def packed(kept: tuple[PastLoad, ...]) -> bytes:
    """Return figures as bytes."""
    return msgspec.json.encode(kept)


def unpacked(data: bytes) -> tuple[PastLoad, ...]:
    """Return what `packed` was given.

    Raises:
        ValueError: it is something else.
    """
    try:
        return msgspec.json.decode(data, type=tuple[PastLoad, ...])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
