"""Committed row changes of PostgreSQL by logical decoding with its built-in decoder `pgoutput`.

The server itself puts transactions together, so only committed ones come, from version 13 on. Decoding needs
`wal_level=logical`, and in each database a slot, which keeps the log until it is read, and a publication of all tables.
A publication has a price: PostgreSQL refuses to update a row of a published table that has no key. Such tables get
`REPLICA IDENTITY FULL` as long as they are published, new ones by an event trigger.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Change, Window
from truegreen.stages.common.pgoutput import Decoder
from truegreen.stages.common.recorder_database import DATABASE
from truegreen.stages.common.unlogged import Unlogged
from truegreen.stages.common.wal import connect, psycopg
from truegreen.stages.common.wal_log import LogEnd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from truegreen.model.service import ServiceHandle
    from truegreen.stages.common.pgoutput import Relation, Transaction

SCHEMA = "truegreen_recorder"
_NAME = "truegreen recorder"
_SLOT = "truegreen_"
_PATIENCE = "3s"
"""A slot waits for every open transaction; one that stays open ends the attempt."""
_GENERATED_SINCE = 180000
"""Version that leaves generated columns out unless told otherwise, and then refuses to change their rows."""
_BUSY = 7_214_503
"""Key of the advisory lock that one recorder of a server holds."""
_DATABASES = (
    "SELECT oid::int8, datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname <> %s ORDER BY oid"
)
_DECODE = (
    "SELECT lsn::text, data FROM pg_logical_slot_get_binary_changes("
    "%s, %s, NULL, 'proto_version', '1', 'publication_names', 'truegreen_recorder')"
)
_LACKS_KEY = """
  r.oid >= 16384 AND r.relkind IN ('r', 'p') AND r.relpersistence = 'p' AND r.relreplident <> 'f' AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = r.oid AND (
      (r.relreplident = 'd' AND i.indisprimary AND i.indimmediate) OR (r.relreplident = 'i' AND i.indisreplident)))
