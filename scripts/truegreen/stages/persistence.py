"""The persistence stage."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.stages import common
from truegreen.stages.common.options import PytestOptions, Workers

if TYPE_CHECKING:
    from truegreen.stages.common.context import StageContext, StageOutcome


class PersistenceOptions(PytestOptions, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """`[tool.truegreen.persistence]`."""

    services: list[str] = msgspec.field(default_factory=lambda: ["postgres"])
    """Real services of the stage; each of them that can be observed is."""
    stores: list[str] = msgspec.field(default_factory=list)
    """Services and folders whose changes count as persisted. Empty takes the databases among them (`postgres`,
    `mariadb`, `mysql`), so that a cache alone proves nothing; without one, everything that is observed."""
    folders: list[str] = msgspec.field(default_factory=list)
    """Folders, relative to the project, in which files that tests leave are observed, each a store of its name."""
    databases: list[str] = msgspec.field(default_factory=list)
    """Databases whose rows count, as patterns; empty takes the service's own and those made for tests beside it:
    `NAME` and `test_NAME`, each also with `_test…`, `_gw0`, `_worker1`, `_1`, `_tmp…` or eight hexadecimal digits
    behind it. Another database of the application, such as `NAME_archive`, must be named here. `redis:1` is database 1
    of the service `redis`."""
    workers: Workers = 0
    """Processes of pytest-xdist: a number or `auto`; `0` is one. Each gets a copy of the database, and finds it in the
    variables that the service exports. Only where PostgreSQL is the one store that is observed, on a server that
    truegreen starts, and `databases` is empty; else the tests run in one process, and a note says why."""
    reruns: int = 0
    """Nothing else than 0: a failed test of this stage never runs again, for each test is recorded once."""
    clean_keep: list[str] = msgspec.field(default_factory=list)
    """Tables and streams that the fixtures `clean_postgres` and `clean_nats` leave as they are, as patterns, such as
    those with rows that a migration brings. Tables of migration tools are always left."""
    clean_attached: bool = False
    """Let the `clean_*` fixtures empty servers that truegreen did not start and that are not on this machine."""

    def __post_init__(self) -> None:
        """Refuse what would be taken and do nothing, or cannot be meant."""
        if self.reruns:
            raise ValueError("reruns: a failed test of this stage never runs again; take the line out")
        for name in self.folders:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"folders: {name!r} is no folder of the project; name one below it, such as data/out")
        served = {name.partition("@")[0] for name in self.services}
        for name in self.databases:
            of, colon, _ = name.partition(":")
            if colon and of not in served:
                raise ValueError(
                    f"databases: {name!r} is of {of!r}, which is none of the stage's services; "
                    f"name one of {', '.join(sorted(served)) or 'its services'}, or add it to services"
                )


class Persistence:
    """Tests marked `persistence` against real services, with what each of them committed, read from the stores."""

    name: ClassVar[str] = "persistence"
    title: ClassVar[str] = "Persistence"
    Options: ClassVar[type[PersistenceOptions]] = PersistenceOptions

    def run(self, context: StageContext) -> StageOutcome:
        """Run the tests while a recorder outside their process reads what reaches the stores."""
        options = context.options
        places = [*context.services, *(common.watch.folder(name, context.root) for name in options.folders)]
        stores = common.watch.watched(places, databases=options.databases, stores=options.stores)
        number, notes = common.workers.number(options, stores, context.services)
        workers = common.workers.of(context, stores) if number > 1 else None
        probe = common.probe.probe_of(context)
        recorder = common.recorder.Recorder(stores, context.out, probe=probe, workers=workers)
        with recorder.listening() as address:
            # In one process changes are told apart by time, so two tests must never run at once.
            done = common.pytest_run.run(
                context,
                marker=common.pytest_run.marker_of(self.name, context.options),
                extra_env={"TRUEGREEN_RECORDER": str(address), "TRUEGREEN_WORKERS": "1" if workers else ""},
                workers=number if workers else "0",
                reruns=0,
                prepared=workers.prepare if workers else lambda: None,
            )
        return msgspec.structs.replace(
            done.outcome(),
            files=(*done.files, *recorder.files),
            expects=(*done.expects, "persistence"),
            notes=(*done.notes, *notes, *(h.note for h in context.services if h.note), *recorder.notes),
        )
