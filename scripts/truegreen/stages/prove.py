"""The prove stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import StageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


class ProveOptions(StageOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.prove]`."""

    max_minutes: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    """Time for all mutants, the tests before them not counted; what is not tried by then is counted."""
    replica_url_env: str = ""
    """Variable in which the project takes the URL of a read replica; with it there is the mutant `replica-lag`."""
    workers: list[Annotated[str, msgspec.Meta(pattern=r"^\w+(\.\w+)*:\w+(\.\w+)*$")]] = msgspec.field(
        default_factory=list
    )
    """Background workers, each as `module:function`, `module:Class.method`, or `module:__main__` for the process alone,
    such as `app.worker:main`; for each there is a mutant in which it never starts."""


class Prove:
    """Takes away what tests should miss, one thing at a time: the database's memory, its commits, each dependency.

    A project that names its read replica and its background workers has more to lose: rows that have not arrived yet,
    and workers that never start.

    It runs where it is asked for by name: `truegreen prove`, which is `truegreen run prove`. The tests of the stages
    persistence and wiring run as they do there, with the options of those stages; every run gets services of its own,
    so that no mutant finds what another one left. Nothing of the project is changed.
    """

    name: ClassVar[str] = "prove"
    title: ClassVar[str] = "Prove"
    Options: ClassVar[type[ProveOptions]] = ProveOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run the tests without a mutant, and then with one after the other until the time is over."""
        return common.prove_run.run(context)
