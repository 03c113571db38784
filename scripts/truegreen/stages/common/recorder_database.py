"""The recorder's own database on a server: the first recorder makes it, the last one that leaves drops it.

It says of itself who made it, so whoever comes after a recorder that was killed knows that it may be dropped. One lock
of the server keeps who comes and who leaves apart.
"""

from __future__ import annotations

from typing import Any

DATABASE = "truegreen_recorder"
_MARK = "made by truegreen: the last recorder that leaves drops it"
_PATIENCE = "20s"
_LOCK = 0x7472_6565
"""Held while somebody comes or leaves; a number of our own."""
_THERE = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s"
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> %s "
    "AND backend_type IS DISTINCT FROM 'autovacuum worker'"
)


def enter(admin: Any, *, ours: bool) -> None:
    """Make the database where it is missing; nobody drops it while `admin`, a connection to another one, is open.

    Args:
        admin: on which each statement commits.
        ours: the server ends with the run, and its databases with it.
    """
    _wait_for_others(admin)
    if admin.execute(_THERE, (DATABASE,)).fetchone() is None:
        admin.execute(f"CREATE DATABASE {DATABASE}")
        if not ours:
            admin.execute(f"COMMENT ON DATABASE {DATABASE} IS '{_MARK}'")


def leave(admin: Any, backend: int) -> None:
    """Drop the database where a recorder made it and nobody else is connected to it.

    Args:
        admin: a connection to another database, on which each statement commits.
        backend: the server's process of the connection that was closed just now; 0 where there was none.
    """
    _wait_for_others(admin)
    found = admin.execute(_THERE, (DATABASE,)).fetchone()
    if found is None or found[0] != _MARK or admin.execute(_OTHERS, (DATABASE, backend)).fetchone()[0]:
        return
    admin.execute(f"DROP DATABASE {DATABASE}")  # which waits until the closed connection's process has ended


def _wait_for_others(admin: Any) -> None:
    admin.execute(f"SET lock_timeout = '{_PATIENCE}'")
    admin.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
