"""The unit stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome

_NETWORK = "TRUEGREEN_NETWORK"
"""Tells the plugin that the network is blocked, and what may be reached all the same."""

_LEAKS = "TRUEGREEN_LEAKS"
"""Tells the plugin to look at what tests leave."""


class UnitOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.unit]`."""

    coverage: bool = True
    """Measure line and branch coverage; without it the coverage gate is blind."""
    new_tests_s: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(default=30.0, name="new-tests-s")
    """Seconds in which tests that a change brings run again, up to 29 runs each; 0 runs none."""
    against_base_s: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(default=0.0, name="against-base-s")
    """Seconds in which all tests of the base and of the change run in turn, up to 12 pairs; 0 runs none.

    The gate `time-regression` compares their times. The base is checked out beside the project and installed in an
    environment of its own; it takes the base's commit in the clone (`fetch-depth: 0`).
    """
    network: Literal["open", "blocked"] = "open"
    """`blocked`: a test that connects to anything but this machine fails, and is told how to allow it.

    Loopback and Unix sockets are this machine. Sockets of libraries in C (libpq, grpc, uvloop) and of subprocesses are
    not seen.
    """
    leaks: bool = True
    """Look after each test at what it left changed in its process, such as the folder or environment variables.

    The gate `state-leaks` judges it.
    """
    network_allow: list[str] = msgspec.field(default_factory=list, name="network-allow")
    """What tests may reach all the same: names (`*.example.com`), addresses and networks (`10.0.0.0/8`)."""


class Unit:
    """Every test that no other stage claims, with coverage, in parallel where pytest-xdist is there."""

    name: ClassVar[str] = "unit"
    title: ClassVar[str] = "Unit"
    Options: ClassVar[type[UnitOptions]] = UnitOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run all tests but those marked for another stage, so that none falls between two."""
        marker = common.pytest_run.marker_of(self.name, context.options)
        options = context.options
        guard = {_NETWORK: msgspec.json.encode(options.network_allow).decode()} if options.network == "blocked" else {}
        extra = {**guard, **({_LEAKS: "1"} if options.leaks else {})}
        done = common.pytest_run.run(context, marker=marker, coverage=options.coverage, extra_env=extra)
        return common.pytest_pairs.beside(context, marker, done.outcome())
