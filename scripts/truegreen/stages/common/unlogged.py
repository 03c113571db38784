"""The UNLOGGED tables of a PostgreSQL: what is in them is not kept, for the server empties them after a crash."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_QUERY = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND c.relpersistence = 'u'"
)
_LISTED = 5


class Unlogged:
    """Remembers those that were met, so that a test that fills one is told why its rows do not count."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def look(self, connection: Any) -> None:
        """Look at the database of a connection."""
        self._names |= {row[0] for row in connection.execute(_QUERY).fetchall()}

    def look_last(self, connect: Callable[[], Any], error: type[Exception]) -> None:
        """Look at the service's own database at the end; one that is gone by then is no matter."""
        with contextlib.suppress(error), connect() as connection:
            self.look(connection)

    @property
    def words(self) -> str:
        """The end of a sentence about the technique; empty where there are none."""
        if not self._names:
            return ""
        names = sorted(self._names)
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        return (
            "; rows of UNLOGGED tables do not count, the server empties them after a crash: "
            f"{', '.join(names[:_LISTED])}{more}"
        )
