"""What really reached a store while a test ran."""

from __future__ import annotations

import msgspec


class Change(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Row changes of one kind in one object of a store."""

    store: str
    """Service name, such as `postgres`."""
    database: str = ""
    object: str
    """Table as `schema.table`, stream, or key space."""
    parent: str = ""
    """Partitioned table that the table is a part of, as `schema.table`."""
    kind: str
    """`insert`, `update`, `delete`, `truncate`."""
    count: int


class PhaseChanges(msgspec.Struct, frozen=True, kw_only=True):
    """Changes between the beginning and the end of one phase of a test."""

    test: str
    phase: str
    """`setup`, `call` or `teardown`."""
    committed: tuple[Change, ...] = ()
    rolled_back: tuple[Change, ...] = ()
    """Aborted, or still open when the phase ended."""
    observed_ms: float = 0.0
    """Cost of the observation itself."""
    problem: str = ""
    """Why the changes could not be read; makes the evidence blind."""


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a test must commit; from the `persists` marker, else any one change."""

    object: str = ""
    kind: str = ""
    at_least: int = 1


class TestDemand(msgspec.Struct, frozen=True, kw_only=True):
    """Demand of one test, with its result as the plugin saw it."""

    __test__ = False

    test: str
    demand: Demand = Demand()
    reads: bool = False
    """True for a test that only reads; nothing is demanded of it."""
    patched: tuple[str, ...] = ()
    """Targets replaced by a mock inside the test, as far as the plugin saw."""


class PersistenceEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `persistence.json`."""

    schema_version: int = 1
    store: str = "postgres"
    tier: str = ""
    """`A` pg_walinspect; the technique is printed in the report."""
    server_version: str = ""
    databases: tuple[str, ...] = ()
    """Patterns of the databases whose rows count; none means all."""
    complete: bool = False
    """True when the recorder was asked to stop and wrote everything it saw."""
    problem: str = ""
    """Why nothing could be recorded; makes the evidence blind."""
    phases: tuple[PhaseChanges, ...] = ()
    demands: tuple[TestDemand, ...] = ()
