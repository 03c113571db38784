"""History on a ClickHouse server: for very many repositories, whose results are looked at together."""
# ruff: noqa: S608 - statements are made of our own names; values go beside them

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlencode, urlsplit

import msgspec

from truegreen.analysis import kept_parts
from truegreen.errors import StoreDamaged, StoreError, WrongValue
from truegreen.runtime.clock import Clock
from truegreen.runtime.http import Limits, Sender, is_loopback
from truegreen.stores import content, mirror
from truegreen.stores.clickhouse_tables import TABLES
from truegreen.stores.columns import Damaged, code, pack, spans
from truegreen.stores.database import HEADER, checksum, header, stage_row
from truegreen.stores.sqlite_file import SqliteStore
from truegreen.stores.tables import TableReader, encoded, newer_incidents, newer_runs, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from truegreen.model.incident import Incident
    from truegreen.model.results import RunResults
    from truegreen.stores.address import Address
    from truegreen.stores.database import Row
    from truegreen.stores.sqlite_file import SqliteConnection

VERSION = 1
_COLUMNS = HEADER.replace("repository", "origin")
_OF_ONE = "WHERE repository = {repository:String}"
_KEYS = "JSONExtract({keys:String}, 'Array(String)')"
_NEWEST_PARTS = " UNION ALL ".join(
    f"SELECT run_key, name FROM parts {_OF_ONE} AND {named} AND run_key IN ("
    f"SELECT run_key FROM runs FINAL {_OF_ONE} AND run_key IN (SELECT run_key FROM parts {_OF_ONE} AND {named})"
    f" ORDER BY base DESC, created DESC, written DESC LIMIT {runs})"
    for named, runs in (
        *((f"name = '{name}'", runs) for name, runs in kept_parts.RUNS.items()),
        (f"name NOT IN ({str([*kept_parts.RUNS])[1:-1]})", kept_parts.RUNS_OF_OTHERS),
    )
)
_AT_ONCE = 50
"""Runs in one request: all of them are kept, or none."""
_NAMED = 200
"""Runs named in one request: an address may not be longer than the server takes."""
_LIMITS = Limits(connect_s=10, read_s=120, total_s=300, attempts=2, answer_bytes=1 << 30)
_CODE = re.compile(r"Code: (\d+)")
_FORBIDDEN = ("192", "193", "194", "497", "516")
"""Codes of the server: unknown user, wrong or missing password, no such right, not authenticated."""


class _Answer(msgspec.Struct, frozen=True):
    """What the server answers to a query; one that was cut off is no such document."""

    data: list[list[Any]]
    rows: int


