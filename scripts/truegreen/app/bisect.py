"""`truegreen bisect`: find the test that makes another one fail, and prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import run
from truegreen.app.shell import evidence
from truegreen.errors import UsageError
from truegreen.runtime import files
from truegreen.stages.common.options import PytestOptions, StackOptions
from truegreen.stages.common.pytest_bisect import Bisection, Bisector, Found
from truegreen.stages.common.pytest_run import marker_of

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

FOLDER = "bisect"
"""Folder beside the evidence of the stages, which stays untouched."""
_SHOWN = 10


class _Seeded(msgspec.Struct, frozen=True):
    """What the session of a stage's evidence says of its order."""

    order: str = ""
    seed: str = ""


def find(shell: Shell, settings: Settings, *, stage: str, test: str, seed: int | None) -> Bisection:
    """Return which test before it makes a test fail, in the order of a seed.

    Args:
        shell: the effects.
        settings: the project's settings.
        stage: stage with the test.
        test: its id, as reports name it.
        seed: random order to replay; None takes that of the stage's last evidence, else the order as written.

    Raises:
        UsageError: the stage has no tests of its own, or needs a running stack.
        UnknownName: there is no such stage or test.
        ToolFailed: the tests could not be run in the order that was asked.
    """
    registry.load("stage", stage)
    options = settings.stages[stage]
    if not isinstance(options, PytestOptions) or isinstance(options, StackOptions):
        raise UsageError(
            f"the tests of {stage} cannot be bisected", where="STAGE", fix="name unit, wiring or persistence"
        )
    with run.alone(shell, settings):
        chosen = _last_seed(settings, stage) if seed is None else seed
        request = run.Request(stages=(stage,), seed=chosen)
        out = files.fresh_dir(evidence(settings.root, FOLDER))
        with run.standing(shell, settings, request, out) as context:
            return Bisector(context, marker=marker_of(stage, options), victim=test).run()


def told(found: Bisection) -> list[str]:
    """Return what a bisection found, in lines for a reader."""
    return [f"{_what(found)} ({found.runs} runs)", *_more(found)]


def _what(found: Bisection) -> str:
    victim = found.victim
    match found.found:
        case Found.POLLUTER:
            return f"{found.polluter} makes {victim} fail"
        case Found.ALONE:
            return f"{victim} fails by itself, so no other test is to blame"
        case Found.IMPORTS:
            return f"{victim} fails as soon as all modules are imported, and passes when only its own is"
        case Found.NOT_REPLAYED:
            return f"does not replay: {victim} passes after the same {found.before:,} tests in the same order"
        case Found.UNPROVED:
            return f"{victim} fails after {found.narrowest[0]} with all modules imported, and not after it alone"
        case Found.SEVERAL:
            return f"no single test makes {victim} fail; it needs more than one of these, or fails by chance"


def _more(found: Bisection) -> list[str]:
    """Return commands and names that belong to what was found."""
    if found.found is Found.NOT_REPLAYED:
        return ["it may depend on time, on chance, or on tests that ran at the same moment in another worker"]
    if found.found is Found.SEVERAL:
        more = len(found.narrowest) - _SHOWN
        return [*(f"  {test}" for test in found.narrowest[:_SHOWN]), *([f"  and {more:,} more"] if more > 0 else [])]
    commands = (("fails: ", found.fails), ("passes:", found.passes))
    return [f"{word} {command}" for word, command in commands if command]


def _last_seed(settings: Settings, stage: str) -> int | None:
    """Return the seed of the stage's evidence; None where it has none."""
    try:
        session = msgspec.json.decode(evidence(settings.root, stage, "session.json").read_bytes(), type=_Seeded)
    except (OSError, msgspec.DecodeError):
        return None
    return int(session.seed) if session.seed.isascii() and session.seed.isdecimal() else None
