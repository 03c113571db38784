"""`truegreen services`: real services that stay up until told otherwise."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.app.shell import evidence
from truegreen.errors import UnknownName
from truegreen.runtime import environ, files
from truegreen.runtime.lifetime import process_start
from truegreen.runtime.process import kill_group
from truegreen.services.asked import resolve
from truegreen.services.manager import ServiceManager

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.service import ServiceHandle

_CHILD = "TG_SERVICES_IN_BACKGROUND"
_POLL_S = 0.05


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """A start in the background: its process, and what it was asked for."""

    pid: int
    started: int
    """Start time of the process in clock ticks, so that a recycled number is never waited for."""
    names: tuple[str, ...]


def manager(shell: Shell, settings: Settings) -> ServiceManager:
    """Return the manager of a project's services."""
    return ServiceManager(
        root=settings.root,
        services=settings.project.services,
        env=shell.env,
        processes=shell.processes,
        console=shell.console,
        clock=shell.clock,
        tools=shell.tools,
        cache=environ.cache_dir(shell.env),
    )


def up(shell: Shell, settings: Settings, names: tuple[str, ...]) -> tuple[ServiceHandle, ...]:
    """Start services, all configured ones when none is named; a start in the background is waited for first.

    Raises:
        TruegreenError: one could not start; nothing that this call started is left.
    """
    _join(shell, settings)
    return manager(shell, settings).up(_chosen(settings, names), detached=True)


def background(shell: Shell, settings: Settings, names: tuple[str, ...], assignments: tuple[str, ...]) -> None:
    """Start services in a process of their own, and do not wait for them.

    What is wrong with the names is said at once; what goes wrong later, `wait` says.

    Args:
        shell: the effects.
        settings: the project's settings.
        names: services, none means all configured.
        assignments: values of `--set`, for the other process.
    """
    chosen = _chosen(settings, names)
    resolve(chosen, settings.project.services)
    _join(shell, settings)
    words = [word for assignment in assignments for word in ("--set", assignment)]
    child = shell.processes.spawn(
        [*environ.own_command(), "services", "up", *chosen, "-q", *words],
        log=evidence(settings.root, "services", "background.log"),
        cwd=settings.root,
        env={**shell.env, _CHILD: "1"},
    )
    note = Background(pid=child.pid, started=process_start(child.pid), names=chosen)
    files.write_atomic(_note(settings), msgspec.json.encode(note), mode=0o600)


def wait(shell: Shell, settings: Settings) -> tuple[ServiceHandle, ...]:
    """Return the services of a start in the background, ready.

    Raises:
        UnknownName: there was none.
        TruegreenError: one could not start. It is tried once more, so the reason is its own.
    """
    found = _read(settings)
    if found is None:
        raise UnknownName(
            "nothing was started in the background",
            where=str(_note(settings)),
            fix="run `truegreen services up --background` first",
        )
    return up(shell, settings, found.names)


def down(shell: Shell, settings: Settings) -> Any:
    """Stop what `up` started for this project, also when it is still at it."""
    found = _read(settings)
    if found is not None and process_start(found.pid) == found.started != 0:
        kill_group(found.pid, signal.SIGTERM)
        _join(shell, settings)
    _note(settings).unlink(missing_ok=True)
    return manager(shell, settings).down_detached()


def _chosen(settings: Settings, names: tuple[str, ...]) -> tuple[str, ...]:
    chosen = names or tuple(settings.project.services)
    if not chosen:
        raise UnknownName(
            "no services are configured",
            where="pyproject.toml",
            fix="name one, such as `truegreen services up postgres`, or add [tool.truegreen.services.postgres]",
        )
    return chosen


def _join(shell: Shell, settings: Settings) -> None:
    """Wait until a start in the background has ended; it ends by the time limits of its services."""
    found = _read(settings)
    if found is None or shell.env.get(_CHILD):  # the one in the background is this process
        return
    while process_start(found.pid) == found.started != 0:
        shell.clock.sleep(_POLL_S)


def _note(settings: Settings) -> Path:
    return evidence(settings.root, "services", "background.json")


def _read(settings: Settings) -> Background | None:
    try:
        return msgspec.json.decode(_note(settings).read_bytes(), type=Background)
    except (OSError, msgspec.DecodeError):
        return None


def status(shell: Shell, settings: Settings) -> Any:
    """Return what is running for this project."""
    return manager(shell, settings).status()


def logs(shell: Shell, settings: Settings, name: str) -> str:
    """Return the log of one service."""
    return manager(shell, settings).logs(name)
