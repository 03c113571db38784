"""The project's tests against a running stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ProjectTool
from truegreen.stages.common import project as projects
from truegreen.stages.common import pytest_run
from truegreen.stages.common import stack as stacks
from truegreen.stages.common.context import StageOutcome

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


def run(context: StageContext, stack: Stack, marker: str) -> PytestResult:
    """Run the tests with the stack's variables, and without those that lead past it.

    The stage's `prepare` commands have run already, when the stack became ready.
    """
    against = msgspec.structs.replace(
        context,
        env=stacks.environment_for_tests(context.env, stack),
        options=msgspec.structs.replace(context.options, prepare=[]),
    )
    return pytest_run.run(against, marker=marker)


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
