"""What a stage is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from truegreen.config.schema import ProjectOptions
from truegreen.model.changes import Changes
from truegreen.model.evidence import ToolRun
from truegreen.model.service import ServiceHandle
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain

if TYPE_CHECKING:
    from truegreen.stages.common.options import StageOptions


class StageContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a stage may use. Effects are injected; a stage opens nothing by itself."""

    root: Path
    """The user's project (the folder of its `pyproject.toml`)."""
    out: Path
    """Empty folder for the stage's evidence."""
    options: Any
    """The stage's own `Options`."""
    project: ProjectOptions
    env: Mapping[str, str]
    """Environment for the project's own programs, service variables included, secrets of CI excluded."""
    processes: ProcessRunner
    console: Console
    clock: Clock
    tools: Toolchain
    services: tuple[ServiceHandle, ...] = ()
    pytest_args: tuple[str, ...] = ()
    """Arguments after `--`, handed on unchanged."""
    shard: str = ""
    stage: str = ""
    """Name of the stage, for commands that repeat it."""
    seed: int | None = None
    """Order of the tests to replay; None follows the stage's option `order`."""
    changes: Callable[[], tuple[Changes | None, str]] | None = None
    """Asks for the change that is judged, its paths relative to `root`, and why it cannot be known where that is so.

    None, here or in the answer, where there is no change to judge.
    """
    marks: tuple[str, ...] = ()
    """Marks of which the session tells the tests, because a limit is set for them."""
    optional: tuple[str, ...] = ()
    """Dependencies, as `Class.parameter`, that the gate `unwired` lets go without."""
    claims: Mapping[str, str] = {}
    """Other stage → marker expression of the tests it wants; for the stage that takes what no other claims."""
    others: Mapping[str, Any] = {}
    """Stage → its options; for the stage that runs the tests of others."""
    beside: Callable[[str, Path], AbstractContextManager[StageContext]] | None = None
    """Opens the surroundings of another stage: its name, and a folder for what it leaves → its context.

    Its services are started for it alone, and are down at the end.
    """


class StageOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage leaves; the app writes `stage.json` from it.

    A stage raises a TruegreenError when it cannot come to its end; files already written in `out` are
    kept as evidence. A tool's exit code is recorded here but judged by nobody alone.
    """

    files: tuple[tuple[str, str], ...] = ()
    """Pairs of path relative to `out` and kind (a reader's name, or `log`)."""
    expects: tuple[str, ...] = ()
    """Kinds the gates need from this stage."""
    tools: tuple[ToolRun, ...] = ()
    notes: tuple[str, ...] = ()
    python: str = ""
    seed: str = ""
    """Seed that repeats a random order of tests; empty when the order was not random."""
    skipped: str = ""
    """A reason, when nothing applied (no compose file, no Dockerfile); nothing else may be set then."""


class Stage(Protocol):
    """A stage of the family; one instance per run, without state."""

    name: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[StageOptions]]

    def run(self, context: StageContext) -> StageOutcome:
        """Run the stage's tools and leave evidence in `context.out`."""
        ...
