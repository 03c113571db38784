"""The wiring stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


_TESTS = ("tests/*", "test/*", "*/tests/*", "*/test/*", "test_*.py", "*/test_*.py", "*_test.py", "conftest.py",
          "*/conftest.py", "docs/*")  # fmt: skip


class WiringOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.wiring]`."""

    workers: int | str = 0
    """As for the other stages; serial unless set, because a few quick tests end before the workers are up."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(_TESTS))
    """Patterns of files that are not looked at for dependencies nobody supplies (`*` also matches `/`); by default the
    tests: what they supply, the application does not have."""


class Wiring:
    """Dependencies that nobody supplies, and tests marked `wiring`: factories must give real dependencies, not None."""

    name: ClassVar[str] = "wiring"
    title: ClassVar[str] = "Wiring"
    Options: ClassVar[type[WiringOptions]] = WiringOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Look for dependencies that nobody supplies, then run the tests marked `wiring`."""
        note = common.wiring_scan.leave(context, context.options.exclude)
        done = common.pytest_run.run(context, marker=common.pytest_run.marker_of(self.name, context.options))
        return msgspec.structs.replace(
            done.outcome(),
            files=(*done.files, (common.wiring_scan.FILE, "wiring")),
            expects=(*done.expects, "wiring"),
            notes=(*done.notes, note),
        )
