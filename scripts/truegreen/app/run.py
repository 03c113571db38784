"""`truegreen run`: run stages for real and leave evidence."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen import registry
from truegreen.app import attachments, policy, services, stage_record
from truegreen.app import event as events
from truegreen.app.shell import Shell, evidence
from truegreen.errors import InternalError, Interrupted, TruegreenError
from truegreen.forge.event import refuse_unsafe
from truegreen.model.changes import Changes
from truegreen.model.evidence import RunState, StageRecord
from truegreen.runtime import environ, files, git, lock
from truegreen.runtime.lifetime import Ledger
from truegreen.stages.common.context import StageContext, StageOutcome
from truegreen.stages.common.project import ensure, environment, user_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from truegreen.config.settings import Settings
    from truegreen.model.service import ServiceHandle
    from truegreen.services.manager import ServiceManager

_PATIENCE_S = 3.0
UNIT = "unit"
"""The stage that takes every test which no other stage claims."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    stages: tuple[str, ...]
    pytest_args: tuple[str, ...] = ()
    shard: str = ""
    commit: str = ""
    """The commit being judged, where it is not the one checked out (a merge ref)."""
    seed: int | None = None
    """Order of the tests to replay."""
    changes: Callable[[], tuple[Changes | None, str]] | None = None
    """Asks for the change that is judged, and why it cannot be known; see `StageContext.changes`."""


@contextmanager
def alone(shell: Shell, settings: Settings) -> Iterator[None]:
    """Be the only run in a project, from its first stage to its verdict: two would empty each other's evidence.

    Raises:
        RunInProgress: another run is still at work after a few seconds.
        UnsafeEvent: the CI was started by an event that gives secrets to unreviewed code.
    """
    refuse_unsafe(events.current(shell))
    with lock.exclusive(evidence(settings.root, ".lock"), wait_s=_PATIENCE_S):
        yield


def run_stages(shell: Shell, settings: Settings, request: Request) -> list[StageRecord]:
    """Run the stages in order; one that breaks does not stop the next.

    Services are started once, before the first stage that needs them, and are down when this returns,
    whatever happened.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; the evidence so far is kept.
        UnsafeEvent: the CI was started by an event that gives secrets to unreviewed code.
        ConfigurationError: a waiver cannot be honoured.
    """
    refuse_unsafe(events.current(shell))
    policy.load(settings)
    records = []
    with _remembered(shell, environ.cache_dir(shell.env)), _served(shell, settings) as manager:
        for name in request.stages:
            with shell.console.group(f"stage {name}"):
                records.append(_run_stage(shell, settings, request, name, manager))
    return records


@contextmanager
def standing(shell: Shell, settings: Settings, request: Request, out: Path) -> Iterator[StageContext]:
    """Yield the context of the request's one stage, its services up, for a command that runs its tests otherwise.

    Args:
        shell: the effects.
        settings: the project's settings.
        request: names one stage.
        out: folder for what the command leaves, which is not the folder of the stage's evidence.
    """
    (name,) = request.stages
    wanted = tuple(settings.stages[name].services)
    with _remembered(shell, environ.cache_dir(shell.env)), _served(shell, settings) as manager:
        handles = manager.up(wanted) if wanted else ()
        yield _context(shell, settings, request, name, out, handles)


@contextmanager
def _served(shell: Shell, settings: Settings) -> Iterator[ServiceManager]:
    """Yield a manager of services, which are down when this ends, whatever happened."""
    manager = services.manager(shell, settings)
    try:
        yield manager
    finally:
        manager.down()


@contextmanager
def _remembered(shell: Shell, cache: Path) -> Iterator[None]:
    """End what killed runs left, so that it cannot write into this one, and note what this one starts."""
    ledger = Ledger.open(cache)
    if swept := ledger.sweep(shell.clock.now().timestamp()):
        shell.console.line(f"ended {swept} program(s) that a killed run left behind")
    shell.processes.remember_in(ledger)
    try:
        yield
    finally:
        shell.processes.remember_in(None)
        ledger.close()


