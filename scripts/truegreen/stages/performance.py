"""Stage performance: load by Locust or k6 against the whole application, and tests marked `performance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from truegreen.errors import ConfigurationError
from truegreen.stages import common
from truegreen.stages.common.context import StageContext, StageOutcome
from truegreen.stages.common.options import StackOptions, StageOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.stages.common.project import ProjectPython
    from truegreen.stages.common.stack import Stack
    from truegreen.stages.common.stack_load import LoadOutcome

SCRIPTS = {
    "locust": ("tests/performance/locustfile.py", "locustfile.py"),
    "k6": ("tests/performance/load.js", "load.js"),
}


class PerformanceOptions(StackOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of `[tool.truegreen.performance]`."""

    tool: Literal["locust", "k6"] = "locust"
    """Load generator."""
    script: str = ""
    """Load script; empty takes `tests/performance/locustfile.py` or `locustfile.py` (k6: `load.js`)."""
    host: str = ""
    """Base URL to load; empty takes the first URL that the stack exports, `…BASE_URL` preferred."""
    users: int = 20
    """Simultaneous users."""
    spawn_rate: float = msgspec.field(default=20.0, name="spawn-rate")
    """Users started per second (Locust)."""
    duration_s: float = msgspec.field(default=12.0, name="duration-s")
    """Length of the measured run."""
    warm_up_s: float = msgspec.field(default=2.0, name="warm-up-s")
    """Length of a run before it that is not measured; 0 leaves it out."""


class Performance:
    """Puts load on the application and keeps the generator's own figures."""

    name: ClassVar[str] = "performance"
    title: ClassVar[str] = "Performance"
    Options: ClassVar[type[StageOptions]] = PerformanceOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Start the stack, run the tests and then the load, stop the stack.

        Raises:
            ConfigurationError: the configured script does not exist, or there is no host to load.
            ProcessNotReady: a part of the application ended or was not ready.
            ToolFailed: the load generator did not come to its own end.
        """
        if not common.stack.startable(context):
            return StageOutcome(skipped="nothing says how the application starts (compose.yaml or processes)")
        script = load_script(context)
        python, environment = common.stack_tests.project(context)
        marker = context.options.marker or self.name
        # A script is reason enough to start the stack; without one, looking for tests first saves starting it.
        if not script and not common.stack_tests.any_collected(context, python, environment, marker):
            return StageOutcome(skipped="there is neither a load script nor a test marked `performance`")
        load = None
        with common.stack.running(context, environment) as running:
            tests = (common.stack_tests.run_if_any if script else common.stack_tests.run)(context, running, marker)
            if script:
                load = _load(context, running, python, common.stack.environment_for_tests(environment, running), script)
        return _with_load(common.stack_tests.combine(running, tests, python), load)


def load_script(context: StageContext) -> str:
    """Return the load script relative to the project, or an empty string.

    Raises:
        ConfigurationError: the configured one does not exist.
    """
    options: PerformanceOptions = context.options
    if options.script:
        if not (context.root / options.script).is_file():
            raise ConfigurationError(
                f"there is no load script {options.script}", where="[tool.truegreen.performance] script"
            )
        return options.script
    return next((name for name in SCRIPTS[options.tool] if (context.root / name).is_file()), "")


def _load(
    context: StageContext, running: Stack, python: ProjectPython, environment: Mapping[str, str], script: str
) -> LoadOutcome:
    options: PerformanceOptions = context.options
    host = options.host or common.stack_load.default_host(running.exports)
    if not host:
        raise ConfigurationError(
            "there is no host to put load on",
            where="[tool.truegreen.performance] host",
            why="the stack exports no http:// URL",
            fix='export one, such as `export = { BASE_URL = "http://127.0.0.1:{port}" }`',
        )
    plan = common.stack_load.LoadPlan(
        script=script,
        host=host,
        users=options.users,
        spawn_rate=options.spawn_rate,
        duration_s=options.duration_s,
        warm_up_s=options.warm_up_s,
        env=dict(environment),
    )
    title = f"load: {options.tool}, {options.users} users, {options.duration_s:g} s"
    with context.console.working(title):
        if options.tool == "k6":
            return common.stack_load.run_k6(context, plan)
        return common.stack_load.run_locust(context, plan, python.python)


def _with_load(outcome: StageOutcome, load: LoadOutcome | None) -> StageOutcome:
    if load is None:
        return outcome
    return msgspec.structs.replace(
        outcome,
        files=(*outcome.files, (load.file, load.kind)),
        expects=(*outcome.expects, load.kind),
        tools=(*outcome.tools, load.tool),
        notes=(*outcome.notes, load.note),
    )
