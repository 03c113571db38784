"""The real effects, made once and handed to every use case."""

from __future__ import annotations

from pathlib import Path

import msgspec

from truegreen import __version__
from truegreen.runtime import environ, files
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain

EVIDENCE = ".truegreen"


def evidence(root: Path, *parts: str) -> Path:
    """Return the path of evidence in a project; whatever writes or empties it asks here first.

    Raises:
        LinkedFolder: a part of it is a symbolic link.
    """
    return files.inside(root, root.joinpath(EVIDENCE, *parts))


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a use case needs from outside."""

    env: dict[str, str]
    cwd: Path
    console: Console
    clock: Clock
    processes: ProcessRunner
    tools: Toolchain

    @property
    def pack_commit(self) -> str:
        """Commit of the pack that runs, as the composite action told us; empty on a laptop."""
        return self.env.get("TG_PACK_COMMIT", "")

    @property
    def pack_version(self) -> str:
        """Version of the pack that runs."""
        return __version__


def make(*, cwd: Path | None = None, quiet: bool = False) -> Shell:
    """Return the effects of this machine."""
    env = environ.current()
    console = Console(ci=environ.in_ci(env), quiet=quiet)
    processes = ProcessRunner()
    return Shell(
        env=env,
        cwd=cwd or Path.cwd(),
        console=console,
        clock=Clock(),
        processes=processes,
        tools=Toolchain(env, processes, console),
    )
