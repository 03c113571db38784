"""Emptying a service before a test: tables, keys, messages, and only on servers that are there to be emptied."""

from __future__ import annotations

import contextlib
import ipaddress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from truegreen.model.persistence import MIGRATIONS
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.nats import Nats
from truegreen.stages.common.questions import STATEMENT_LIMIT_S, Unanswerable, connected
from truegreen.stages.common.wal import connect, psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen.model.service import ServiceHandle

_NAME = "truegreen clean"
_LOCK_S = 5
_LIMITS = f"SET lock_timeout = '{_LOCK_S}s'; SET statement_timeout = '{STATEMENT_LIMIT_S}s'"
_TABLES = """
WITH RECURSIVE known AS (
  SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT LIKE 'truegreen\\_%'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), chosen AS (
  SELECT oid FROM known WHERE pg_relation_size(oid) > 0
  OR EXISTS (SELECT FROM pg_partition_tree(known.oid) WHERE isleaf AND pg_relation_size(relid) > 0)
  OR EXISTS (
    SELECT FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = known.oid
    AND pg_sequence_last_value(s.seqrelid) IS NOT NULL)
  UNION
  SELECT f.conrelid FROM chosen JOIN pg_constraint f ON f.confrelid = chosen.oid AND f.contype = 'f'
)
SELECT format('%I.%I', nspname, relname), nspname || '.' || relname, relname
FROM known WHERE oid IN (SELECT oid FROM chosen) ORDER BY 2
"""
"""Tables that hold anything, or whose numbers do not begin at the first, with those that refer to them: PostgreSQL
empties these only together. Neither what an extension brought nor what truegreen put there is among them."""


def allowed(server: ServiceHandle, *, attached: bool) -> str:
    """Return why a server must not be emptied; nothing where it may be.

    Args:
        server: the service.
        attached: whether the project says that servers may be emptied which truegreen did not start.
    """
    if attached or server.provider != "attach" or _loopback(server.host):
        return ""
    return (
        f"{server.name} is on {server.host}, and truegreen did not start it: it is not emptied. If it is there for "
        "tests alone, set clean-attached = true in [tool.truegreen.persistence]"
    )


def postgres(server: ServiceHandle, database: str, keep: Sequence[str]) -> list[str]:
    """Empty all tables of a database in one transaction, and begin their numbers anew; returns those that held any.

    Tables of migration tools stay, and so do those that `keep` names: `table` or `schema.table`, as patterns.

    Raises:
        Unanswerable: the server refuses, such as for a table that is locked, or that a kept one refers to.
    """
    driver = psycopg()
    try:
        with contextlib.closing(connect(server, database, _NAME)) as connection:
            connection.execute(_LIMITS)
            found = connection.execute(_TABLES).fetchall()
            chosen = [(quoted, full) for quoted, full, name in found if not _kept((full, name), (*MIGRATIONS, *keep))]
            if chosen:
                names = ", ".join(quoted for quoted, _ in chosen)
                connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
    except driver.errors.LockNotAvailable:
        raise Unanswerable(
            f"a table is still locked after {_LOCK_S} s: a transaction of an earlier test, or of its fixture, is open"
        ) from None
    except driver.errors.FeatureNotSupported as error:
        raise Unanswerable(f"{' '.join(str(error).split())} (a kept table refers to one that is emptied)") from None
    except driver.Error as error:
        raise Unanswerable(" ".join(str(error).split()) or type(error).__name__) from None
    return [full for _, full in chosen]


def redis(server: ServiceHandle) -> list[str]:
    """Empty the database of the service's URL, and no other one.

    Raises:
        Unanswerable: the server refuses.
    """
    with connected(server) as wire:
        wire.ask("FLUSHDB")
    return [server.database or "0"]


def nats(server: ServiceHandle, keep: Sequence[str], prefix: str = "") -> list[str]:
    """Purge all streams, whose consumers stay; with a prefix, delete those whose name begins with it.

    Raises:
        Unanswerable: the server refuses.
    """
    try:
        nats = Nats(server.host, server.port, user=server.user, password=server.password)
        with contextlib.closing(nats):
            chosen = [name for name in _streams(nats) if name.startswith(prefix) and not _kept((name,), keep)]
            for name in chosen:
                nats.request(f"$JS.API.STREAM.{'DELETE' if prefix else 'PURGE'}.{name}", {})
    except Refused as error:
        raise Unanswerable(str(error)) from None
    except (OSError, ValueError, LookupError) as error:
        raise Unanswerable(f"{server.name} does not answer: {str(error) or type(error).__name__}") from None
    return chosen


def _streams(nats: Nats) -> list[str]:
    """Return the names of all streams; the server gives them in pages."""
    found: list[str] = []
    while True:
        page = nats.request("$JS.API.STREAM.NAMES", {"offset": len(found)})
        names = [str(name) for name in page.get("streams") or ()]
        found += names
        if not names or len(found) >= int(page["total"]):
            return found


def _kept(names: Sequence[str], patterns: Sequence[Any]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
