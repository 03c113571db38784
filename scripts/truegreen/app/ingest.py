"""`truegreen ingest`: files of another test runner become the evidence of a stage."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import attachments, run, stage_record
from truegreen.app.shell import Shell, evidence
from truegreen.errors import TruegreenError, UsageError
from truegreen.gates.base import TESTED
from truegreen.ingest import opening
from truegreen.model.evidence import TEST_COMMAND, RunState, StageRecord, ToolRun
from truegreen.model.testrun import Outcome, TestRun
from truegreen.runtime import environ, files, git

if TYPE_CHECKING:
    from truegreen.config.settings import Settings

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_RERUN_MARK = re.compile(r"-(?=rerun-\d)")
"""In our own evidence `-rerun-1` names a later attempt; a file from elsewhere says nothing by its name."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to take in."""

    stage: str
    files: tuple[Path, ...]
    kind: str = ""
    """Kind of all files; empty tells each by its content."""
    shard: str = ""
    exit_code: int | None = None
    """How the test command ended; None when nobody says."""
    duration_s: float = 0.0
    """Wall time of the test command; 0 when nobody says."""
    commit: str = ""
    """The commit being judged, where it is not the one checked out (a merge ref)."""


def take_in(shell: Shell, settings: Settings, request: Request) -> StageRecord:
    """Copy the files into the stage's folder and write its record; what was there before is gone.

    Every file is read at once. When one cannot be, the record that is left says so: the stage is blind.

    Raises:
        UsageError: the stage runs no tests, a file's kind is unknown or ambiguous, or test results come in two formats.
        EvidenceMissing: a file is not there.
        EvidenceUnreadable: a file cannot be read; `where` carries the line.
    """
    registry.load("stage", request.stage)
    if not 0 <= request.duration_s < math.inf:
        raise UsageError(
            "a duration below zero, or without an end", where="--duration", fix="give seconds, such as 4.2"
        )
    if request.stage not in TESTED:
        fix = f"name one of {', '.join(name for name in registry.names('stage') if name in TESTED)}"
        raise UsageError(f"stage {request.stage} is no stage of tests", where="argument STAGE", fix=fix)
    if request.kind and request.kind not in _kinds():
        fix = f"known: {', '.join(_kinds())}"
        raise UsageError(f"{request.kind!r} is no kind of file to take in", where="--kind", fix=fix)
    place = evidence(settings.root, "-".join(filter(None, (request.stage, request.shard))))
    if inside := [path for path in request.files if path.resolve().is_relative_to(place.resolve())]:
        fix = "let the tests write their results elsewhere: this folder is emptied"
        raise UsageError(f"{inside[0].name} lies in the stage's own evidence", where=str(inside[0]), fix=fix)
    out = files.fresh_dir(place)
    listed: list[tuple[str, str]] = []
    try:
        for path, name in zip(request.files, _names(request.files), strict=True):
            kind = request.kind or recognise(path)
            _refuse_second_format(path, kind, [known for _, known in listed])
            listed.append((name, kind))
            parsed = registry.load("reader", kind)().read(files.copy(path, out / name), settings.root)
            shell.console.line(f"{path.name}: {kind}{_told(parsed)}")
    except TruegreenError as error:
        stage_record.write(out, _record(shell, settings, request, out, listed, error))
        raise
    notes = _attachments(settings.root, out, listed)
    record = msgspec.structs.replace(_record(shell, settings, request, out, listed, None), notes=notes)
    stage_record.write(out, record)
    if request.exit_code is None:
        shell.console.line("no --exit-code was given: the gate `tests-ran` will be blind")
    return record


def _attachments(root: Path, out: Path, listed: list[tuple[str, str]]) -> tuple[str, ...]:
    """Keep the files that the tests name; what cannot be kept changes no verdict, and is told."""
    results = [out / name for name, kind in listed if kind == "junit"]
    try:
        return attachments.collect(root, (), out, 0.0, results)
    except (TruegreenError, OSError) as error:
        return (f"attachments are not kept: {error}",)


