"""A PostgreSQL that forgets what it accepted, or fails when something is to be kept: only while told to.

Triggers note every row that a transaction writes. When it commits, a deferred trigger either puts everything back as it
was, so that `RETURNING`, row counts and the transaction's own reads are those of a good server, or raises an error. New
tables get the triggers as they are made, new databases with the template they are copied from. The switch is an
advisory lock of ours: it is seen at once from every database and whatever the isolation of a transaction.
"""

from __future__ import annotations

import secrets
from enum import IntEnum
from typing import TYPE_CHECKING

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import MIGRATIONS
from truegreen.stages.common.wal import connect, databases, psycopg

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

SCHEMA = "truegreen_prove"
JOURNAL = f"{SCHEMA}.journal"
"""The table in which rows are noted: its own changes in the log prove that a fault was at work."""
_CLASSES = 1 << 31
_NAME = "truegreen prove"


class Fault(IntEnum):
    """What the server does with what a transaction wrote."""

    FORGET = 1
    FAIL = 2


_INSTALL = """
CREATE SCHEMA truegreen_prove;
CREATE TABLE truegreen_prove.journal (relation oid, lost text, lost_at tid, made_at tid);
CREATE FUNCTION truegreen_prove.fault() RETURNS int LANGUAGE sql STABLE SET search_path = pg_catalog AS
  'SELECT objid::int FROM pg_locks WHERE locktype = ''advisory'' AND classid = {key} AND granted LIMIT 1';

CREATE FUNCTION truegreen_prove.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF current_setting('truegreen_prove.undoing', true) = 'on' OR truegreen_prove.fault() IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO truegreen_prove.journal VALUES (TG_RELID, NULL, NULL, NEW.ctid);
  ELSIF TG_OP = 'UPDATE' THEN
    INSERT INTO truegreen_prove.journal VALUES (TG_RELID, OLD::text, OLD.ctid, NEW.ctid);
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO truegreen_prove.journal VALUES (TG_RELID, OLD::text, OLD.ctid, NULL);
  ELSE -- TRUNCATE: rows from before the transaction are lost, its own never were, and places count anew
    EXECUTE format('INSERT INTO truegreen_prove.journal SELECT %s, kept::text, ctid, NULL FROM ONLY %s AS kept',
                   TG_RELID, TG_RELID::regclass);
    DELETE FROM truegreen_prove.journal AS own WHERE relation = TG_RELID AND (lost IS NULL OR EXISTS (
      SELECT FROM truegreen_prove.journal AS made WHERE made.relation = TG_RELID AND made.made_at = own.lost_at));
    UPDATE truegreen_prove.journal SET lost_at = NULL, made_at = NULL WHERE relation = TG_RELID;
    INSERT INTO truegreen_prove.journal VALUES (TG_RELID, NULL, NULL, NULL);
  END IF;
  RETURN NULL;
END $body$;

CREATE FUNCTION truegreen_prove.settle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET session_replication_role = replica SET truegreen_prove.undoing = 'on'
AS $body$
DECLARE
  found_one record;
BEGIN
  IF truegreen_prove.fault() = 2 THEN
    RAISE EXCEPTION 'truegreen prove: this commit fails on purpose' USING ERRCODE = 'disk_full';
  END IF;
  FOR found_one IN
    SELECT r.oid, format('%I.%I', n.nspname, r.relname) AS name, own.names, own.fields
    FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace, LATERAL (
      SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS names,
             string_agg('(kept).' || quote_ident(attname), ', ' ORDER BY attnum) AS fields
      FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') own
    WHERE r.oid IN (SELECT relation FROM truegreen_prove.journal)
  LOOP
    EXECUTE format('DELETE FROM ONLY %s WHERE ctid = ANY (ARRAY('
      'SELECT made_at FROM truegreen_prove.journal WHERE relation = %s AND made_at IS NOT NULL))',
      found_one.name, found_one.oid);
    IF found_one.names IS NOT NULL THEN
      EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ('
        'SELECT lost::%s AS kept FROM truegreen_prove.journal AS own WHERE relation = %s AND lost IS NOT NULL '
        'AND NOT EXISTS (SELECT FROM truegreen_prove.journal AS made '
        'WHERE made.relation = %s AND made.made_at = own.lost_at) OFFSET 0) AS rows',
        found_one.name, found_one.names, found_one.fields, found_one.name, found_one.oid, found_one.oid);
    END IF;
  END LOOP;
  DELETE FROM truegreen_prove.journal;
  RETURN NULL;
END $body$;
CREATE CONSTRAINT TRIGGER settle AFTER INSERT ON truegreen_prove.journal DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION truegreen_prove.settle();
ALTER TABLE truegreen_prove.journal ENABLE ALWAYS TRIGGER settle;

CREATE FUNCTION truegreen_prove.attach(target oid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $body$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE r.oid = target AND r.relkind = 'r' AND r.relpersistence <> 't' AND r.relname <> ALL ({kept})
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'truegreen_prove')
    AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.oid AND t.tgname = 'truegreen_prove')
  ) THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER truegreen_prove AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW '
                 'EXECUTE FUNCTION truegreen_prove.note()', target::regclass);
  EXECUTE format('CREATE TRIGGER truegreen_prove_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT '
                 'EXECUTE FUNCTION truegreen_prove.note()', target::regclass);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER truegreen_prove', target::regclass);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER truegreen_prove_truncate', target::regclass);
  IF truegreen_prove.fault() IS NOT NULL THEN -- CREATE TABLE AS brings its rows along
    EXECUTE format('INSERT INTO truegreen_prove.journal SELECT %s, NULL, NULL, ctid FROM ONLY %s', target,
                   target::regclass);
  END IF;
END $body$;

CREATE FUNCTION truegreen_prove.made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  PERFORM truegreen_prove.attach(objid) FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass;
END $body$;
CREATE EVENT TRIGGER truegreen_prove ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
EXECUTE FUNCTION truegreen_prove.made();
ALTER EVENT TRIGGER truegreen_prove ENABLE ALWAYS;
SELECT truegreen_prove.attach(oid) FROM pg_class WHERE relkind = 'r';
"""


