"""`truegreen services`: real services that stay up until told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from truegreen.errors import UnknownName
from truegreen.runtime import environ
from truegreen.services.manager import ServiceManager

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.service import ServiceHandle


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
    """Start services, all configured ones when none is named."""
    chosen = names or tuple(settings.project.services)
    if not chosen:
        raise UnknownName(
            "no services are configured",
            where="pyproject.toml",
            fix="name one, such as `truegreen services up postgres`, or add [tool.truegreen.services.postgres]",
        )
    return manager(shell, settings).up(chosen, detached=True)


def down(shell: Shell, settings: Settings) -> Any:
    """Stop what `up` started for this project."""
    return manager(shell, settings).down_detached()


def status(shell: Shell, settings: Settings) -> Any:
    """Return what is running for this project."""
    return manager(shell, settings).status()


def logs(shell: Shell, settings: Settings, name: str) -> str:
    """Return the log of one service."""
    return manager(shell, settings).logs(name)
