"""The wiring stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions, Workers

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


_TESTS = ("tests/*", "test/*", "*/tests/*", "*/test/*", "test_*.py", "*/test_*.py", "*_test.py", "conftest.py",
          "*/conftest.py", "docs/*")  # fmt: skip


FactoryName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]


class WiringOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.wiring]`."""

    workers: Workers = 0
    """As for the other stages; serial unless set, because a few quick tests end before the workers are up."""
    exclude: list[str] = msgspec.field(default_factory=lambda: list(_TESTS))
    """Patterns of files that are not looked at for dependencies nobody supplies (`*` also matches `/`); by default the
    tests: what they supply, the application does not have."""
    factories: list[FactoryName] = msgspec.field(default_factory=list)
    """Where the application is put together, as `module:attribute`: functions, applications, containers, objects.

    Each is called in the project's environment, with fixtures by the names of its required parameters, and what it
    builds is walked. Those that say what they build are found without being named.
    """
    discover: bool = True
    """False walks only what `factories` names."""
    leave_out: dict[str, str] = msgspec.field(default_factory=dict, name="leave-out")
    """Root (`module:attribute`) → why it is not called."""
    factory_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = msgspec.field(
        default=30.0, name="factory-timeout-s"
    )
    """Seconds in which one factory must have built what it builds; importing its module is not counted."""


class Wiring:
    """Dependencies that nobody supplies, what factories really build, and tests marked `wiring`."""

    name: ClassVar[str] = "wiring"
    title: ClassVar[str] = "Wiring"
    Options: ClassVar[type[WiringOptions]] = WiringOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Look for dependencies that nobody supplies, then run the tests marked `wiring`, and one for each root."""
        found, env = common.wiring_walk.prepare(context)
        marker = common.pytest_run.marker_of(self.name, context.options)
        done = common.pytest_run.run(context, marker=marker, extra_env=env)
        note = common.wiring_walk.leave(context, found)
        return msgspec.structs.replace(
            done.outcome(),
            files=(*done.files, (common.wiring_walk.FILE, "wiring")),
            expects=(*done.expects, "wiring"),
            notes=(*done.notes, note),
        )
