"""A real StageContext on a folder of the test, with nothing replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from truegreen.config.schema import ProcessOptions, ProjectOptions
from truegreen.runtime import environ
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.stages.common.context import StageContext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def stage_context(
    root: Path,
    options: Any,
    *,
    stage: str = "e2e",
    processes: Mapping[str, ProcessOptions] | None = None,
    env: Mapping[str, str] | None = None,
    shown: TextIO | None = None,
) -> StageContext:
    """Return the context of one stage, whose console writes to `shown`.

    Its evidence folder is `<root>/.truegreen/<stage>`.
    """
    out = root / ".truegreen" / stage
    out.mkdir(parents=True, exist_ok=True)
    merged = {**environ.current(), **(env or {})}
    runner, console = ProcessRunner(), Console(err=shown, quiet=shown is None)
    return StageContext(
        root=root,
        out=out,
        options=options,
        project=ProjectOptions(processes=dict(processes or {})),
        env=merged,
        processes=runner,
        console=console,
        clock=Clock(),
        tools=Toolchain(merged, runner, console),
    )