"""
_INSTALL = """
CREATE SCHEMA truegreen_recorder;
CREATE TABLE truegreen_recorder.identified (relation oid PRIMARY KEY, before "char" NOT NULL);
CREATE FUNCTION truegreen_recorder.identify(target oid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  was "char" := (SELECT relreplident FROM pg_class r WHERE r.oid = target AND {lacks key});
BEGIN
  IF was IS NOT NULL THEN
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', target::regclass);
    INSERT INTO truegreen_recorder.identified VALUES (target, was) ON CONFLICT DO NOTHING;
  END IF;
  -- Of a column that is generated when it is read there is nothing to publish, so its rows could not be changed any
  -- more. Better to see nothing than to be in the way.
  IF EXISTS (SELECT FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid
             WHERE r.oid = target AND r.relreplident = 'f' AND a.attgenerated = 'v' AND NOT a.attisdropped) THEN
    DROP PUBLICATION IF EXISTS truegreen_recorder;
  END IF;
END $body$;
CREATE FUNCTION truegreen_recorder.made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  PERFORM truegreen_recorder.identify(objid) FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass;
END $body$;
CREATE PUBLICATION truegreen_recorder FOR ALL TABLES {options};
SELECT truegreen_recorder.identify(r.oid) FROM pg_class r WHERE {lacks key} OR r.relreplident = 'f';
CREATE EVENT TRIGGER truegreen_recorder ON ddl_command_end EXECUTE FUNCTION truegreen_recorder.made();
ALTER EVENT TRIGGER truegreen_recorder ENABLE ALWAYS;
""".replace("{lacks key}", _LACKS_KEY)
_SILENCE = """
DROP PUBLICATION IF EXISTS truegreen_recorder;
DROP EVENT TRIGGER IF EXISTS truegreen_recorder;
"""
_REMOVE = """
DO $body$
DECLARE
  kept record;
BEGIN
  IF to_regclass('truegreen_recorder.identified') IS NOT NULL THEN
    FOR kept IN SELECT r.oid, i.before FROM truegreen_recorder.identified i JOIN pg_class r ON r.oid = i.relation
                WHERE r.relreplident = 'f' LOOP
      EXECUTE format('ALTER TABLE %s REPLICA IDENTITY %s', kept.oid::regclass,
                     CASE kept.before WHEN 'd' THEN 'DEFAULT' ELSE 'NOTHING' END);
    END LOOP;
  END IF;
END $body$;
DROP SCHEMA IF EXISTS truegreen_recorder CASCADE;
"""
_PUBLISHED = "SELECT 1 FROM pg_publication WHERE pubname = 'truegreen_recorder'"
_PARENTS = (
    "SELECT c.oid::int8, s.nspname || '.' || r.relname FROM pg_class c "
    "JOIN pg_class r ON r.oid = pg_partition_root(c.oid) JOIN pg_namespace s ON s.oid = r.relnamespace "
    "WHERE c.relispartition AND c.relkind = 'r'"
)


class _Stream(msgspec.Struct):
    """The changes of one database that were not read yet."""

    oid: int
    slot: str
    parents: dict[int, str]
    held: Any = None
    """Connection that a temporary slot lives by."""


class LogicalReader:
    """Reads the changes of the databases that count, each by a slot of its own."""

    def __init__(self, server: ServiceHandle, databases: tuple[str, ...] = ()) -> None:
        """Begin to keep the changes of a server.

        Args:
            server: the service.
            databases: patterns of the databases that are read; none means all.

        Raises:
            ServiceNotReady: the server cannot do it, with its reason.
        """
        self._psycopg = psycopg()
        self._server = server
        self._patterns = databases
        self._streams: dict[int, _Stream] = {}
        self._before: set[int] = set()
        """Databases that were there when this began, on a server of somebody else."""
        self._read = ""
        self._parts: tuple[tuple[int, int], ...] = ()
        """Earlier windows that belong to the one that is read, in bytes."""
        self._unlogged = Unlogged()
        try:
            self._control = connect(server, "postgres", _NAME)
            self._end = LogEnd(self._control)
        except self._psycopg.Error as error:
            raise self._refused(str(error)) from None
        try:
            self._begin()
        except (self._psycopg.Error, ServiceNotReady) as error:
            self.close()
            why = error.why if isinstance(error, ServiceNotReady) else str(error).strip()
            raise self._refused(why) from None
        self.version = str(self._control.info.server_version)

    @property
    def tier(self) -> str:
        """What it does."""
        return f"B: row changes of committed transactions, by logical decoding (pgoutput){self._unlogged.words}"

    def position(self) -> str:
        """Return the current end of the log, flushed; databases that are new are watched from here on."""
        self._watch_all()
        return self._end.end()

    def resume(self, parts: Sequence[tuple[str, str]]) -> None:
        """Take what was written in earlier windows for what is written in the one that is read next."""
        self._parts = tuple((_bytes(start), _bytes(end)) for start, end in parts)

    def between(self, start: str, end: str) -> Window:
        """Return the row changes between two positions; those of before are read only once.

        Raises:
            ServiceNotReady: a window overlaps one that was read already.
        """
        if start == end:
            return Window()
        if self._read and _bytes(start) < _bytes(self._read):
            raise ServiceNotReady("changes before this position were read already", where=start)
        self._read = end
        names = dict(self._control.execute(_DATABASES, (DATABASE,)).fetchall())
        found: list[Change] = []
        before: list[Change] = []
        for oid, stream in list(self._streams.items()):
            if oid not in names:  # dropped, and its slot with it
                del self._streams[oid]
                continue
            decoded = self._decoded(stream, names[oid], start, end)
            done = [one for one in decoded if one.committed_at >= _bytes(start)]
            found += self._told(stream, names[oid], (one.rows for one in done))
            before += self._told(stream, names[oid], (one.written_before for one in done))
        return Window(committed=tuple(sorted(found)), written_before=tuple(sorted(before)))

    def since(self, start: str) -> tuple[str, Callable[[], Window]]:
        """Return the moment now, and what tells what changed up to it."""
        end = self.position()
        window = self.between(start, end)
        return end, lambda: window

    def close(self) -> None:
        """Give up the slots, and leave a server that is not ours as it was."""
        own = self._server.database or "postgres"
        self._unlogged.look_last(lambda: connect(self._server, own, _NAME), self._psycopg.Error)
        with contextlib.suppress(self._psycopg.Error):
            names = dict(self._control.execute(_DATABASES, (DATABASE,)).fetchall())
            for oid, stream in self._streams.items():
                if stream.held is not None:
                    stream.held.close()
                if self._server.provider == "attach" and oid in names:
                    with contextlib.suppress(self._psycopg.Error), connect(self._server, names[oid], _NAME) as own:
                        _remove(own)
            drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
            for stream in self._streams.values():
                self._control.execute(drop, (stream.slot,))
        self._streams.clear()
        self._control.close()

    def _refused(self, why: str) -> ServiceNotReady:
        return ServiceNotReady(
            "the changes of PostgreSQL cannot be decoded",
            where=f"{self._server.host}:{self._server.port}",
            why=why.strip(),
            fix='start the server with wal_level=logical, for a container command = ["-c", "wal_level=logical"], '
            "and give a user who is a superuser",
        )

    def _begin(self) -> None:
        level, superuser = self._control.execute(
            "SELECT current_setting('wal_level'), current_setting('is_superuser')"
        ).fetchone()
        lack = ""
        if level != "logical":
            lack = f"wal_level is {level}"
        elif superuser != "on":
            lack = "only a superuser can publish all tables"
        elif not self._control.execute("SELECT pg_try_advisory_lock(%s)", (_BUSY,)).fetchone()[0]:
            lack = "another recorder is at work on the server"
        if lack:
            raise self._refused(lack)
        self._control.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE NOT active AND starts_with(slot_name, %s)",
            (_SLOT,),
        )
        if self._server.provider == "attach":
            self._before = {oid for oid, _ in self._control.execute(_DATABASES, (DATABASE,)).fetchall()}
        self._watch_all()

    def _watch_all(self) -> None:
        for oid, name in self._control.execute(_DATABASES, (DATABASE,)).fetchall():
            if oid not in self._streams and self._counts(name):
                with contextlib.suppress(self._psycopg.errors.InvalidCatalogName):  # dropped this very moment
                    self._streams[oid] = self._watch(oid, name)

    def _counts(self, name: str) -> bool:
        return not self._patterns or any(fnmatchcase(name, pattern) for pattern in self._patterns)

    def _watch(self, oid: int, name: str) -> _Stream:
        """Publish the tables of a database, and keep its changes from here on.

        A slot that lives by a connection goes with us however we end, but nobody can drop or copy a database that
        somebody is connected to. So it is for databases that somebody else's server had before; the others go
        with the tests that made them, or with the server.
        """
        connection = connect(self._server, name, _NAME)
        try:
            connection.execute(f"SET lock_timeout = '{_PATIENCE}'; SET statement_timeout = '{_PATIENCE}'")
            self._publish(connection, name)
            slot = f"{_SLOT}{os.getpid()}_{oid}"
            temporary = oid in self._before
            connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput', %s)", (slot, temporary))
            connection.execute("RESET lock_timeout; RESET statement_timeout")
        except (self._psycopg.errors.QueryCanceled, self._psycopg.errors.LockNotAvailable):
            connection.close()
            raise _unwatched(name, f"a transaction that was open did not end within {_PATIENCE}") from None
        except BaseException:
            connection.close()
            raise
        if not temporary:
            connection.close()
        return _Stream(oid, slot, {}, connection if temporary else None)

    @staticmethod
    def _publish(connection: Any, name: str) -> None:
        if connection.execute(_PUBLISHED).fetchone() is not None:  # a copy has it from its template
            return
        _remove(connection)
        generated = connection.info.server_version >= _GENERATED_SINCE
        options = "WITH (publish_generated_columns = 'stored')" if generated else ""
        connection.execute(f"BEGIN; {_INSTALL.replace('{options}', options)} COMMIT")
        if connection.execute(_PUBLISHED).fetchone() is None:
            _remove(connection)
            raise _unwatched(name, "a table without a key has a virtual generated column")

    def _decoded(self, stream: _Stream, name: str, start: str, end: str) -> list[Transaction]:
        """Read a slot up to a position; each call of the decoder describes its tables anew."""
        with contextlib.ExitStack() as stack:
            own = stream.held or stack.enter_context(connect(self._server, name, _NAME))
            rows = own.execute(_DECODE, (stream.slot, end)).fetchall()
            # A decoder without a publication says nothing, as if nothing had happened.
            if own.execute(_PUBLISHED).fetchone() is None:
                raise ServiceNotReady(
                    f"the tables of database {name} are no longer published",
                    where=f"{self._server.host}:{self._server.port}",
                    why="something dropped publication truegreen_recorder, or made a table with a virtual generated "
                    "column and no key",
                    fix="keep the publication while tests run, give the table a key, or use pg_walinspect (tier A)",
                )
            found = Decoder(_bytes(start), self._parts).transactions((_bytes(place), data) for place, data in rows)
            seen = {relation.oid for one in found for relation, _ in (*one.rows, *one.written_before)}
            if not seen <= stream.parents.keys():
                self._unlogged.look(own)
                stream.parents = dict.fromkeys(seen, "") | dict(own.execute(_PARENTS).fetchall())
        return found

    def _told(self, stream: _Stream, database: str, changed: Iterable[dict[tuple[Relation, str], int]]) -> list[Change]:
        sums: Counter[tuple[str, str, str]] = Counter()
        for rows in changed:
            for (relation, kind), count in rows.items():
                if relation.schema != SCHEMA:
                    name = f"{relation.schema}.{relation.name}"
                    sums[(name, stream.parents.get(relation.oid, ""), kind)] += count
        return [
            Change(store=self._server.name, database=database, object=name, parent=parent, kind=kind, count=count)
            for (name, parent, kind), count in sums.items()
        ]


def _unwatched(name: str, why: str) -> ServiceNotReady:
    return ServiceNotReady(
        f"the changes of database {name} cannot be followed: {why}",
        why=f"{why}, in database {name}",
        fix="end transactions before others begin, give tables a key, or use pg_walinspect (tier A)",
    )


def _remove(connection: Any) -> None:
    """Take back what was made in a database; a table that somebody has locked waits for the next recorder."""
    connection.execute(f"SET lock_timeout = '{_PATIENCE}'")
    connection.execute(f"BEGIN; {_SILENCE} COMMIT")
    connection.execute(f"BEGIN; {_REMOVE} COMMIT")


def _bytes(position: str) -> int:
    """Return a position as bytes from the log's beginning: `16/B374D848` has two halves in hexadecimal."""
    upper, _, lower = position.partition("/")
    return (int(upper, 16) << 32) + int(lower, 16)
