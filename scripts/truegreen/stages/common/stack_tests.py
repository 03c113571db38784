"""The project's tests against a running stack."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.errors import ConfigurationError, ProjectTool
from truegreen.model.service import ServiceHandle
from truegreen.stages.common import probe as probes
from truegreen.stages.common import project as projects
from truegreen.stages.common import pytest_run, watch
from truegreen.stages.common import stack as stacks
from truegreen.stages.common.context import StageOutcome
from truegreen.stages.common.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.stages.common.context import StageContext
    from truegreen.stages.common.project import ProjectPython
    from truegreen.stages.common.pytest_run import PytestResult
    from truegreen.stages.common.stack import Stack

_COLLECT_S = 120.0
_NOTHING_COLLECTED = 5


def project(context: StageContext) -> tuple[ProjectPython, dict[str, str]]:
    """Return the project's interpreter, and the environment of its programs.

    Raises:
        InstallFailed: the project could not be installed.
    """
    python = projects.ensure(context)
    return python, {**context.env, **python.env}


def recorder(context: StageContext, stack: Stack) -> Recorder:
    """Return a recorder of what reaches the stores of a stack that is ready.

    Raises:
        ConfigurationError: a store is named that is not there; a compose stack's own must be published.
    """
    options = context.options
    found = {name: _published(name, url) for name, url in options.observe.items()} if stack.kind == "compose" else {}
    known = found if stack.kind == "compose" else {handle.name: handle for handle in context.services}
    if unknown := [name for name in options.stores if name not in known]:
        why = "the stack's own is not in observe" if stack.kind == "compose" else "it is none of the stage's services"
        fix = f'e2e.observe.{unknown[0]} = "URL" for a compose stack, e2e.services for processes'
        raise ConfigurationError(f"{unknown[0]!r} cannot be observed", where="e2e.stores", why=why, fix=fix)
    stores = watch.watched(known[name] for name in options.stores)
    context = msgspec.structs.replace(context, services=tuple(known.values()))
    return Recorder(
        tuple(dataclasses.replace(store, counts=True) for store in stores), context.out, probe=probes.probe_of(context)
    )


def _published(kind: str, url: str) -> ServiceHandle:
    """Return a store of a compose stack at the address where it is published."""
    if kind not in registry.names("observer") or kind not in registry.names("service"):
        known = ", ".join(name for name in registry.names("observer") if name in registry.names("service"))
        raise ConfigurationError(f"{kind!r} cannot be observed", where="e2e.observe", fix=f"known: {known}")
    access = registry.load("service", kind)().parse(url)
    return ServiceHandle(
        name=kind,
        kind=kind,
        provider="attach",
        host=access.host,
        port=access.port,
        url=url,
        user=access.user,
        password=access.password,
        database=access.database,
    )


def run(context: StageContext, stack: Stack, marker: str, recorder: str = "") -> PytestResult:
    """Run the tests with the stack's variables, and without those that lead past it.

    The stage's `prepare` commands have run already, when the stack became ready. With the address of a recorder the
    tests run once and one after the other: changes are told apart by time.
    """
    against = msgspec.structs.replace(
        context,
        env=stacks.environment_for_tests(context.env, stack),
        options=msgspec.structs.replace(context.options, prepare=[]),
    )
    if not recorder:
        return pytest_run.run(against, marker=marker)
    return pytest_run.run(against, marker=marker, extra_env={"TRUEGREEN_RECORDER": recorder}, workers="0", reruns=0)


def run_if_any(context: StageContext, stack: Stack, marker: str) -> PytestResult | None:
    """Run the tests where the project has any; None means that nobody wrote one, which pytest itself told."""
    try:
        result = run(context, stack, marker)
    except ProjectTool:  # a project without pytest has none
        return None
    return None if result.nothing else result


def any_collected(context: StageContext, python: ProjectPython, environment: Mapping[str, str], marker: str) -> bool:
    """Return whether a test carries the marker; what cannot be told counts as yes, so that it is reported."""
    argv = [str(python.python), "-m", "pytest", "--collect-only", "-q", "-m", marker, *context.options.tests]
    done = context.processes.run(argv, cwd=context.root, env=environment, timeout_s=_COLLECT_S)
    return done.exit_code != _NOTHING_COLLECTED and "No module named pytest" not in done.stderr


def combine(stack: Stack, tests: PytestResult | None, python: ProjectPython) -> StageOutcome:
    """Return the outcome of stack and tests together; every file that is not named here is kept as a log."""
    if tests is None:
        return StageOutcome(tools=tuple(stack.tools), notes=(*python.notes, *stack.notes), python=python.version)
    return StageOutcome(
        files=tests.files,
        expects=tests.expects,
        tools=(*stack.tools, *tests.tools),
        notes=(*tests.notes, *stack.notes),
        python=tests.python,
        seed=tests.seed,
    )