def _run_stage(shell: Shell, settings: Settings, request: Request, name: str, manager: ServiceManager) -> StageRecord:
    """Run one stage and write its record, also when it breaks or is interrupted."""
    out = files.fresh_dir(evidence(settings.root, f"{name}-{request.shard}" if request.shard else name))
    started, start = shell.clock.iso(), shell.clock.monotonic()
    since_s = shell.clock.now().timestamp()
    before = git.inspect(settings.root, shell.processes).tree
    options = settings.stages[name]
    handles: tuple[ServiceHandle, ...] = ()
    outcome, error = StageOutcome(), None
    interrupted = False
    try:
        handles = _ready(shell, settings, request, name, out, manager)
        outcome = registry.load("stage", name)().run(_context(shell, settings, request, name, out, handles))
    except TruegreenError as problem:
        error = problem
    except KeyboardInterrupt:
        interrupted = True
        error = Interrupted(f"stage {name} was interrupted", fix="run it again")
    except Exception as problem:
        if shell.env.get("TRUEGREEN_TRACEBACK"):
            raise
        why = f"{type(problem).__name__}: {problem}"
        bug = InternalError(f"stage {name} stopped on a bug in truegreen", why=why)
        error = files.refused_by_machine(problem) or bug
    fates = tuple(handle.record() for handle in handles)
    with contextlib.suppress(TruegreenError, OSError):  # a log that cannot be kept changes no verdict
        manager.keep_logs(options.services, out)
        fates = manager.records(handles)
    record = _record(shell, settings, request, name, outcome, error)
    results = [out / path for path, kind in outcome.files if kind == "junit"]
    left = _attachments(settings, name, out, since_s, results)
    record = msgspec.structs.replace(
        record,
        started=started,
        tree_before=before,
        duration_s=round(shell.clock.monotonic() - start, 3),
        services=fates,
        environment=_environment(settings, outcome, handles),
        files=stage_record.describe(out, outcome.files),
        notes=(*record.notes, *left),
    )
    stage_record.write(out, record)
    if interrupted:
        why = f"stage {name} was interrupted; services are stopped, evidence so far is kept"
        raise Interrupted(why, where=str(out), fix="run it again")
    _say(shell, record, error)
    return record


def _attachments(settings: Settings, name: str, out: Path, since_s: float, results: Sequence[Path]) -> tuple[str, ...]:
    """Keep what the stage's tests left; what cannot be kept changes no verdict, and is told."""
    try:
        patterns = getattr(settings.stages[name], "attachments", ())
        return attachments.collect(settings.root, patterns, out, since_s, results)
    except (TruegreenError, OSError) as error:
        return (f"attachments are not kept: {error}",)


def _ready(
    shell: Shell, settings: Settings, request: Request, name: str, out: Path, manager: ServiceManager
) -> tuple[ServiceHandle, ...]:
    """Return a stage's services, ready; the project is installed meanwhile, so neither waits for the other.

    The stage asks for the installed project again, and finds it.
    """
    wanted = tuple(settings.stages[name].services)
    if not wanted or not hasattr(settings.stages[name], "marker"):
        return manager.up(wanted) if wanted else ()
    threads: set[int] = set()
    with ThreadPoolExecutor(1, initializer=lambda: threads.add(threading.get_ident())) as pool:
        installed = pool.submit(ensure, _context(shell, settings, request, name, out, ()))
        try:
            handles = manager.up(wanted)
            installed.result()
        except BaseException:
            shell.processes.end_running(threads)
            raise
    return handles