class Sabotage:
    """Plants the faults in every database of one server that is ours alone, and switches between them."""

    def __init__(self, server: ServiceHandle) -> None:
        """Plant them, switched off.

        Raises:
            ServiceNotReady: they could not be planted, with the server's reason.
        """
        self._server = server
        self._key = secrets.randbelow(_CLASSES)
        self._at_work: Fault | None = None
        driver = psycopg()
        try:
            with connect(self._server, "postgres", _NAME) as connection:
                names = databases(connection)
            for name in names:
                # Closed at once: nobody can copy a database that somebody is connected to.
                with connect(self._server, name, _NAME) as connection:
                    connection.execute(self._sql())
            self._switch = connect(self._server, "postgres", _NAME)
        except driver.Error as error:
            raise ServiceNotReady(
                "no fault could be planted in PostgreSQL",
                where=f"{server.host}:{server.port}",
                why=str(error).strip(),
                fix="the user of the service must be a superuser",
            ) from None

    def turn(self, fault: Fault | None) -> None:
        """Put one fault to work, or none; it is so when this returns."""
        if fault is self._at_work:
            return
        if self._at_work is not None:
            self._switch.execute("SELECT pg_advisory_unlock_all()")
        if fault is not None:
            self._switch.execute("SELECT pg_advisory_lock(%s, %s)", (self._key, int(fault)))
        self._at_work = fault

    def close(self) -> None:
        """Switch it off for good; the server is not used by anybody else, and ends soon."""
        self._switch.close()

    def _sql(self) -> str:
        kept = ", ".join(f"'{name}'" for name in MIGRATIONS)
        return _INSTALL.replace("{key}", str(self._key)).replace("{kept}", f"ARRAY[{kept}]")
