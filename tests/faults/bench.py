"""Judges copies of the applications with the real command, and says what was noticed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.faults import corpus
from tests.faults.corpus import ROOT, Fault

from truegreen.model.verdict import Report, StageReport, Status

WORK = ROOT / "build" / "faults"
_LAUNCH = ROOT / "scripts" / "launch.py"
_LIMIT_S = 900.0
"""For one command, far above what it takes: a fault may make the application wait for ever."""
_STAGE_LIMIT_S = 300
_SETTINGS = (
    *(f"services.{name}.provider=embedded" for name in ("postgres", "redis", "nats")),
    # What is shown must not depend on how busy the machine is; coverage is not what these faults are about.
    "gates.time-budget.enabled=false",
    "gates.full-run-budget.enabled=false",
    "unit.coverage=false",
    "gates.coverage.enabled=false",
    "e2e.mode=processes",
)
_NAMES = ("unit", "wiring", "persistence", "e2e")
_LIMITS = tuple(f"{name}.timeout-s={_STAGE_LIMIT_S}" for name in _NAMES)


class _Shown(msgspec.Struct, frozen=True):
    """What `truegreen run --json` prints, as far as it is read here."""

    report: Report


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one fault."""

    fault: Fault
    noticed: bool
    unit: str
    """Status of the unit stage; anything but `pass` makes the fault useless."""
    red: tuple[str, ...] = ()
    """Every red verdict as `stage: gate`."""
    said: str = ""
    """What the expected gate said."""
    why: str = ""
    """Why it does not count as noticed."""
    seconds: float = 0.0


class Honest(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an application without a fault."""

    app: str
    weak: bool
    tests: int
    alarms: tuple[str, ...] = ()
    """Every red verdict, in words."""
    seconds: float = 0.0


def judge(fault: Fault, slot: str) -> Result:
    """Plant a fault in a copy of its own and let truegreen judge it.

    Args:
        fault: what to plant.
        slot: folder of the copy; the environment that is made for it is used by all faults of the slot.

    Raises:
        NotApplicable: the fault cannot be planted.
    """
    began = time.monotonic()
    project = corpus.copy(fault.app, WORK / slot / fault.app, weak=fault.weak)
    corpus.plant(fault, project)
    corpus.commit(project, fault.id)
    stages = ("unit",) if fault.stage == "prove" else ("unit", fault.stage)
    report = _run(project, ("run", *stages), _narrowed(fault))
    unit = _stage(report, "unit")
    if fault.stage == "prove":
        report = _run(project, ("prove", *fault.mutants), ())
    said = _said(_stage(report, fault.stage), fault)
    red = tuple(f"{one.stage}: {one.gate}" for one in report.red_verdicts()) if report else ()
    why = _missed(fault, unit, said, red)
    return Result(
        fault=fault,
        noticed=not why,
        unit=unit.status.value if unit else "none",
        red=red,
        said=said,
        why=why,
        seconds=round(time.monotonic() - began, 1),
    )


def honest(app: str, slot: str, *, weak: bool = False) -> Honest:
    """Judge an application as it is: nothing may be red."""
    began = time.monotonic()
    project = corpus.copy(app, WORK / slot / app, weak=weak)
    corpus.commit(project, app)
    # A weak suite differs from the honest one in the stage persistence only.
    tested = ["persistence"] if weak else [name for name in _NAMES if (project / "tests" / name).is_dir()]
    report = _run(project, ("run", *tested), ())
    if report is None:
        return Honest(app=app, weak=weak, tests=0, alarms=("truegreen gave no report",))
    alarms = [f"{one.stage}: {one.gate}: {one.reason}" for one in report.red_verdicts()]
    judged = {stage.stage: sum(read.tests for read in stage.inputs) for stage in report.stages if stage.stage in tested}
    alarms += [f"{name}: not judged" for name in tested if not judged.get(name)]
    return Honest(
        app=app,
        weak=weak,
        tests=sum(judged.values()),
        alarms=tuple(alarms),
        seconds=round(time.monotonic() - began, 1),
    )


def _missed(fault: Fault, unit: StageReport | None, said: str, red: tuple[str, ...]) -> str:
    """Return why a fault does not count as noticed; empty when it does."""
    if unit is None or unit.status is not Status.PASS:
        return f"the unit tests notice it: {unit.headline if unit else 'no report'}"
    return "" if said else f"no verdict of {fault.gate} names it ({', '.join(red) or 'all green'})"


def _narrowed(fault: Fault) -> tuple[str, ...]:
    """Return the settings that leave a stage some of its tests; the others then belong to no stage, as they should."""
    if not fault.tests:
        return ()
    return (f"{fault.stage}.tests={msgspec.json.encode(fault.tests).decode()}", "gates.one-stage.enabled=false")


def _run(project: Path, words: tuple[str, ...], settings: tuple[str, ...]) -> Report | None:
    """Run one command of truegreen and return its report; None when it gave none."""
    options = [word for text in (*_SETTINGS, *_LIMITS, *settings) for word in ("--set", text)]
    command = [sys.executable, "-I", str(_LAUNCH), *words, "--json", *options]
    with (project.parent / f"{project.name}.log").open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(words)}\n")
        log.flush()
        process = subprocess.Popen(command, cwd=project, env=_environment(), stdout=subprocess.PIPE, stderr=log)
        try:
            shown, _ = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.terminate()  # it stops its servers, and says what it knows
            shown, _ = process.communicate()
    try:
        return msgspec.json.decode(shown, type=_Shown).report
    except msgspec.DecodeError:
        return None


def _environment() -> dict[str, str]:
    """Return the environment of a desk: nothing of a CI run, or of a test session around us."""
    taken = ("GITHUB_", "PYTEST_", "COV_", "PIP_FIND_LINKS", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if not key.startswith(taken)}


def _stage(report: Report | None, name: str) -> StageReport | None:
    return next((stage for stage in report.stages if stage.stage == name), None) if report else None


def _said(stage: StageReport | None, fault: Fault) -> str:
    """Return the words of the expected gate that name the cause; empty when none do."""
    return next((text for text in _words(stage, fault.gate) if fault.cause in text), "")


def _words(stage: StageReport | None, gate: str) -> Iterator[str]:
    for verdict in stage.verdicts if stage else ():
        if verdict.gate == gate and verdict.red:
            yield verdict.reason
            yield from (f"{item.title}: {item.message}" for item in verdict.items if item.level == "error")
