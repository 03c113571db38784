"""Stage e2e: the tests marked `e2e`, against the whole application."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.context import StageContext, StageOutcome
from truegreen.stages.common.options import StackOptions, StageOptions


class EndToEndOptions(StackOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Keys of `[tool.truegreen.e2e]`."""

    stores: list[str] = msgspec.field(default_factory=list)
    """Stores in which each test must leave a change, unless it says with `persists` what it stores, or that it reads:
    services that truegreen starts for the stage, or names of `observe`. Empty observes nothing, and demands nothing."""
    observe: dict[str, str] = msgspec.field(default_factory=dict)
    """Kind of store → the URL at which a compose stack publishes its own, opened when the stack is ready, such as
    `postgres = "postgresql://app:app@127.0.0.1:5433/app"`. Processes use the stage's services instead."""


class EndToEnd:
    """Starts the application as compose stack or as processes, and tests it from outside."""

    name: ClassVar[str] = "e2e"
    title: ClassVar[str] = "End to end"
    Options: ClassVar[type[StageOptions]] = EndToEndOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Start the stack, run the tests, stop the stack; every part's log is kept.

        Where stores are named, a recorder outside the tests' process reads what each test made the application leave.

        Raises:
            ConfigurationError: a store is named that is not there.
            ProcessNotReady: a part did not become ready, or ended while the tests ran.
            TruegreenError: any other cause that `common.stack.running` and the test run name.
        """
        if not common.stack.startable(context):
            return StageOutcome(skipped="nothing says how the application starts (compose.yaml or processes)")
        python, environment = common.stack_tests.project(context)
        marker = context.options.marker or self.name
        with common.stack.running(context, environment) as running:
            if not context.options.stores:
                return common.stack_tests.combine(running, common.stack_tests.run(context, running, marker), python)
            recorder = common.stack_tests.recorder(context, running)
            with recorder.listening() as address:
                tests = common.stack_tests.run(context, running, marker, str(address))
            outcome = common.stack_tests.combine(running, tests, python)
        return msgspec.structs.replace(
            outcome,
            files=(*outcome.files, *recorder.files),
            expects=(*outcome.expects, "persistence"),
            notes=(*outcome.notes, *recorder.notes),
        )
