"""How many runs there are and which, written beside them: each run has a checksum, and one that is gone has none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from truegreen.stores.columns import Damaged

if TYPE_CHECKING:
    from truegreen.stores.database import Connection


def write(connection: Connection) -> None:
    """Note which runs there are; at the end of every transaction that changes them."""
    runs, mark = _of_rows(connection)
    connection.rows("DELETE FROM tally")
    connection.rows("INSERT INTO tally (runs, mark) VALUES (?, ?)", (runs, mark))


def verify(connection: Connection) -> None:
    """Compare the runs with what was noted.

    Raises:
        Damaged: some are missing, or were not written by us.
    """
    noted = [(int(runs), bytes(mark)) for runs, mark in connection.rows("SELECT runs, mark FROM tally")]
    found = _of_rows(connection)
    if noted != [found]:
        told = f"{noted[0][0]:,} runs were written" if len(noted) == 1 else "the note of how many were written is gone"
        raise Damaged(f"it holds {found[0]:,} runs, and not those that belong there: {told}")


def _of_rows(connection: Connection) -> tuple[int, bytes]:
    """Return the number of runs, and 16 bytes that stand for their keys and contents."""
    rows = sorted((run, bytes(digest)) for run, digest in connection.rows("SELECT run_key, digest FROM runs"))
    mark = hashlib.blake2b(digest_size=16)
    for run, digest in rows:
        mark.update(b"%d %s %s" % (len(run.encode()), run.encode(), digest))
    return len(rows), mark.digest()
