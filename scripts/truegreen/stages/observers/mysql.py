"""MariaDB and MySQL: what their binary log says, followed as a replica does."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Change, Window
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.mysql import MySql
from truegreen.stages.observers import _copies as copies
from truegreen.stages.observers._binlog import Binlog
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

_STATUS = ("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS")
"""The second is how MySQL 8.4 calls it."""


class _Moment(msgspec.Struct, frozen=True):
    """A position: what was committed since the one before."""

    number: int
    committed: tuple[Change, ...]
    rolled_back: tuple[Change, ...]


class MySqlObserver:
    """Rows of committed transactions, from the binary log in row format.

    - **store**: MySQL
    - **technique**: as MariaDB
    - **counts**: as MariaDB
    - **does not count**: as MariaDB; nor can compressed transactions (`binlog_transaction_compression`) be read: blind
    - **verified against**: MySQL 5.6.24 (npm); newer ones not verified here, since no registry offers them
    """

    kind: ClassVar[str] = "mysql"
    durable: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("insert", "update", "delete", "truncate")
    tier: str = "A: row changes of committed transactions, from the binary log (verified against MySQL 5.6)"

    def __init__(self, server: ServiceHandle) -> None:
        self._server = server
        self._number = 0
        try:
            self._control, self._log = self._connected(), self._connected()
            self.version = self._control.query("SELECT VERSION()")[0][0]
            settings = self._settings()
            self._status = next(filter(self._answers, _STATUS))
            self._binlog = Binlog(*self._end(), checksums=settings["binlog_checksum"] != "NONE")
            self._follow()
        except (OSError, ValueError, LookupError, StopIteration, Refused) as error:
            raise ServiceNotReady(
                f"the binary log of {server.kind} cannot be read",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix="start the server with --log-bin --binlog-format=ROW --server-id=1, and let the recorder's user "
                "replicate (REPLICATION SLAVE, REPLICATION CLIENT or BINLOG MONITOR)",
            ) from None

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return the service's own database, and those made for tests beside it."""
        return copies.of(server.database)

    def position(self) -> _Moment:
        """Return the moment now, with all that was committed since the last one."""
        end = self._end()
        while not self._binlog.reached(*end):
            self._binlog.feed(self._event())
        committed, rolled_back = (listed(self._server.name, counts) for counts in self._binlog.taken())
        self._number += 1
        return _Moment(self._number, committed, rolled_back)

    def between(self, start: _Moment, end: _Moment) -> Window:
        """Return the rows changed between two consecutive positions."""
        if end.number != start.number + 1:
            raise ValueError("positions that are not consecutive")
        return Window(end.committed, end.rolled_back)

    def close(self) -> None:
        """Hang up."""
        for connection in (self._control, self._log):
            with contextlib.suppress(OSError):
                connection.close()

    def _settings(self) -> dict[str, str]:
        names = "'log_bin', 'binlog_format', 'binlog_checksum'"
        found = dict(self._control.query(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"))
        if found["log_bin"] != "ON" or found.get("binlog_format", "ROW") != "ROW":
            raise ValueError(f"the binary log is off, or not in row format: {found}")
        return found

    def _connected(self) -> MySql:
        server = self._server
        return MySql(server.host, server.port, user=server.user, password=server.password)

    def _answers(self, status: str) -> bool:
        with contextlib.suppress(Refused):
            return bool(self._control.query(status))
        return False

    def _end(self) -> tuple[str, int]:
        """Return file and position of the log's end: every acknowledged commit lies before it."""
        row = self._control.query(self._status)[0]
        return row[0], int(row[1])

    def _follow(self) -> None:
        """Become a replica, one that understands checksums and what MariaDB added to the protocol."""
        self._log.query(
            "SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum"
        )
        self._log.query("SET @mariadb_slave_capability = 4")
        self._log.follow(self._binlog.file, self._binlog.position, 0x40000000 | secrets.randbits(29))

    def _event(self) -> bytes:
        packet = self._log.packet()
        if packet[0] != 0:
            raise ConnectionError("the server ended the binary log")
        return packet[1:]


class MariaDbObserver(MySqlObserver):
    """Rows of committed transactions, from the binary log in row format.

    - **store**: MariaDB
    - **technique**: events of the row binlog, followed as a replica does, between two positions
    - **counts**: rows inserted, updated and deleted, each with its table and database, also of engines without
      transactions; those of a transaction, of XA too, all where it is committed: also what a fixture wrote in one that
      the test commits, since the binlog does not say when
    - **does not count**: rolled back or still open, prepared and not decided, a duplicate that is ignored or fails, an
      update that changes nothing, temporary tables, sessions with `sql_log_bin = 0` or in statement format, other
      databases; compressed events (`log_bin_compress`) cannot be read: blind
    - **verified against**: MariaDB 10.11 (Debian)
    """

    kind: ClassVar[str] = "mariadb"
    tier: str = "A: row changes of committed transactions, from the binary log"
