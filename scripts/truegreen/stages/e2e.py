"""Stage e2e: the tests marked `e2e`, against the whole application."""

from __future__ import annotations

from typing import ClassVar

from truegreen.stages import common
from truegreen.stages.common.context import StageContext, StageOutcome
from truegreen.stages.common.options import StackOptions, StageOptions


class EndToEndOptions(StackOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of `[tool.truegreen.e2e]`."""


class EndToEnd:
    """Starts the application as compose stack or as processes, and tests it from outside."""

    name: ClassVar[str] = "e2e"
    title: ClassVar[str] = "End to end"
    Options: ClassVar[type[StageOptions]] = EndToEndOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Start the stack, run the tests, stop the stack; every part's log is kept.

        Raises:
            ProcessNotReady: a part did not become ready, or ended while the tests ran.
            TruegreenError: any other cause that `common.stack.running` and the test run name.
        """
        if not common.stack.startable(context):
            return StageOutcome(skipped="nothing says how the application starts (compose.yaml or processes)")
        python, environment = common.stack_tests.project(context)
        with common.stack.running(context, environment) as running:
            tests = common.stack_tests.run(context, running, context.options.marker or self.name)
        return common.stack_tests.combine(running, tests, python)
