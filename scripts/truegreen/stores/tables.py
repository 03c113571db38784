"""What every store with tables does, whatever database holds them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.history import History
from truegreen.model.incident import Incident
from truegreen.stores import content, reading, writing
from truegreen.stores.columns import Damaged
from truegreen.stores.summaries import summaries

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from truegreen.errors import StoreDamaged
    from truegreen.model.results import RunResults, TestSummary
    from truegreen.stores.database import Connection

_PUT_INCIDENT = (
    "INSERT INTO incidents (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


class TableStore(ABC):
    """Keeps runs and incidents in tables; every method is one transaction."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """Open one transaction that excludes other writers: all of it happens, or nothing."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Connection | None]:
        """Open one transaction that sees one state; None where there is no store yet. Explains damage."""

    @abstractmethod
    def _damaged(self, why: str) -> StoreDamaged:
        """Return the explanation of content that is not what was written."""

    def append(self, results: RunResults) -> None:
        """Add a run; adding the same run and attempt again replaces it.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        run = content.normal(results)
        with self._writing() as connection:
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
        with self._writing() as connection:
            kept = {run: mark for run, *mark in connection.rows("SELECT run_key, created, digest FROM runs")}
            for given in runs:
                run = content.normal(given)
                mark = [run.run.created, content.digest(run)]
                if run.run.run not in kept or mark > kept[run.run.run]:
                    writing.put(connection, run, tests)
                    kept[run.run.run] = mark
                    taken += 1
            self._merge_incidents(connection, incidents)
        return taken

    def _merge_incidents(self, connection: Connection, given: Iterable[Incident]) -> None:
        """Keep of each branch what was remembered last."""
        known = {incident.key: incident for incident in self._incidents(connection)}
        for incident in map(_storable, given):
            here = known.get(incident.key)
            if here is None or _age(incident) > _age(here):
                known[incident.key] = incident
                connection.rows(_PUT_INCIDENT, (incident.key, _encoded(incident)))

    def history(
        self, limit: int = 100, tests: Mapping[str, Container[str]] | None = None, environment: str | None = None
    ) -> History:
        """Return the newest runs first; empty when there is no store yet.

        Args:
            limit: most runs to return.
            tests: stage → names of the tests of which more is to be known.
            environment: digest of that in which the durations must have been measured; None takes them all.

        Raises:
            StoreError: the store cannot be used.
        """
        with self._reading() as connection:
            return reading.history(connection, max(0, limit), tests, environment) if connection else History()

    def runs(self, known: Mapping[str, bytes] | None = None) -> Iterator[RunResults]:
        """Yield every run with all its results, oldest first; those with a known digest are left out.

        Raises:
            StoreError: the store cannot be used.
        """
        wanted = [run for run, digest in self.digests().items() if (known or {}).get(run) != digest]
        for run in wanted:
            with self._reading() as connection:
                if connection is None:
                    return
                found = reading.results(connection, run)
            yield found

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

    def prune(self, keep_runs: int, oldest: str = "") -> int:
        """Forget all but the newest runs, and those made before a moment; return how many were forgotten.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        late = (
            "SELECT id FROM runs WHERE created < ? OR id NOT IN "
            "(SELECT id FROM runs ORDER BY created DESC, id DESC LIMIT ?)"
        )
        with self._writing() as connection:
            found = [number for (number,) in connection.rows(late, (oldest, keep_runs))]
            if found:
                writing.forget(connection, found)
                writing.forget_unused(connection)
        return len(found)

    def check(self) -> list[str]:
        """Return what is wrong with the content, nothing when all is as it was written.

        Raises:
            StoreError: the store cannot be used at all.
        """
        wrong = []
        with self._reading() as connection:
            if connection is None:
                return []
            for run, _ in reading.every_run(connection):
                try:
                    reading.results(connection, run)
                except Damaged as damage:
                    wrong.append(f"run {run}: {damage}")
            try:
                reading.history(connection, 1 << 31, None)
                self._incidents(connection)
            except Damaged as damage:
                wrong.append(str(damage))
        return wrong

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

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; call it after the receipts.

        Raises:
            StoreError: the store cannot be used; it is left as it is.
        """
        kept = _storable(incident)
        with self._writing() as connection:
            connection.rows(_PUT_INCIDENT, (kept.key, _encoded(kept)))

    def _incidents(self, connection: Connection) -> list[Incident]:
        return [_decoded(value) for (value,) in connection.rows("SELECT value FROM incidents ORDER BY key")]


def _storable(incident: Incident) -> Incident:
    return msgspec.structs.replace(incident, key=content.storable(incident.key))


def _encoded(incident: Incident) -> str:
    return content.storable(msgspec.json.encode(incident).decode())


def _age(incident: Incident) -> tuple[str, str]:
    return incident.updated_at, _encoded(incident)


def _decoded(text: str) -> Incident:
    try:
        return msgspec.json.decode(text, type=Incident)
    except msgspec.MsgspecError as error:
        raise Damaged(f"what is remembered about a branch cannot be read ({error})") from None