def recognise(path: Path) -> str:
    """Return the kind of a file by its beginning.

    Raises:
        UsageError: no reader recognises it, or more than one.
        EvidenceMissing: there is no such file.
        EvidenceUnreadable: it cannot be read.
    """
    begins = opening.read(path)
    found = [name for name in _kinds() if registry.load("reader", name).recognises(begins)]
    if len(found) == 1:
        return found[0]
    what = f"{path.name} could be {' or '.join(found)}" if found else f"{path.name} is of no kind that is known"
    fix = f"say which with --kind: {', '.join(found or _kinds())}"
    raise UsageError(what, where=str(path), why="its beginning does not tell", fix=fix)


def _refuse_second_format(path: Path, kind: str, known: list[str]) -> None:
    """Refuse test results in another format than those before: a test has another name there, and would count twice.

    Raises:
        UsageError: what one command tells in two formats is one run; two commands have two exit codes.
    """
    other = next((one for one in known if one != kind and registry.load("reader", one).part == "tests"), "")
    if other and registry.load("reader", kind).part == "tests":
        raise UsageError(
            f"{path.name} holds test results as {kind}, the files before it as {other}",
            where=str(path),
            why="one run that is told in two formats would count twice",
            fix="take in one of the formats; the results of another command belong into a shard of their own "
            f"(`truegreen ingest … {path.name} --shard NAME`), with its own exit code",
        )


def _kinds() -> tuple[str, ...]:
    """Return the kinds that may be taken in: those whose readers recognise their files."""
    return tuple(name for name in registry.names("reader") if hasattr(registry.load("reader", name), "recognises"))


def _names(paths: tuple[Path, ...]) -> list[str]:
    """Return a name in the evidence folder for each file; none is used twice, and none is the record's."""
    used = {stage_record.NAME}
    names = []
    for path in paths:
        plain = _RERUN_MARK.sub("_", _UNSAFE.sub("_", path.name)).strip(".") or "file"
        stem, dot, suffix = plain[-100:].rpartition(".")
        name, number = plain[-100:], 1
        while name in used:
            number += 1
            name = f"{stem}-{number}{dot}{suffix}"
        used.add(name)
        names.append(name)
    return names


def _told(parsed: object) -> str:
    if not isinstance(parsed, TestRun):
        return ""
    bad = parsed.count(Outcome.FAIL, Outcome.ERROR)
    return f", {parsed.count():,} tests, {bad:,} failed, {parsed.count(Outcome.SKIP):,} skipped"


def _record(
    shell: Shell,
    settings: Settings,
    request: Request,
    out: Path,
    listed: list[tuple[str, str]],
    error: TruegreenError | None,
) -> StageRecord:
    tree = git.inspect(settings.root, shell.processes)
    command = ToolRun(name=TEST_COMMAND, exit_code=request.exit_code, duration_s=request.duration_s)
    return StageRecord(
        stage=request.stage,
        shard=request.shard,
        state=RunState.BROKEN if error else RunState.RAN,
        reason=error.what if error else "",
        commit=request.commit or tree.commit,
        tree=tree.tree,
        tree_before=tree.tree,
        dirty=tree.dirty,
        started=shell.clock.iso(),
        pack_version=shell.pack_version,
        pack_commit=shell.pack_commit,
        platform=environ.platform_name(),
        run_id=run.run_id(shell),
        duration_s=request.duration_s,
        tools=(command,),
        files=stage_record.describe(out, tuple(listed)),
        expects=tuple(dict.fromkeys(kind for _, kind in listed)),
        ingested=True,
        command=_command(request),
        error=error.record() if error else None,
    )


def _command(request: Request) -> str:
    """Return the command that takes the same files in again; what is no text in a name is written as escapes."""
    names = (path.name.encode("utf-8", "backslashreplace").decode() for path in request.files)
    return " ".join(("truegreen ingest", request.stage, *names))
