"""What every store with tables does, whatever database holds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.model.history import History
from truegreen.model.incident import Incident
from truegreen.stores import content, reading, tally, writing
from truegreen.stores.columns import Damaged
from truegreen.stores.summaries import summaries

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from truegreen.errors import StoreDamaged
    from truegreen.model.history import Followed
    from truegreen.model.results import RunResults, TestSummary
    from truegreen.stores.database import Connection

_MARKS = "SELECT run_key, created, digest FROM runs"
_PUT_INCIDENT = (
    "INSERT INTO incidents (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


class TableReader(ABC):
    """Reads runs and incidents from tables; every method is one transaction."""

    counted: ClassVar[bool] = False
    """True where the tables say which runs belong there."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection | None]:
        """Open one transaction that sees one state; None where there is no store yet. Explains damage."""

    @abstractmethod
    def damaged(self, why: str) -> StoreDamaged:
        """Return the explanation of content that is not what was written."""

    def history(
        self,
        limit: int = 100,
        tests: Mapping[str, Container[str]] | None = None,
        environment: str | None = None,
        followed: Followed | None = None,
    ) -> History:
        """Return the newest runs first; empty when there is no store yet.

        Args:
            limit: most runs to return.
            tests: stage → names of the tests of which more is to be known.
            environment: digest of that in which the durations must have been measured; None takes them all.
            followed: tests of which is to be known in which runs of this code and environment they ran.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            if connection is None:
                return History()
            self._verify(connection)
            return reading.history(connection, max(0, limit), tests, environment, followed)

    def runs(self, known: Mapping[str, bytes] | None = None) -> Iterator[RunResults]:
        """Yield every run with all its results, oldest first; those with a known digest are left out.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:  # one for all: another process may forget runs meanwhile
            if connection is None:
                return
            names = reading.test_names(connection)
            for run, digest in reading.every_run(connection):
                if (known or {}).get(run) != digest:
                    yield reading.results(connection, run, names)

    def digests(self) -> dict[str, bytes]:
        """Return run → digest of its content, oldest first.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            return dict(reading.every_run(connection)) if connection else {}

    def summaries(self, since: str = "") -> list[TestSummary]:
        """Return what is known of every test over the runs made at or after a moment (ISO 8601, UTC).

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            return summaries(connection, since) if connection else []

    def check(self) -> list[str]:
        """Return what is wrong with the content, nothing when all is as it was written.

        Raises:
            StoreError: the store cannot be used at all.
        """
        wrong = []
        with self._reading() as connection:
            if connection is None:
                return []
            names = reading.test_names(connection)
            for run, _ in reading.every_run(connection):
                try:
                    reading.results(connection, run, names)
                except Damaged as damage:
                    wrong.append(f"run {run}: {damage}")
            try:
                self._verify(connection)
                reading.history(connection, 1 << 31)
                self._incidents(connection)
            except Damaged as damage:
                wrong.append(str(damage))
            wrong += reading.damaged_parts(connection)
        return wrong

    def _verify(self, connection: Connection) -> None:
        if self.counted:
            tally.verify(connection)

    def incident(self, key: str) -> Incident | None:
        """Return what is remembered about a branch, or None.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            if connection is None:
                return None
            found = connection.rows("SELECT value FROM incidents WHERE key = ?", (content.storable(key),))
            return _decoded(found[0][0]) if found else None

    def incidents(self) -> list[Incident]:
        """Return what is remembered about all branches.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            return self._incidents(connection) if connection else []

    def _incidents(self, connection: Connection) -> list[Incident]:
        return [_decoded(value) for (value,) in connection.rows("SELECT value FROM incidents ORDER BY key")]


class TableStore(TableReader):
    """Keeps runs and incidents in tables; every method is one transaction."""

    counted: ClassVar[bool] = True

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """Open one transaction that excludes other writers: all of it happens, or nothing."""

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """Open a transaction that changes which runs there are; not one where some are missing."""
        with self._writing() as connection:
            tally.verify(connection)
            yield connection
            tally.write(connection)

    def append(self, results: RunResults) -> None:
        """Add a run; adding the same run and attempt again replaces it.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        run = content.normal(results)
        with self._changing() as connection:
            writing.put(connection, run)

    def merge(self, runs: Iterable[RunResults], incidents: Iterable[Incident] = ()) -> int:
        """Take in what another store holds and return how many runs were new or newer.

        Of two runs with one identity the one made last is kept, and of two made at once the one with the greater
        digest: stores that take each other in hold the same in the end, in whatever order, however often.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        taken = 0
        tests: dict[str, tuple[int, int]] = {}
        with self._changing() as connection:
            kept = {run: (made, mark) for run, made, mark in connection.rows(_MARKS)}
            for run in newer_runs(kept, runs):
                writing.put(connection, run, tests)
                taken += 1
            for incident in newer_incidents(self._incidents(connection), incidents):
                connection.rows(_PUT_INCIDENT, (incident.key, encoded(incident)))
        return taken

    def prune(self, keep_runs: int, oldest: str = "") -> int:
        """Forget all but the newest runs, and those made before a moment; return how many were forgotten.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        late = (
            "SELECT id FROM runs WHERE created < ? OR id NOT IN "
            "(SELECT id FROM runs ORDER BY created DESC, id DESC LIMIT ?)"
        )
        with self._changing() as connection:
            found = [number for (number,) in connection.rows(late, (oldest, keep_runs))]
            if found:
                writing.forget(connection, found)
                writing.forget_unused(connection)
        return len(found)

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; call it after the receipts.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        kept = storable(incident)
        with self._writing() as connection:
            connection.rows(_PUT_INCIDENT, (kept.key, encoded(kept)))


def newer_runs(kept: dict[str, tuple[str, bytes]], runs: Iterable[RunResults]) -> Iterator[RunResults]:
    """Yield the runs, in normal form, that are new or newer than what is kept: run → when it was made, digest.

    Of two runs made at once the one with the greater digest counts as newer. `kept` is brought up to date.
    """
    for given in runs:
        run = content.normal(given)
        mark = run.run.created, content.digest(run)
        if run.run.run not in kept or mark > kept[run.run.run]:
            kept[run.run.run] = mark
            yield run


def newer_incidents(kept: Iterable[Incident], given: Iterable[Incident]) -> Iterator[Incident]:
    """Yield, in storable form, what is remembered of a branch later than what is kept."""
    known = {incident.key: incident for incident in kept}
    for incident in map(storable, given):
        here = known.get(incident.key)
        if here is None or _age(incident) > _age(here):
            known[incident.key] = incident
            yield incident


def storable(incident: Incident) -> Incident:
    """Return an incident under a key that every store can keep."""
    return msgspec.structs.replace(incident, key=content.storable(incident.key))


def encoded(incident: Incident) -> str:
    """Return an incident as a store keeps it."""
    return content.storable(msgspec.json.encode(incident).decode())


def _age(incident: Incident) -> tuple[str, str]:
    return incident.updated_at, encoded(incident)


def _decoded(text: str) -> Incident:
    try:
        return msgspec.json.decode(text, type=Incident)
    except msgspec.MsgspecError as error:
        raise Damaged(f"what is remembered about a branch cannot be read ({error})") from None
