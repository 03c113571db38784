"""The seed of a random order of tests."""

from __future__ import annotations

import random
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.pytest_process import Session

SEEDS = 1 << 32
"""Number of seeds; PYTHONHASHSEED takes no larger one."""


def draw() -> int:
    """Return a seed that nobody can foresee."""
    return random.SystemRandom().randrange(SEEDS)


def seed(context: StageContext) -> int | None:
    """Return the seed to replay, else a new one where the stage's order is random; None leaves the order alone."""
    if context.seed is None and context.options.order != "random":
        return None
    chosen = draw() if context.seed is None else context.seed
    # Said before the run as well: one that hangs leaves no notes.
    context.console.line(f"tests run in random order, seed {chosen}")
    return chosen


def replay(session: Session | None) -> str:
    """Return the seed by which the session's order can be repeated; empty when it was not random."""
    if session is None or session.order in ("", "as-written") or not session.seed.isdecimal():
        return ""
    return session.seed


def told(context: StageContext, session: Session | None) -> list[str]:
    """Return a note on a random order, with the command that repeats it."""
    found = replay(session)
    if session is None or not found:
        return []
    by = "" if session.order == "random" else f" by {session.order}"
    hashes = session.hash_seed or "not set"
    tail = f" -- {shlex.join(context.pytest_args)}" if context.pytest_args else ""
    stage = context.stage
    return [
        f"random order{by}, seed {found}, PYTHONHASHSEED {hashes}; replay: truegreen run {stage} --seed {found}{tail}"
    ]
