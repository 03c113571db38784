"""A read replica that lags behind: a second way into the same PostgreSQL, on which what a test writes never arrives.

A role of its own reads the same tables through policies for rows. While it lags, a row is hidden from it when the
transaction that made the row ended after a certain moment. So it needs no second server and no copy: schema, and rows
from before the moment, are always there. It is unlike a real replica in one thing: of a row that was changed or deleted
since, the version of before is gone too, for the server has only the newest one to show.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from truegreen.errors import ServiceNotReady
from truegreen.stages.common.wal import connect, databases, psycopg

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

ROLE = "truegreen_replica"
_NAME = "truegreen prove"
_MINIMUM_VERSION = 140000
_INSTALL = """
CREATE SCHEMA truegreen_replica;
CREATE SEQUENCE truegreen_replica.hidden;
GRANT USAGE ON SCHEMA truegreen_replica TO truegreen_replica;
GRANT USAGE ON SEQUENCE truegreen_replica.hidden TO truegreen_replica;
CREATE FUNCTION truegreen_replica.arrived(made xid) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
DECLARE
  moment text := shobj_description('truegreen_replica'::regrole, 'pg_authid');
BEGIN
  IF moment IS NULL OR pg_visible_in_snapshot(made::text::xid8, moment::pg_snapshot) THEN
    RETURN true;
  END IF;
  PERFORM nextval('truegreen_replica.hidden');
  RETURN false;
END $body$;

CREATE FUNCTION truegreen_replica.attach(target oid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog
AS $body$
DECLARE
  was record;
BEGIN
  SELECT r.relrowsecurity INTO was FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE r.oid = target AND r.relkind IN ('r', 'p') AND r.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'truegreen_replica', 'truegreen_prove')
    AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = r.oid AND p.polname = 'truegreen_replica');
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF NOT was.relrowsecurity THEN -- everybody else goes on seeing everything
    EXECUTE format('CREATE POLICY truegreen_everybody ON %s USING (true) WITH CHECK (true)', target::regclass);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target::regclass);
  END IF;
  EXECUTE format('CREATE POLICY truegreen_replica ON %s AS RESTRICTIVE TO truegreen_replica '
                 'USING (truegreen_replica.arrived(xmin))', target::regclass);
END $body$;

CREATE FUNCTION truegreen_replica.made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  PERFORM truegreen_replica.attach(objid) FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass;
END $body$;
CREATE EVENT TRIGGER truegreen_replica ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
EXECUTE FUNCTION truegreen_replica.made();
ALTER EVENT TRIGGER truegreen_replica ENABLE ALWAYS;
SELECT truegreen_replica.attach(oid) FROM pg_class WHERE relkind IN ('r', 'p');
"""


class Replica:
    """The second way into one server that is ours alone, up to date until it is told to lag."""

    def __init__(self, server: ServiceHandle) -> None:
        """Open it.

        Raises:
            ServiceNotReady: it could not be opened, with the server's reason.
        """
        self._server = server
        self._password = secrets.token_hex(16)
        driver = psycopg()
        try:
            self._switch = connect(server, "postgres", _NAME)
            problem = self._put_up()
        except driver.Error as error:
            problem = str(error).strip()
        if problem:
            raise ServiceNotReady(
                "no read replica could be put up in PostgreSQL",
                where=f"{server.host}:{server.port}",
                why=problem,
                fix="use PostgreSQL 14 or newer, and a superuser for the service",
            )

    def _put_up(self) -> str:
        """Make the role and its policies; returns why that is not possible."""
        if self._switch.info.server_version < _MINIMUM_VERSION:
            return "PostgreSQL 14 is the first with a role that may read everything"
        self._switch.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{self._password}' IN ROLE pg_read_all_data")
        for name in databases(self._switch):
            # Closed at once: nobody can copy a database that somebody is connected to.
            with connect(self._server, name, _NAME) as connection:
                connection.execute(f"BEGIN; {_INSTALL} COMMIT")
        return ""

    def url(self, given: str) -> str:
        """Return the URL of the replica.

        Args:
            given: what the project has in its variable; its scheme, database and options are kept. Empty takes the
                service's own URL.
        """
        parts = urlsplit(given or self._server.url)
        place = f"{ROLE}:{quote(self._password)}@{self._server.host}:{self._server.port}"
        path = parts.path if parts.path.strip("/") else f"/{self._server.database}"
        return parts._replace(netloc=place, path=path).geturl()

    def turn(self, *, lags: bool) -> None:
        """Let it lag from this moment on, or be up to date; it is so when this returns."""
        moment = "NULL"
        if lags:
            moment = f"'{self._switch.execute('SELECT pg_current_snapshot()::text').fetchone()[0]}'"
        self._switch.execute(f"COMMENT ON ROLE {ROLE} IS {moment}")

    def hidden(self) -> int:
        """Return how many rows were hidden so far from those who looked for them."""
        total = 0
        for name in databases(self._switch):
            with connect(self._server, name, _NAME) as connection:
                query = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM truegreen_replica.hidden"
                found = connection.execute("SELECT to_regclass('truegreen_replica.hidden')").fetchone()[0]
                total += connection.execute(query).fetchone()[0] if found else 0
        return total

    def close(self) -> None:
        """Hang up; the server is not used by anybody else, and ends soon."""
        self._switch.close()