class ClickhouseStore(TableReader):
    """Keeps runs and incidents on a ClickHouse server, all of a run in one row.

    What is read is put into tables in memory first, so that every answer is that of the other stores. ClickHouse has no
    transactions: of a merge that is broken off, whole runs are kept, and merging again brings the rest.
    """

    name: ClassVar[str] = "clickhouse"

    def __init__(self, address: Address) -> None:
        self._address = address
        self._repository = content.storable(address.repository)
        self._sender = Sender(Clock(), _LIMITS)

    @property
    def place(self) -> str:
        """Where it lies, without user and password."""
        return self._address.shown

    def append(self, results: RunResults) -> None:
        """Add a run; adding the same run and attempt again replaces it.

        Raises:
            StoreError: the server cannot be used; what it holds stays as it is.
        """
        self._prepare()
        self._put([content.normal(results)])

    def merge(self, runs: Iterable[RunResults], incidents: Iterable[Incident] = ()) -> int:
        """Take in what another store holds and return how many runs were new or newer.

        Raises:
            StoreError: the server cannot be used; runs taken in until then are kept, each whole.
        """
        self._prepare()
        marks = self._rows(f"SELECT run_key, created, digest FROM runs FINAL {_OF_ONE}")
        kept = {run: (made, bytes.fromhex(mark)) for run, made, mark in marks}
        taken = 0
        waiting: list[RunResults] = []
        for run in newer_runs(kept, runs):
            waiting = [*(one for one in waiting if one.run.run != run.run.run), run]
            taken += 1
            if len(waiting) == _AT_ONCE:
                self._put(waiting)
                waiting = []
        self._put(waiting)
        self._remember(list(newer_incidents(self.incidents(), incidents)))
        return taken

    def prune(self, keep_runs: int, oldest: str = "") -> int:
        """Forget all but the newest runs, and those made before a moment; return how many were forgotten.

        Raises:
            StoreError: the server cannot be used.
        """
        if not self._there():
            return 0
        newest = f"SELECT run_key, created, written FROM runs FINAL {_OF_ONE} ORDER BY created DESC, written DESC"
        found = self._rows(newest)
        late = [row for place, row in enumerate(found) if place >= keep_runs or row[1] < oldest]
        if late:
            seen = max(row[2] for row in found)
            for first in range(0, len(late), _NAMED):
                self._forget([row[0] for row in late[first : first + _NAMED]], seen)
        return len(late)

    def compact(self) -> None:
        """Take out what no run mentions and no gate compares with any more, and merge what was replaced.

        Names of tests that were written within a day stay: their run may be about to be written.

        Raises:
            StoreError: the server cannot be used.
        """
        if not self._there():
            return
        used = f"SELECT arrayJoin(stages).test_set FROM runs {_OF_ONE}"
        late = f"{_OF_ONE} AND written < now() - INTERVAL 1 DAY AND digest NOT IN ({used})"
        self._do(f"ALTER TABLE test_sets DELETE {late} SETTINGS mutations_sync = 2")
        old = f"(run_key, name) NOT IN ({_NEWEST_PARTS}) AND run_key IN (SELECT run_key FROM runs {_OF_ONE})"
        self._do(f"ALTER TABLE parts DELETE {_OF_ONE} AND {old} SETTINGS mutations_sync = 2")
        for table in ("runs", "test_sets", "parts", "incidents", "receipts"):
            self._do(f"OPTIMIZE TABLE {table} FINAL")

    def copy(self, target: Path) -> None:
        """Write what the store holds to a new SQLite file, while others may write on.

        Raises:
            StoreError: the server, or the new file, cannot be used.
        """
        SqliteStore(target).merge(self.runs(), self.incidents())

    def remember(self, incident: Incident) -> None:
        """Keep what is to be remembered about a branch; call it after the receipts.

        Raises:
            StoreError: the server cannot be used; what it holds stays as it is.
        """
        self._prepare()
        self._remember([storable(incident)])

    def damaged(self, why: str) -> StoreDamaged:
        """Return the explanation of content that is not what was written."""
        fix = "restore it from a copy, or take its rows out of `runs` and `receipts` "
        fix += "(`ALTER TABLE … DELETE WHERE repository = …`) and build it anew (`truegreen history import FOLDER…`)"
        reason = f"{self._address.redacted(why)}; nothing in it was changed"
        return StoreDamaged("the history is damaged", where=self.place, why=reason, fix=fix)

    @contextmanager
    def _reading(self) -> Iterator[SqliteConnection | None]:
        """Fetch what is kept of the repository; None where there is nothing yet. A run is one row, so always whole."""
        if not self._there():
            yield None
            return
        try:
            database, tables = mirror.memory()
            with closing(database):
                self._fetch(tables)
                yield tables
        except (Damaged, msgspec.MsgspecError) as error:
            raise self.damaged(str(error)) from None

    def _fetch(self, tables: SqliteConnection) -> None:
        columns = f"tuple({_COLUMNS}), digest, checksum, stages, odd"
        runs = self._rows(f"SELECT {columns} FROM runs FINAL {_OF_ONE} ORDER BY created, written, run_key")
        self._miss_none()
        sets = self._rows(f"SELECT digest, names FROM test_sets FINAL {_OF_ONE}")
        mirror.fill(
            tables,
            msgspec.convert(runs, list[mirror.RunRow]),
            {digest: mirror.unpacked_names(names) for digest, names in sets},
        )
        parts = self._rows(
            f"SELECT run_key, name, content FROM parts FINAL {_OF_ONE} AND (run_key, name) IN ({_NEWEST_PARTS})"
        )
        numbers: dict[str, int] = dict(tables.rows("SELECT run_key, id FROM runs"))
        rows = [(numbers[run], name, mirror.part(data)) for run, name, data in parts if run in numbers]
        tables.many("INSERT INTO parts (run_id, name, content) VALUES (?, ?, ?)", rows)
        put = "INSERT INTO incidents (key, value) VALUES (?, ?)"
        tables.many(put, map(tuple, self._rows(f"SELECT key, value FROM incidents FINAL {_OF_ONE}")))

    def _miss_none(self) -> None:
        """See that every run of which there is a receipt is there.

        Raises:
            Damaged: one is not. What is written or forgotten this moment may look like it once, never twice.
        """
        statement = (
            f"SELECT run_key FROM receipts FINAL {_OF_ONE} AND run_key NOT IN (SELECT run_key FROM runs {_OF_ONE})"
        )
        if (missed := set(self._rows(statement))) and (gone := missed & set(self._rows(statement))):
            name = min(gone)[0]
            raise Damaged(f"{len(gone):,} of the runs that were written are gone, {name!r:.80} among them")

    def _put(self, runs: Sequence[RunResults]) -> None:
        """Write runs: first what they mention, then all of them in one block."""
        if not runs:
            return
        moment = self._moment()
        sets: dict[str, str] = {}
        rows = [_run_row(run, self._repository, moment + place, sets) for place, run in enumerate(runs)]
        # Also those that are there: written anew, they are not taken out before their run comes.
        names = [(self._repository, digest, given) for digest, given in sorted(sets.items())]
        self._insert("test_sets (repository, digest, names)", names)
        parts = [
            (self._repository, run.run.run, name, moment, b64encode(pack(data)).decode())
            for run in runs
            for name, data in run.parts.items()
        ]
        keys = {"keys": [run.run.run for run in runs]}
        old = self._rows(f"SELECT count() FROM parts {_OF_ONE} AND has({_KEYS}, run_key)", **keys)
        if old[0][0]:  # of a run that is replaced
            gone = f"ALTER TABLE parts DELETE {_OF_ONE} AND has({_KEYS}, run_key)"
            self._do(f"{gone} SETTINGS mutations_sync = 2", **keys)
        self._insert("parts", parts)
        self._insert("runs", rows)
        self._insert("receipts", [row[:3] for row in rows])

    def _forget(self, runs: Sequence[str], seen: int) -> None:
        """Take runs out, but none that is written again this moment."""
        gone = f"{_OF_ONE} AND has({_KEYS}, run_key) AND written <= {{seen:UInt64}}"
        for table in ("receipts", "runs", "parts"):
            self._do(f"ALTER TABLE {table} DELETE {gone} SETTINGS mutations_sync = 2", keys=list(runs), seen=seen)

    def _remember(self, incidents: Sequence[Incident]) -> None:
        moment = self._moment() if incidents else 0
        rows = [(self._repository, one.key, moment, encoded(one)) for one in incidents]
        self._insert("incidents", rows)

    def _moment(self) -> int:
        """Return the server's clock in nanoseconds, later than everything it holds of the repository."""
        last = f"(SELECT max(written) FROM runs {_OF_ONE}), (SELECT max(written) FROM incidents {_OF_ONE})"
        found = self._rows(f"SELECT greatest(toUInt64(toUnixTimestamp64Nano(now64(9))), {last})")
        return int(found[0][0]) + 1

    def _there(self) -> bool:
        """Return whether truegreen's tables are there, and refuse those of a newer one."""
        own = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'truegreen_version'"
        if not self._rows(own)[0][0]:
            return False
        found = self._rows("SELECT max(version) FROM truegreen_version")[0][0]
        if found > VERSION:
            why = f"its version is {found}, this truegreen knows {VERSION}"
            raise self._error("was written by a newer truegreen", why, "update truegreen")
        return bool(found)

    def _prepare(self) -> None:
        """Make the tables where there are none yet; several at once do no harm."""
        if self._there():
            return
        foreign = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'runs'"
        own = (
            "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'runs' AND name = 'odd'"
        )
        if self._rows(foreign)[0][0] and not self._rows(own)[0][0]:
            raise self._error("finds tables of something else in its place", "", "name another database")
        for statement in TABLES:
            self._do(statement)
        self._insert("truegreen_version", [(VERSION,)])

    def _insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Put rows into a table: all of them, or none."""
        if rows:
            body = b"\n".join(msgspec.json.encode(row) for row in rows)
            named = "SETTINGS input_format_json_named_tuples_as_objects = 0"
            self._nothing(self._ask(f"INSERT INTO {table} {named} FORMAT JSONCompactEachRow", body, {}))

    def _do(self, statement: str, **values: object) -> None:
        self._nothing(self._ask(statement, b"", values))

    def _nothing(self, answer: bytes) -> None:
        """Refuse an answer where there should be none: an exception may follow a status that was sent before it."""
        if answer.strip():
            raise self._error("cannot be used", answer[:500].decode(errors="replace"), "")

    def _rows(self, statement: str, **values: object) -> list[Row]:
        """Return the rows of a query.

        Raises:
            StoreError: the server cannot be used, or its answer was cut off.
        """
        settings = "output_format_json_quote_64bit_integers = 0, output_format_json_named_tuples_as_objects = 0"
        body = self._ask(f"{statement} SETTINGS {settings} FORMAT JSONCompact", b"", values)
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.MsgspecError as error:
            raise self._error("cannot be read", f"the answer is none of ClickHouse's ({error})", "") from None
        return [tuple(row) for row in answer.data]

    def _ask(self, statement: str, data: bytes, values: dict[str, object]) -> bytes:
        """Send a statement, with what it inserts, and return the answer; every failure is explained."""
        given = {**values, "repository": self._repository} if "{repository:" in statement else values
        query = {f"param_{name}": _parameter(value) for name, value in given.items()}
        # The answer begins only when all of it is there, so that its status says how it ended.
        query |= {"wait_end_of_query": "1", "database": self._database}
        body = statement.encode() + b"\n" + data
        answer = self._sender.post(f"{self._url}?{urlencode(query)}", body, media_type="text/plain", headers=self._who)
        if answer.ok and len(answer.body) < _LIMITS.answer_bytes:
            return answer.body
        text = " ".join(answer.body[:2000].decode(errors="replace").split())
        if answer.ok:
            raise self._error("is too large to be read", f"over {_LIMITS.answer_bytes >> 20} MiB", "keep fewer runs")
        if answer.status == 0:
            fix = "see that the server runs and that the address is right, then try again"
            raise self._error("cannot be reached", answer.failure, fix)
        found = _CODE.search(text)
        if answer.status in (401, 403) or (found and found[1] in _FORBIDDEN):
            fix = "see that user and password are right, and that the user may create and change tables"
            raise self._error("may not be used", text or answer.failure, fix)
        raise self._error("cannot be used", text or answer.failure, "see what the server's log says, then try again")

    @property
    def _url(self) -> str:
        """The server's HTTP interface: encrypted, unless it is on this machine.

        Raises:
            WrongValue: the address names no host, or a port that is none.
        """
        parts = urlsplit(self._address.url)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host:
            fix = "write it as clickhouse://user@host:8443/database"
            raise WrongValue("the address of the history cannot be read", where="history.url", fix=fix)
        plain = is_loopback(host)
        where = self._address.host if port else f"{self._address.host}:{8123 if plain else 8443}"
        return f"{'http' if plain else 'https'}://{where}/"

    @property
    def _database(self) -> str:
        return unquote(urlsplit(self._address.url).path.strip("/")) or "default"

    @property
    def _who(self) -> dict[str, str]:
        parts = urlsplit(self._address.url)
        password = self._address.password or unquote(parts.password or "")
        return {"X-ClickHouse-User": unquote(parts.username or "") or "default", "X-ClickHouse-Key": password}

    def _error(self, what: str, why: str, fix: str) -> StoreError:
        return StoreError(f"the history {what}", where=self.place, why=self._address.redacted(why), fix=fix)


def _run_row(run: RunResults, repository: str, written: int, sets: dict[str, str]) -> list[object]:
    """Return the row of a run in its normal form; the names of its tests are put into `sets`, by their digest."""
    stages: list[tuple[object, ...]] = []
    odd: list[tuple[str, str, str, str]] = []
    for stage in run.run.stages:
        results = run.results.get(stage.stage, ())
        row = stage_row(stage)
        if not results:
            stages.append((*row, "", "", ""))
            continue
        names = pack(msgspec.msgpack.encode([result.test for result in results]))
        digest = hashlib.blake2b(names, digest_size=16).hexdigest()
        sets[digest] = b64encode(names).decode()
        skipped = [place for place, result in enumerate(results) if not result.ran]
        steps = pack(bytes(code(result.duration_s) for result in results))
        packed = b64encode(spans(skipped)).decode() if skipped else ""
        stages.append((*row, digest, packed, b64encode(steps).decode()))
        odd += [
            (stage.stage, result.test, content.letters(result.attempts), result.fingerprint)
            for result in results
            if content.letters(result.attempts) not in ("P", "S")
        ]
    head = header(run)
    mark = checksum(head, [stage_row(stage) for stage in run.run.stages], list(odd))
    return [repository, head[0], written, *head[1:], content.digest(run).hex(), mark, stages, odd]


def _parameter(value: object) -> str:
    """Return a value as the server reads it from an address: texts escaped, lists as JSON."""
    text = msgspec.json.encode(value).decode() if isinstance(value, list) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
