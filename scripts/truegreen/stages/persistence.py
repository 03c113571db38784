"""The persistence stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome

_FILE = "persistence.json"


class PersistenceOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.persistence]`."""

    services: list[str] = msgspec.field(default_factory=lambda: ["postgres"])
    """Real services of the stage; PostgreSQL among them is the one whose log is read."""
    databases: list[str] = msgspec.field(default_factory=list)
    """Databases whose rows count, as patterns; empty takes the service's own and those made for tests beside it:
    `NAME`, `test_NAME*` and `NAME_*`."""


class Persistence:
    """Tests marked `persistence` against real services, with what each of them committed, read from the WAL."""

    name: ClassVar[str] = "persistence"
    title: ClassVar[str] = "Persistence"
    Options: ClassVar[type[PersistenceOptions]] = PersistenceOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run the tests while a recorder outside their process reads what reaches PostgreSQL."""
        server = common.recorder.observed(context.services)
        databases = common.recorder.counting(server, context.options.databases)
        recorder = common.recorder.Recorder(server, context.out / _FILE, databases)
        with recorder.listening() as address:
            # One process: changes are told apart by time, so two tests must never run at once.
            done = common.pytest_run.run(
                context,
                marker=common.pytest_run.marker_of(self.name, context.options),
                extra_env={"TRUEGREEN_RECORDER": str(address)},
                workers="0",
                reruns=0,
            )
        return msgspec.structs.replace(
            done.outcome(),
            files=(*done.files, (_FILE, "persistence")),
            expects=(*done.expects, "persistence"),
            notes=(*done.notes, *(h.note for h in context.services if h.note), recorder.note),
        )
