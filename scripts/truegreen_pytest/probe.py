"""Questions to the stage's own services, answered by the recorder: no driver, and not the application's connection."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from truegreen_pytest.waiting import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truegreen_pytest.recorder import Line

_PLAIN = (bool, int, float, str, type(None))


class ProbeError(RuntimeError):
    """A question has no answer; the message is the server's, or says what to ask instead."""


class Probe:
    """Reads what the stage's services hold.

    Every question goes to the recorder, which asks the server over a connection of its own, in a transaction that the
    server keeps from writing. So it sees what is committed, and nothing else. Values come as Python's own types: int,
    str, bool, float, Decimal, UUID, date, time, datetime, timedelta, bytes, list, and for JSON what it holds.
    """

    def __init__(self, line: Line | None, service: str = "", database: str = "") -> None:
        self._line = line
        self._service = service
        self._database = database

    def at(self, *, service: str = "", database: str = "") -> Probe:
        """Return a probe of another service of the stage, or of another database."""
        return Probe(self._line, service or self._service, database or self._database)

    def rows(self, statement: str, arguments: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of one SQL statement, each as a dictionary by column.

        Args:
            statement: one statement; its parameters are `$1`, `$2` …
            arguments: their values, which reach the server beside the statement.

        Raises:
            ProbeError: the server refuses, also because the statement would write; or the answer is too large.
            Unavailable: nothing records this session.
        """
        __tracebackhide__ = True
        if isinstance(arguments, (str, bytes)):
            raise TypeError("arguments is a list or a tuple, such as (operation_id,)")
        answer = self._ask("sql", statement=statement, arguments=[_encoded(value) for value in arguments])
        columns = answer["columns"]
        return [{name: _decoded(row[place]) for place, name in enumerate(columns)} for row in answer["rows"]]

    def one(self, statement: str, arguments: Sequence[Any] = ()) -> dict[str, Any]:
        """Return the row of a statement that has exactly one.

        Raises:
            AssertionError: it has none, or several.
        """
        __tracebackhide__ = True
        found = self.rows(statement, arguments)
        if len(found) != 1:
            shown = "".join(f"\n  {row}" for row in found[:5])
            raise AssertionError(f"{len(found)} rows instead of one: {statement}{shown}")
        return found[0]

    def value(self, statement: str, arguments: Sequence[Any] = ()) -> Any:
        """Return the only column of the only row of a statement.

        Raises:
            AssertionError: there is not exactly one row and one column.
        """
        __tracebackhide__ = True
        row = self.one(statement, arguments)
        if len(row) != 1:
            raise AssertionError(f"{len(row)} columns instead of one: {statement}")
        return next(iter(row.values()))

    def count(self, table: str, /, **where: Any) -> int:
        """Return how many rows of a table have these values: `count("operations", account="a-1", state=None)`.

        Args:
            table: `table` or `schema.table`, spelled as the database spells it.
            where: value of each column; None is NULL, and a list stands for any one of its values.
        """
        __tracebackhide__ = True
        tests, values = [], []
        for column, value in where.items():
            if value is None:
                tests.append(f"{_quoted(column)} IS NULL")
                continue
            values.append(value)
            several = isinstance(value, (list, tuple, set, frozenset))
            tests.append(f"{_quoted(column)} = " + (f"ANY(${len(values)})" if several else f"${len(values)}"))
        name = ".".join(_quoted(part) for part in table.split("."))
        statement = f"SELECT count(*) FROM {name}" + (f" WHERE {' AND '.join(tests)}" if tests else "")  # noqa: S608
        return int(self.value(statement, values))

    def redis(self, *words: Any) -> Any:
        """Return the answer of one command of Redis that only reads: `redis("GET", "balance:a-1")`.

        Text comes as str (with escapes for bytes that are no UTF-8), nothing as None.
        """
        __tracebackhide__ = True
        told = [word.decode() if isinstance(word, bytes) else str(word) for word in words]
        return _decoded(self._ask("redis", words=told))

    def _ask(self, event: str, **content: Any) -> Any:
        __tracebackhide__ = True
        return ask(self._line, event, service=self._service, database=self._database, **content)


def ask(line: Line | None, event: str, **content: Any) -> Any:
    """Return the recorder's answer.

    Raises:
        ProbeError: it has none, and says why.
        Unavailable: there is no recorder.
    """
    __tracebackhide__ = True
    if line is None:
        stage = os.environ.get("TRUEGREEN_STAGE")
        what = f"the stage {stage} has no recorder" if stage else "nothing records this session"
        raise Unavailable(
            f"{what}, so nobody can be asked: run the test by `truegreen run persistence` (for this test alone: "
            "truegreen run persistence -- -k NAME), which starts the services and the recorder"
        )
    answer = line.tell(event=event, **content)
    if "answer" in answer:
        return answer["answer"]
    raise ProbeError(str(answer.get("error") or line.problem or "the recorder does not know the question"))


def _quoted(name: str) -> str:
    """Return a name as PostgreSQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def _encoded(value: Any) -> Any:
    """Return an argument as JSON; what JSON has no type for goes as the text that PostgreSQL reads for its own type."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_encoded(one) for one in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    if isinstance(value, dt.timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    return str(getattr(value, "value", value))  # an enumeration stands for its value


_TYPES: dict[str, Any] = {
    "float": float,
    "decimal": Decimal,
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "json": lambda value: value,
}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    return _TYPES[value["t"]](value["v"]) if isinstance(value, dict) else value
