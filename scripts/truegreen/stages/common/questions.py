"""What a test may ask the recorder about its services: answered over connections that are not the test's own.

No driver of ours enters the user's environment, and nothing asked here writes: PostgreSQL and Redis themselves refuse.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import math
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.resp import Resp
from truegreen.stages.common.wal import connect, psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from truegreen.model.service import ServiceHandle

ROWS_MAX, BYTES_MAX = 10_000, 8 << 20
"""How much one answer may hold."""
STATEMENT_LIMIT_S = 10
"""Seconds that one question may take; the plugin waits for longer."""
_NAME = "truegreen probe"
_BEGIN = f"BEGIN READ ONLY; SET LOCAL statement_timeout = '{STATEMENT_LIMIT_S}s'"


class Unanswerable(Exception):
    """A question has no answer; its text goes to the test."""


def sql(server: ServiceHandle, database: str, statement: str, arguments: Sequence[Any]) -> dict[str, Any]:
    """Return the rows of one statement, run in a transaction that the server keeps from writing.

    The statement goes by the extended protocol, which takes one statement, and its arguments beside it as `$1`, `$2` …

    Args:
        server: a PostgreSQL.
        database: name of the database.
        statement: one SQL statement.
        arguments: values of its parameters.

    Returns:
        `columns`, a list of names, and `rows`, lists of cells as `cell` makes them.

    Raises:
        Unanswerable: the server refuses, or the answer is too large.
    """
    driver = psycopg()
    rows: list[list[Any]] = []
    size = 0
    try:
        # A connection for each question: nobody can drop or copy a database that somebody is connected to.
        with contextlib.closing(connect(server, database, _NAME)) as connection:
            connection.execute(_BEGIN)
            cursor = driver.RawCursor(connection)
            for row in cursor.stream(statement, list(arguments)):
                rows.append([cell(value) for value in row])
                size += len(json.dumps(rows[-1]))
                if len(rows) > ROWS_MAX or size > BYTES_MAX:
                    raise Unanswerable(f"more than {ROWS_MAX:,} rows or {BYTES_MAX >> 20} MiB: ask for less, or count")
            columns = [column.name for column in cursor.description or ()]
    except driver.Error as error:
        hint = " (parameters are $1, $2 …)" if "%s" in statement else ""
        raise Unanswerable((" ".join(str(error).split()) or type(error).__name__) + hint) from None
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise Unanswerable(f"two columns are called {twice[0]}: give one another name with AS")
    return {"columns": columns, "rows": rows}


def redis(server: ServiceHandle, words: Sequence[Any]) -> Any:
    """Return the answer of one command that Redis itself calls read-only.

    Args:
        server: a Redis or Valkey.
        words: the command and its arguments.

    Raises:
        Unanswerable: it may write, or the server refuses.
    """
    texts = [str(word) for word in words]
    if not texts:
        raise Unanswerable("no command")
    with connected(server) as wire:
        _only_reads(wire, texts)
        answer = cell(wire.ask(*texts))
    if len(json.dumps(answer)) > BYTES_MAX:
        raise Unanswerable(f"more than {BYTES_MAX >> 20} MiB: ask for less")
    return answer


@contextlib.contextmanager
def connected(server: ServiceHandle) -> Iterator[Resp]:
    """Open a connection in the database of a service.

    Raises:
        Unanswerable: it cannot be reached, or refuses, now or what is asked of it.
    """
    try:
        with contextlib.closing(Resp(server.host, server.port, timeout_s=STATEMENT_LIMIT_S)) as wire:
            if server.password:
                wire.ask("AUTH", *([server.user] if server.user else []), server.password)
            if server.database not in ("", "0"):
                wire.ask("SELECT", server.database)
            yield wire
    except Refused as error:
        raise Unanswerable(str(error)) from None
    except (OSError, ValueError) as error:
        raise Unanswerable(f"{server.name} does not answer: {str(error) or type(error).__name__}") from None


def _only_reads(wire: Resp, texts: list[str]) -> None:
    """Refuse a command that is not known to the server as one that only reads."""
    name, flags = texts[0].lower(), set[str]()
    for asked in (name, f"{name}|{texts[1].lower()}" if len(texts) > 1 else name):
        found = wire.ask("COMMAND", "INFO", asked)
        if isinstance(found, list) and found and isinstance(found[0], list):
            flags.update(str(flag) for flag in found[0][2])
    # PFCOUNT is read-only by its flags, and writes its cache.
    replicated = {"may_replicate", "may-replicate"} & flags or name == "pfcount"
    if "readonly" not in flags or "write" in flags or replicated:
        raise Unanswerable(f"{texts[0].upper()} is no command that only reads")


def cell(value: Any) -> Any:
    """Return a value as JSON: plain where JSON has its type, else an object with its type and its text."""
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [cell(one) for one in value]
    kind, text = _typed(value)
    return text if kind is None else {"t": kind, "v": text}


def _typed(value: Any) -> tuple[str | None, Any]:
    match value:
        case float():
            found: tuple[str | None, Any] = "float", str(value)
        case bytes() | bytearray() | memoryview():
            found = "bytes", base64.b64encode(bytes(value)).decode()
        case Decimal() | uuid.UUID():
            found = type(value).__name__.lower(), str(value)
        case dt.datetime() | dt.date() | dt.time():
            found = type(value).__name__, value.isoformat()
        case dt.timedelta():
            found = "timedelta", [value.days, value.seconds, value.microseconds]
        case dict():
            found = "json", value
        case _:
            found = None, str(value)
    return found
