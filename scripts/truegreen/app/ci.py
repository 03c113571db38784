"""What the composite actions call: inputs come as `TG_*` variables and are checked here, not in YAML.

act, Gitea and GHES do not check the types of a workflow's inputs, so nothing is taken on trust.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import stage_record
from truegreen.errors import TruegreenError, WrongValue
from truegreen.model.run import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.shell import Shell

_PYTHON = re.compile(r"(pypy)?3\.\d{1,2}t?|")
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}|")
_SHARD_MARK = re.compile(r"[^A-Za-z0-9._-]")


class JobResult(msgspec.Struct, frozen=True):
    """One entry of the `needs` context."""

    result: str = ""


def words(shell: Shell, variable: str) -> tuple[str, ...]:
    """Return the words of a variable, separated by spaces or commas."""
    return tuple(word for word in re.split(r"[\s,]+", shell.env.get(variable, "")) if word)


def stages(shell: Shell, variable: str = "TG_STAGES") -> tuple[str, ...]:
    """Return stage names from a variable; raises UnknownName for one that does not exist."""
    for name in (names := words(shell, variable)):
        registry.load("stage", name)
    return names


def stage(shell: Shell) -> str:
    """Return the one stage of a job."""
    names = stages(shell, "TG_STAGE")
    if len(names) != 1:
        raise WrongValue(f"{len(names)} stages are named", where="input stage", fix="name exactly one stage a job")
    return names[0]


def pythons(shell: Shell) -> tuple[str, ...]:
    """Return versions for the unit matrix; one empty version stands for the project's own."""
    versions = words(shell, "TG_PYTHON")
    for version in versions:
        python(version)
    return versions or ("",)


def python(version: str) -> str:
    """Return a version such as `3.12`, checked."""
    if not _PYTHON.fullmatch(version):
        raise WrongValue(f"{version!r} is not a Python version", where="input python", fix="write for example 3.12")
    return version


def shard(shell: Shell) -> str:
    """Return the shard's name from the inputs."""
    return shard_name(shell.env.get("TG_SHARD", ""), "input shard")


def shard_name(name: str, where: str) -> str:
    """Return a shard's name, checked: it becomes part of a path and of an artifact's name."""
    if not _SHARD.fullmatch(name):
        raise WrongValue(f"{_SHARD_MARK.sub('?', name)!r} cannot name a shard", where=where, fix="use a-z 0-9 . _ -")
    return name


def planned(shell: Shell) -> tuple[str, ...]:
    """Return the stages of the plan job, from its JSON output; none when that job left no output."""
    text = shell.env.get("TG_STAGES_JSON", "").strip() or "[]"
    try:
        names = msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError as error:
        raise WrongValue("the list of planned stages is not JSON", where="input stages", why=str(error)) from None
    for name in names:
        registry.load("stage", name)
    return tuple(names)


def job_problems(shell: Shell, names: tuple[str, ...]) -> dict[str, Problem]:
    """Return stage → problem for every planned stage whose job did not end well.

    A job that failed after its evidence was written, was cancelled, or lost a matrix leg must not be
    green because of the evidence that did arrive.
    """
    results = _results(shell)
    problems = {}
    for name in names:
        result = results.get(name, JobResult("success" if not results else "absent")).result
        if result != "success":
            problems[name] = Problem(
                kind="stage",
                message=f"the job of stage {name} ended with {result or 'no result'}",
                code="TG205",
                fix="open the job's log; evidence that did arrive does not cover what is missing",
            )
    return problems


def lost_legs(shell: Shell, names: tuple[str, ...], folder: Path) -> dict[str, Problem]:
    """Return unit → problem when a Python of the planned matrix left no evidence, whatever its job says."""
    text = shell.env.get("TG_PYTHON_JSON", "").strip() or "[]"
    try:
        versions = msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError as error:
        raise WrongValue("the Python matrix is not JSON", where="input python", why=str(error)) from None
    if "unit" not in names or not versions:
        return {}
    seen = set()
    for path in folder.glob(f"*/{stage_record.NAME}"):
        with contextlib.suppress(TruegreenError):  # what cannot be read is told where the evidence is loaded
            record = stage_record.read(path)
            seen |= {record.shard} if record.stage == "unit" else set()
    if not (lost := [version or "the project's own" for version in versions if version not in seen]):
        return {}
    return {
        "unit": Problem(
            kind="stage",
            message=f"unit was planned for Python {', '.join(lost)} and left no evidence there",
            code="TG205",
            fix="open the log of that job: it did not run, or its evidence was not uploaded",
        )
    }


def plan_failure(shell: Shell) -> str:
    """Return what to say when the plan job did not end well; empty when it did, or when nobody tells."""
    result = _results(shell).get("plan", JobResult("success")).result
    return "" if result == "success" else f"job plan ended with {result or 'no result'}, so no stage was planned"


def _results(shell: Shell) -> dict[str, JobResult]:
    try:
        return msgspec.json.decode(shell.env.get("TG_JOBS") or "{}", type=dict[str, JobResult])
    except msgspec.DecodeError as error:
        raise WrongValue("the results of the jobs are not JSON", where="input jobs", why=str(error)) from None


def outputs(values: dict[str, object]) -> dict[str, str]:
    """Return outputs as text: strings unchanged, everything else as one line of JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
