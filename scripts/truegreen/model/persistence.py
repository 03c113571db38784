"""What really reached a store while a test ran."""

from __future__ import annotations

import msgspec

GONE = "(a table that is gone)"
"""What stands for the name of a table that was dropped, or got another file, before anybody could read its name."""


MIGRATIONS = (
    "alembic_version", "migrate_version", "django_migrations", "schema_migrations", "ar_internal_metadata",
    "flyway_schema_history", "databasechangelog", "databasechangeloglock", "aerich",
    "_yoyo_migration", "_yoyo_log", "_yoyo_version", "yoyo_lock", "piccolo_migration", "migratehistory",
    "goose_db_version", "_prisma_migrations", "_sqlx_migrations", "atlas_schema_revisions",
)  # fmt: skip
"""Tables in which migration tools note which version a schema has: no test is about them, unless it says so."""


class Change(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Committed changes of one kind in one object of a store."""

    store: str
    """Service name, such as `postgres`."""
    database: str = ""
    object: str
    """Table as `schema.table`, key, stream, queue, or path of a file."""
    parent: str = ""
    """Partitioned table that the table is a part of, as `schema.table`."""
    kind: str
    """`insert`, `update`, `delete`, `truncate` of rows; other stores have words of their own, such as `publish`."""
    count: int


class Window(msgspec.Struct, frozen=True):
    """Changes of one store between two of its positions."""

    committed: tuple[Change, ...] = ()
    """Written and committed between them."""
    rolled_back: tuple[Change, ...] = ()
    written_before: tuple[Change, ...] = ()
    """Committed between them by a transaction that had written them before."""
    problem: str = ""
    """Why there may be more between these two positions, and what to do about it; later ones are not touched."""


class PhaseChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes between the beginning and the end of one phase of a test."""

    test: str
    phase: str
    """`setup`, `call` or `teardown`."""
    committed: tuple[Change, ...] = ()
    rolled_back: tuple[Change, ...] = ()
    """Aborted, or still open when the phase ended."""
    written_before: tuple[Change, ...] = ()
    """Committed in this phase and written before it, such as by a fixture; of no phase."""
    observed_ms: float = 0.0
    """Cost of the observation itself."""
    problem: str = ""
    """Why the changes could not be read; makes the evidence blind."""
    store: str = ""
    """Name of the service; in evidence, the whole file is of one."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a test must commit; from the `persists` marker, else any one change."""

    object: str = ""
    store: str = ""
    """Name of the service that must see it; empty takes the stores that count."""
    kind: str = ""
    at_least: int = 1
    at_most: int | None = None
    """None is no limit."""

    def allows(self, number: int) -> bool:
        """Return whether a number of committed changes is not too large."""
        return self.at_most is None or number <= self.at_most

    def meets(self, number: int) -> bool:
        """Return whether a number of committed changes is what is demanded."""
        return self.at_least <= number and self.allows(number)


class TestDemand(msgspec.Struct, frozen=True, kw_only=True):
    """Demand of one test, with its result as the plugin saw it."""

    __test__ = False

    test: str
    demand: Demand = Demand()
    reads: bool = False
    """True for a test that only reads; nothing is demanded of it."""
    patched: tuple[str, ...] = ()
    """Targets replaced by a mock inside the test, as far as the plugin saw."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What else could write while a test was called."""

    test: str
    what: str
    """Such as a thread or a process of an earlier test that was at work meanwhile."""
    name: str = ""
    """Of the thread, or the command of the process."""


class PersistenceEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `persistence-STORE.json`: what reached one store."""

    schema_version: int = 1
    store: str = "postgres"
    """Name of the service."""
    kind: str = "postgres"
    """Kind of service."""
    counts: bool = True
    """Whether a change here is enough for a test that names no store."""
    tier: str = ""
    """Letter and name of the technique, such as `A: …`; the report prints it."""
    server_version: str = ""
    databases: tuple[str, ...] = ()
    """Patterns of the databases whose changes count; none means all."""
    complete: bool = False
    """True when the recorder was asked to stop and wrote everything it saw."""
    problem: str = ""
    """Why nothing could be recorded; makes the evidence blind."""
    phases: tuple[PhaseChanges, ...] = ()
    demands: tuple[TestDemand, ...] = ()
    beside: tuple[Beside, ...] = ()
    """Tests whose changes cannot be told from those of something else."""
