"""The application under test, as a whole: started, watched and stopped by one context manager.

`e2e` and `performance` use it. A stack is either the repository's compose file or the processes of
`[tool.truegreen.processes]`; `auto` takes compose where an engine answers and its images can be had.
"""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING, Protocol

from truegreen.errors import ConfigurationError, EngineMissing, ProcessNotReady, ToolFailed
from truegreen.model.evidence import ToolRun
from truegreen.runtime import interrupts
from truegreen.stages.common import compose_engine
from truegreen.stages.common.compose_stack import ComposeStack
from truegreen.stages.common.stack_processes import ProcessStack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.options import StackOptions

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


class Stack(Protocol):
    """A stack that can be started and stopped."""

    kind: str
    exports: dict[str, str]
    """Variables for the tests."""
    drops: frozenset[str]
    """Variables that would lead the tests past this stack."""
    notes: list[str]
    tools: list[ToolRun]

    def start(self) -> None:
        """Start everything and wait until it is ready."""
        ...

    def casualties(self) -> tuple[str, ...]:
        """Return a sentence for each part that ended although it should be running."""
        ...

    def stop(self) -> None:
        """Keep the logs and stop everything; safe to call twice."""
        ...


@contextlib.contextmanager
def running(context: StageContext, environment: Mapping[str, str]) -> Iterator[Stack]:
    """Start the stack, yield it ready, and stop it whatever happens.

    `environment` is that of the project's own programs. After an orderly end the stack is checked once
    more: a part that died during the tests makes the stage fail, even if every test passed.

    Raises:
        ConfigurationError: neither a compose file nor processes are there to start.
        EngineMissing: compose was demanded and cannot be used.
        PortInUse: a fixed port is taken.
        ProcessNotReady: a part ended, is unhealthy, or was not ready in time.
    """
    stack = choose(context, environment)
    try:
        with context.console.working(f"starting the stack ({stack.kind})"):
            stack.start()
        _prepare(context, stack, environment)
        yield stack
        lost = stack.casualties()
    finally:
        interrupts.undisturbed(stack.stop)
    if lost:
        raise ProcessNotReady(
            f"a part of the application ended during the {context.out.name} stage",
            where=str(context.out / "stack"),
            why="; ".join(lost),
            fix="read its log in the stage's evidence; a part that may end is a one-shot: `once = true` of a process, "
            "`one-shot` or `service_completed_successfully` for a service",
        )


def environment_for_tests(environment: Mapping[str, str], stack: Stack) -> dict[str, str]:
    """Return the variables for programs that talk to the stack: what it exports, nothing that leads past it."""
    kept = {name: value for name, value in environment.items() if name not in stack.drops}
    return {**kept, **stack.exports}


def choose(context: StageContext, environment: Mapping[str, str]) -> Stack:
    """Return the stack to start, with a note that says which it is and why."""
    options: StackOptions = context.options
    if options.mode == "processes":
        return _processes(context, environment, "as configured")
    file = compose_file(context)
    if options.mode == "compose":
        if file is None:
            raise ConfigurationError(
                "mode is `compose`, but there is no compose file",
                where=str(context.root),
                fix="add compose.yaml, name it with `compose-file`, or set `mode`",
            )
        usable = compose_engine.find(context.processes, environment)
        if isinstance(usable, str):
            raise EngineMissing("mode is `compose`, but compose cannot be used", why=usable, where=str(file))
        return _compose(context, environment, usable, "as configured")
    return _automatic(context, environment)


def compose_file(context: StageContext) -> str | None:
    """Return the compose file relative to the project, or None.

    Raises:
        ConfigurationError: the configured file does not exist.
    """
    options: StackOptions = context.options
    if options.compose_file:
        if not (context.root / options.compose_file).is_file():
            raise ConfigurationError(f"there is no compose file {options.compose_file}", where=str(context.root))
        return options.compose_file
    return next((name for name in COMPOSE_FILES if (context.root / name).is_file()), None)


def startable(context: StageContext) -> bool:
    """Return whether the project says how its application is started."""
    return bool(context.project.processes) or compose_file(context) is not None


def _automatic(context: StageContext, environment: Mapping[str, str]) -> Stack:
    file = compose_file(context)
    reason = "there is no compose file"
    if file is not None:
        usable = compose_engine.find(context.processes, environment)
        if isinstance(usable, str):
            reason = usable
        else:
            stack = _compose(context, environment, usable, f"{file} and a container engine are there")
            obstacle = stack.obtain(tolerant=bool(context.project.processes))
            if not obstacle:
                return stack
            reason = obstacle
    if context.project.processes:
        return _processes(context, environment, reason)
    if file is None:
        raise ConfigurationError(
            "there is nothing to start",
            where=str(context.root),
            why="there is neither a compose file nor [tool.truegreen.processes]",
            fix="add compose.yaml, or a table [tool.truegreen.processes.<name>] with `command` and `ready`",
        )
    raise EngineMissing(
        "the compose stack cannot be started",
        where=file,
        why=reason,
        fix="start a container engine with compose v2, or describe [tool.truegreen.processes]",
    )


def _compose(
    context: StageContext, environment: Mapping[str, str], engine: compose_engine.Compose, why: str
) -> ComposeStack:
    options: StackOptions = context.options
    stack = ComposeStack(
        engine=engine,
        file=compose_file(context) or "",
        context=context,
        environment=environment,
        ready=options.compose_ready,
        export=options.compose_export,
        one_shot=options.one_shot,
        ready_timeout_s=options.ready_timeout_s,
    )
    stack.notes.append(f"stack: compose ({why}; {engine.title})")
    return stack


def _processes(context: StageContext, environment: Mapping[str, str], why: str) -> ProcessStack:
    if not context.project.processes:
        raise ConfigurationError(
            "there are no processes to start",
            where=str(context.root / "pyproject.toml"),
            fix="add a table [tool.truegreen.processes.<name>] with `command` and `ready`",
        )
    stack = ProcessStack(context=context, environment=environment)
    stack.notes.append(f"stack: processes ({why})")
    return stack


def _prepare(context: StageContext, stack: Stack, environment: Mapping[str, str]) -> None:
    options: StackOptions = context.options
    for number, command in enumerate(options.prepare, start=1):
        log = context.out / "stack" / f"prepare-{number}.log"
        argv = shlex.split(command)
        done = context.processes.run(
            argv,
            cwd=context.root,
            env=environment_for_tests(environment, stack),
            timeout_s=options.ready_timeout_s,
            log=log,
        )
        stack.tools.append(
            ToolRun(
                name=argv[0],
                argv=tuple(argv),
                exit_code=done.exit_code,
                duration_s=round(done.duration_s, 3),
                timed_out=done.timed_out,
            )
        )
        if not done.ok:
            raise ToolFailed(
                f"the prepare command `{command}` failed", where=str(log), why=done.tail(), fix="run it by hand"
            )
