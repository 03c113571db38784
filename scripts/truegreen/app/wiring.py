"""What is known about wiring, asked at a desk: by the sources, and by the last walk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from truegreen import registry
from truegreen.app import stage_record
from truegreen.app.shell import EVIDENCE
from truegreen.errors import TruegreenError
from truegreen.ingest.wiring import WiringReader
from truegreen.model.history import History
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.wiring import Supply
from truegreen.runtime import git
from truegreen.stages.common import wiring_scan
from truegreen.stages.common.project import user_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.verdict import Verdict
    from truegreen.model.wiring import Dependency, Root, Walk, WiringScan
    from truegreen.runtime.process import ProcessRunner

_STAGE, _GATE, _FILE = "wiring", "unwired", "wiring.json"


class _Project(NamedTuple):
    root: Path
    processes: ProcessRunner
    env: Mapping[str, str]


def judge(shell: Shell, settings: Settings) -> tuple[WiringScan, Verdict]:
    """Return what is known about wiring, and the verdict that the gate `unwired` gives about it; nothing is run.

    What the last `truegreen run wiring` saw is taken along where it is about the sources as they are; else the
    verdict is about the sources alone.
    """
    found = scan(shell, settings)
    seen = _walked(shell, settings, found)
    judged = seen or msgspec.structs.replace(found, roots=())
    run = RunEvidence(stages=(StageEvidence(stage=_STAGE, wiring=judged),), planned=(_STAGE,))
    verdict: Verdict = registry.load("gate", _GATE)().evaluate(run, _STAGE, settings.gates[_GATE], History())
    return seen or found, verdict


def scan(shell: Shell, settings: Settings) -> WiringScan:
    """Return what the sources say about dependencies and roots; nothing is run."""
    project = _Project(settings.root, shell.processes, user_environment(shell.env, {}))
    return wiring_scan.read(project, settings.stages[_STAGE]).found


def _walked(shell: Shell, settings: Settings, found: WiringScan) -> WiringScan | None:
    """Return the last evidence of the stage; None where there is none, or it is about other sources."""
    folder = settings.root / EVIDENCE / _STAGE
    if not (folder / _FILE).is_file():
        return None
    try:
        seen = WiringReader().read(folder / _FILE, settings.root)
        record = stage_record.read(folder / stage_record.NAME)
    except TruegreenError:
        return None
    tree = git.inspect(settings.root, shell.processes)
    same = (record.commit, record.tree) == (tree.commit, tree.tree)
    return seen if same and msgspec.structs.replace(seen, walks=()) == found else None


def of_walk(walk: Walk, root: Root | None, *, whole: bool) -> Iterator[str]:
    """Yield what was seen from one root, a line each.

    Args:
        walk: what was seen.
        root: where it began, where that is known.
        whole: whether what is right is told as well.
    """
    place = f"  ({root.place})" if root and root.place else ""
    yield f"{walk.root}{place}"
    if walk.error:
        yield f"  could not be built: {walk.error}"
    for one in walk.flawed:
        if one.red or whole:
            where = f" at {one.place}" if one.place else ""
            declared = f"; {one.declared} declared{where}" if one.declared else ""
            yield f"  {one.path} is {one.holds}{declared}{f' ({one.why})' if one.why else ''}"
    if whole:
        yield from (f"  {path} holds {holds}" for _, holds, path in walk.held if holds != "None")
        yield from (f"  not looked at: {left}" for left in walk.left)
        yield f"  {walk.objects:,} objects in {walk.walk_ms:.2f} ms"


def in_words(one: Dependency) -> Iterator[str]:
    """Yield what is known of one dependency, a line each."""
    kind = f": {one.kind}" if one.kind else ""
    yield f"{one.owner}.{one.parameter}{kind}  ({one.place})"
    if one.supply is Supply.SUPPLIED:
        yield f"  supplied at {_places(one.suppliers)}"
    elif one.supply is Supply.NEVER:
        yield f"  supplied by nobody: built without it at {_places(one.calls)}"
    else:
        yield f"  not known: {one.why}"
    if one.guards:
        yield f"  passed over in silence when it is missing at {_places(one.guards)}"


def _places(places: tuple[object, ...]) -> str:
    return ", ".join(str(place) for place in places)
