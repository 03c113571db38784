"""The wiring stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


class WiringOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.wiring]`."""

    workers: int | str = 0
    """As for the other stages; serial unless set, because a few quick tests end before the workers are up."""


class Wiring:
    """Tests marked `wiring`: factories must give real dependencies, not None and not a stand-in."""

    name: ClassVar[str] = "wiring"
    title: ClassVar[str] = "Wiring"
    Options: ClassVar[type[WiringOptions]] = WiringOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run the tests marked `wiring`."""
        done = common.pytest_run.run(context, marker=common.pytest_run.marker_of(self.name, context.options))
        return done.outcome()
