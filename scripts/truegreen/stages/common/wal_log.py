"""The write-ahead log of one PostgreSQL: its end, and its records between two places.

Each test waits for these questions, so they go past the driver's cursors to libpq, as prepared statements in text: a
fifth of the time.
"""

from __future__ import annotations

import select
from typing import Any, ClassVar

import msgspec

_END = "SELECT pg_current_wal_insert_lsn(), pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()"
_REACHED = "SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn"
_COLUMNS = "xid, resource_manager, record_type, block_ref, description"
# The end is taken before what is flushed, and both before the records: the function is called only where there are
# some, and with an end that is flushed. The second column says whether that is so.
_RECORDS = """
SELECT here.place, here.place = $1::pg_lsn OR here.place > $1::pg_lsn AND here.flushed >= here.place, record.*
FROM (SELECT {end} AS place, pg_current_wal_flush_lsn() AS flushed OFFSET 0) here
LEFT JOIN LATERAL (
  SELECT {columns}
  FROM (SELECT here.place WHERE here.place > $1::pg_lsn AND here.flushed >= here.place OFFSET 0) moved,
    LATERAL pg_get_wal_records_info($1::pg_lsn, moved.place)
  WHERE resource_manager IN ('Heap', 'Heap2', 'Transaction')
) record ON true
""".replace("{columns}", _COLUMNS)
_SINCE, _UP_TO = (_RECORDS.replace("{end}", end) for end in ("pg_current_wal_insert_lsn()", "$2::pg_lsn"))
# The server, the database or the user may be set to commit before the log is flushed; nobody waits for a replica here.
_SETTINGS = b"SET synchronous_commit = local"
_FLUSH = "BEGIN; SELECT pg_logical_emit_message(true, 'truegreen', ''); COMMIT; "
_OF_END = {b"truegreen_end": _END, b"truegreen_reached": _REACHED}


class Record(msgspec.Struct, frozen=True):
    """One record of the log, as `pg_walinspect` describes it."""

    xid: str
    manager: str
    kind: str
    blocks: str
    description: str


class LogEnd:
    """Asks one server where its log ends, over a connection that nobody else uses meanwhile."""

    _questions: ClassVar[dict[bytes, str]] = _OF_END

    def __init__(self, connection: Any) -> None:
        """Prepare the questions.

        Args:
            connection: of psycopg, on which each statement commits.

        Raises:
            psycopg.Error: the server refused one.
        """
        from psycopg import errors, pq  # noqa: PLC0415 - an extra

        self._libpq = connection.pgconn
        self._good = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
        self._error = errors.error_from_result
        self._ahead = False
        """Whether a question was sent whose answer was not read yet."""
        self._readable = select.poll()
        self._readable.register(self._libpq.socket, select.POLLIN)
        self._checked(self._libpq.exec_(_SETTINGS))
        for name, question in self._questions.items():
            self._checked(self._libpq.prepare(name, question.encode()))

    def end(self) -> str:
        """Return the end of the log, flushed.

        Commits made with synchronous_commit=off are in the log but not yet flushed, and nobody can read them there. A
        tiny committed record of our own forces them out.

        Raises:
            ConnectionError: the log is not flushed up to there.
        """
        place, flushed = self._ask(b"truegreen_end")[0]
        if flushed != "t":
            self._flushed(b"truegreen_reached", place, column=0)
        return place

    def _flushed(self, name: bytes, *places: str, column: int) -> list[list[str]]:
        """Flush the log, then ask something, in one round trip; a column of the answer says whether that was enough."""
        literals = ", ".join(f"'{place}'" for place in places)  # the server's own words
        rows = self._rows(self._libpq.exec_(f"{_FLUSH}EXECUTE {name.decode()}({literals})".encode()))
        if rows[0][column] != "t":
            raise ConnectionError("the log cannot be read up to its end: it is not flushed, or began anew")
        return rows

    def _ask(self, name: bytes, *values: str) -> list[list[str]]:
        if self._ahead:
            return self._rows(self._answer())
        return self._rows(self._libpq.exec_prepared(name, [value.encode() for value in values]))

    def _answer(self) -> Any:
        """Return the answer to the question that was sent ahead."""
        self._ahead = False
        # It waits here, and not in `get_result`, which would let no other thread run meanwhile.
        while self._libpq.is_busy():
            self._readable.poll()
            self._libpq.consume_input()
        result = self._libpq.get_result()
        self._libpq.get_result()  # none: it ends the question
        return result

    def _rows(self, result: Any) -> list[list[str]]:
        """Return the rows of an answer; what is NULL is empty."""
        self._checked(result)
        columns = range(result.nfields)
        return [
            [(result.get_value(row, column) or b"").decode("utf-8", "backslashreplace") for column in columns]
            for row in range(result.ntuples)
        ]

    def _checked(self, result: Any) -> None:
        if result.status not in self._good:
            raise self._error(result)


class Log(LogEnd):
    """Asks one server for the records of its log, too; `pg_walinspect` is installed in the connection's database."""

    _questions: ClassVar[dict[bytes, str]] = {
        **_OF_END,
        b"truegreen_place": "SELECT pg_current_wal_insert_lsn()",
        b"truegreen_since": _SINCE,
        b"truegreen_up_to": _UP_TO,
    }

    def ahead(self, start: str = "") -> None:
        """Ask for the end of the log, or for all since an earlier one; `place` or `since` reads the answer."""
        name = b"truegreen_since" if start else b"truegreen_place"
        self._libpq.send_query_prepared(name, [start.encode()] if start else [])
        self._ahead = True

    def place(self) -> str:
        """Return the end of the log, which may not be flushed yet."""
        return self._ask(b"truegreen_place")[0][0]

    def between(self, start: str, end: str) -> list[Record]:
        """Return the records of rows and of transactions between two ends, the second of which is not the older one."""
        if start == end:
            return []
        rows = self._ask(b"truegreen_up_to", start, end)
        return _records(rows if rows[0][1] == "t" else self._flushed(b"truegreen_up_to", start, end, column=1))

    def since(self, start: str) -> tuple[str, list[Record]]:
        """Return the end of the log, and the records since an earlier one, in one round trip if possible."""
        rows = self._ask(b"truegreen_since", start)
        place, flushed = rows[0][:2]
        if flushed != "t":
            rows = self._flushed(b"truegreen_up_to", start, place, column=1)
        return place, _records(rows)


def _records(rows: list[list[str]]) -> list[Record]:
    """Return the records of an answer; without one, the server gives one empty row."""
    return [Record(*row[2:]) for row in rows if row[3]]
