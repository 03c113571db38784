"""What the sources say about wiring, asked at a desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from truegreen import registry
from truegreen.model.history import History
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.wiring import Supply
from truegreen.stages.common import wiring_scan
from truegreen.stages.common.project import user_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.verdict import Verdict
    from truegreen.model.wiring import Dependency, WiringScan
    from truegreen.runtime.process import ProcessRunner

_STAGE, _GATE = "wiring", "unwired"


class _Project(NamedTuple):
    root: Path
    processes: ProcessRunner
    env: Mapping[str, str]


def judge(shell: Shell, settings: Settings) -> tuple[WiringScan, Verdict]:
    """Return what the sources say, and the verdict that the gate `unwired` gives about it; nothing is run."""
    found = scan(shell, settings)
    run = RunEvidence(stages=(StageEvidence(stage=_STAGE, wiring=found),), planned=(_STAGE,))
    verdict: Verdict = registry.load("gate", _GATE)().evaluate(run, _STAGE, settings.gates[_GATE], History())
    return found, verdict


def scan(shell: Shell, settings: Settings) -> WiringScan:
    """Return what the sources say about optional dependencies; nothing is run."""
    project = _Project(settings.root, shell.processes, user_environment(shell.env, {}))
    return wiring_scan.scan(project, settings.stages[_STAGE].exclude)


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