def _context(
    shell: Shell, settings: Settings, request: Request, name: str, out: Path, handles: tuple[ServiceHandle, ...]
) -> StageContext:
    options = settings.stages[name]
    additions: dict[str, str] = {}
    for handle in handles:
        additions.update(handle.exports)
    additions.update(options.env)
    return StageContext(
        root=settings.root,
        out=out,
        options=options,
        project=settings.project,
        env=user_environment(shell.env, additions),
        processes=shell.processes,
        console=shell.console,
        clock=shell.clock,
        tools=shell.tools,
        services=handles,
        pytest_args=request.pytest_args,
        shard=request.shard,
        stage=name,
        seed=request.seed,
        changes=request.changes,
        marks=tuple(settings.gates["time-budget"].marks),
        optional=tuple(settings.gates["unwired"].optional),
        claims=_claims(settings) if name == UNIT else {},
        others=settings.stages,
        beside=lambda other, folder: _beside(shell, settings, request, other, folder),
    )


@contextmanager
def _beside(shell: Shell, settings: Settings, request: Request, name: str, out: Path) -> Iterator[StageContext]:
    """Yield the context of another stage, with services of its own that are down when this ends."""
    wanted = tuple(settings.stages[name].services)
    alone = msgspec.structs.replace(request, pytest_args=(), seed=None)
    with _served(shell, settings) as manager:
        try:
            handles = manager.up(wanted) if wanted else ()
            yield _context(shell, settings, alone, name, files.fresh_dir(out), handles)
        finally:
            with contextlib.suppress(TruegreenError, OSError):
                manager.keep_logs(wanted, out)


def _claims(settings: Settings) -> dict[str, str]:
    """Return which tests the other stages want: unit takes the rest, and tells whether each test has one stage."""
    tested = {name: options for name, options in settings.stages.items() if hasattr(options, "marker")}
    return {name: options.marker or name for name, options in tested.items() if name != UNIT}


def _record(
    shell: Shell, settings: Settings, request: Request, name: str, outcome: StageOutcome, error: Any
) -> StageRecord:
    tree = git.inspect(settings.root, shell.processes)
    state = RunState.BROKEN if error else RunState.SKIPPED if outcome.skipped else RunState.RAN
    return StageRecord(
        stage=name,
        shard=request.shard,
        state=state,
        reason=error.what if error else outcome.skipped,
        commit=request.commit or tree.commit,
        tree=tree.tree,
        dirty=tree.dirty,
        pack_version=shell.pack_version,
        pack_commit=shell.pack_commit,
        python=outcome.python,
        platform=environ.platform_name(),
        run_id=run_id(shell),
        runner=shell.env.get("RUNNER_NAME", "") if run_id(shell) else "",
        tools=outcome.tools,
        expects=outcome.expects,
        notes=outcome.notes,
        command=_command(name, request, outcome.seed),
        error=error.record() if error else None,
    )


def _environment(settings: Settings, outcome: StageOutcome, handles: tuple[ServiceHandle, ...]) -> str:
    """Return the digest of what decided the stage's results beside the code; empty when a lock cannot be read."""
    try:
        versions = [(handle.name, handle.version) for handle in handles]
        return environment(settings.root, settings.project, outcome.python, versions)
    except OSError:
        return ""


def run_id(shell: Shell) -> str:
    """Return `run.attempt` of the CI run, empty at a desk."""
    run = shell.env.get("GITHUB_RUN_ID", "")
    return f"{run}.{shell.env.get('GITHUB_RUN_ATTEMPT', '1')}" if run else ""


def _command(name: str, request: Request, seed: str) -> str:
    """Return the command that repeats a stage at a desk, in the same order where that was random."""
    tail = f" --seed {seed}" if seed else ""
    tail += f" -- {shlex.join(request.pytest_args)}" if request.pytest_args else ""
    return f"truegreen run {name}{tail}"


def _say(shell: Shell, record: StageRecord, error: TruegreenError | None) -> None:
    if error is not None:
        shell.console.error(error.lines())
    word = record.state.value if not record.reason else f"{record.state.value}: {record.reason}"
    shell.console.line(f"stage {record.stage}: {word} ({record.duration_s:.1f} s)")
    for note in record.notes:
        shell.console.line(f"  {note}")
