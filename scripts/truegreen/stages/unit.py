"""The unit stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


class UnitOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.unit]`."""

    coverage: bool = True
    """Measure line and branch coverage; without it the coverage gate is blind."""
    new_tests_s: float = msgspec.field(default=30.0, name="new-tests-s")
    """Seconds in which tests that a change brings run again, up to 29 runs each; 0 runs none."""
    against_base_s: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(default=0.0, name="against-base-s")
    """Seconds in which all tests of the base and of the change run in turn, up to 12 pairs; 0 runs none.

    The gate `time-regression` compares their times. The base is checked out beside the project and installed in an
    environment of its own; it takes the base's commit in the clone (`fetch-depth: 0`).
    """


class Unit:
    """Every test that no other stage claims, with coverage, in parallel where pytest-xdist is there."""

    name: ClassVar[str] = "unit"
    title: ClassVar[str] = "Unit"
    Options: ClassVar[type[UnitOptions]] = UnitOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run all tests but those marked for another stage, so that none falls between two."""
        marker = common.pytest_run.marker_of(self.name, context.options)
        done = common.pytest_run.run(context, marker=marker, coverage=context.options.coverage)
        return common.pytest_pairs.beside(context, marker, done.outcome())
