"""The one table of pinned third-party tools, and how each is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.runtime.console import Console
    from truegreen.runtime.environ import Environ
    from truegreen.runtime.process import ProcessRunner


class Toolchain:
    """Finds or installs pinned tools."""

    def __init__(self, env: Environ, processes: ProcessRunner, console: Console) -> None:
        self._env = env
        self._processes = processes
        self._console = console

    def path(self, name: str) -> Path:
        """Return the executable of a tool."""
        raise NotImplementedError
