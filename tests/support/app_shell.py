"""A shell with an environment of the test's choice, for use cases that only read variables."""

from __future__ import annotations

import io
from pathlib import Path

from truegreen.app.shell import Shell
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain


def shell(**env: str) -> Shell:
    """Return the effects with these variables and no others."""
    console, processes = Console(out=io.StringIO(), err=io.StringIO()), ProcessRunner()
    return Shell(
        env=env,
        cwd=Path("/nowhere"),
        console=console,
        clock=Clock(),
        processes=processes,
        tools=Toolchain(env, processes, console),
    )
