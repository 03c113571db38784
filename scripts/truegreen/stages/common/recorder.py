"""The recorder of persistence evidence: outside the user's process, which only says where a phase begins and ends.

User code can neither fake nor break what is recorded; if it closes the line, the evidence is incomplete and
therefore blind.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import ConfigurationError, TruegreenError
from truegreen.model.persistence import Demand, PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.runtime import files
from truegreen.stages.common.wal import WalReader, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from truegreen.model.service import ServiceHandle

TIER = "A: row changes of committed transactions, from the write-ahead log (pg_walinspect)"
_JOIN_S = 10.0


def observed(services: Iterable[ServiceHandle]) -> ServiceHandle:
    """Return the server whose log is read.

    Raises:
        ConfigurationError: there is none.
    """
    server = next((handle for handle in services if handle.kind == "postgres"), None)
    if server is None:
        raise ConfigurationError(
            "the persistence stage has no PostgreSQL to read evidence from",
            where="persistence.services",
            fix='add services = ["postgres"] to [tool.truegreen.persistence]',
        )
    return server


def counting(server: ServiceHandle, configured: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns of the databases whose rows count: those configured, else the service's own and its kin."""
    own = server.database
    return tuple(configured) or (own, f"test_{own}*", f"{own}_*")


class Recorder:
    """Serves one pytest session and writes what it saw."""

    def __init__(
        self,
        server: ServiceHandle,
        path: Path,
        databases: tuple[str, ...] = (),
        ended: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Record what reaches a server.

        Args:
            server: a PostgreSQL.
            path: file for the evidence.
            databases: patterns of the databases whose rows count.
            ended: called with the name of each phase of a test that ended, before the next one begins.
        """
        self._server = server
        self._databases = databases
        self._ended = ended
        self._path = path
        self._phases: list[PhaseChanges] = []
        self._demands: dict[str, list[TestDemand]] = {}
        self._last = ""
        """Position in the log where the phase that runs now began."""
        self._finished = False
        self._problem = ""
        self._reader: WalReader | None = None
        self._line: socket.socket | None = None

    @property
    def note(self) -> str:
        """What the report says about the technique."""
        if self._problem:
            return f"persistence evidence could not be recorded: {self._problem}"
        return f"persistence evidence of tier {TIER}"

    @contextlib.contextmanager
    def listening(self) -> Iterator[Path]:
        """Listen on a socket while the tests run; the evidence is written when this ends, however it ends."""
        try:
            self._reader = WalReader(self._server)
        except TruegreenError as error:
            self._problem = f"{error.what}: {error.why}" if error.why else error.what
        folder = Path(tempfile.mkdtemp(prefix="tg-"))
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(folder / "s"))
        listener.listen(4)
        thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield folder / "s"
        finally:
            # The line too: a process that a test left behind may hold its other end.
            for sock in filter(None, (listener, self._line)):
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(_JOIN_S)
            shutil.rmtree(folder, ignore_errors=True)
            self._write()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):  # who hangs up never finishes: the evidence is incomplete
                self._converse(sock)

    def _converse(self, sock: socket.socket) -> None:
        self._line = sock
        with sock.makefile("rb") as stream:
            while row := stream.readline():
                later = self._guarded(self._handle, row)
                sock.sendall(b'{"ok":true}\n')
                if later is not None:
                    self._guarded(later)

    def _guarded(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """Do something; what goes wrong makes the evidence blind, and the tests go on."""
        try:
            return action(*arguments)
        except TruegreenError as error:
            self._problem = self._problem or error.what
        except Exception as error:  # noqa: BLE001 - a foreign message, or a lost server
            self._problem = self._problem or f"{type(error).__name__}: {error}"
        return None

    def _handle(self, row: bytes) -> Callable[[], None] | None:
        """Handle one event before it is answered; returns what can be done after the answer."""
        event = json.loads(row)
        if event["event"] == "finish":
            self._finished = True
            return None
        if event["event"] == "start":
            self._last = self._reader.position() if self._reader else ""
            return None
        return self._on_mark(event)

    def _on_mark(self, event: dict[str, Any]) -> Callable[[], None] | None:
        """Take the position where a phase ended.

        What the call phase wrote is read before the test goes on: its teardown may truncate the table, after
        which the log's file numbers name nothing. The other phases are read while the tests go on.
        """
        begun = time.perf_counter()
        if not event.get("goes_on"):
            self._ended(event["phase"])
        start, self._last = self._last, self._reader.position() if self._reader else ""
        for values in event["demands"]:
            self._demand(event["test"], values)

        end = self._last

        def read() -> None:
            window = Window() if self._problem or not self._reader else self._reader.between(start, end)
            self._phases.append(
                PhaseChanges(
                    test=event["test"],
                    phase=event["phase"],
                    committed=window.committed,
                    rolled_back=window.rolled_back,
                    observed_ms=round((time.perf_counter() - begun) * 1000, 3),
                    problem=self._problem,
                )
            )

        if event["phase"] != "call":
            return read
        read()
        return None

    def _demand(self, test: str, values: dict[str, Any]) -> None:
        if unknown := values.get("unknown"):
            raise ValueError(f"persists() of {test} does not know {', '.join(map(repr, unknown))}")
        demand = msgspec.convert({key: values[key] for key in ("object", "kind", "at_least")}, Demand)
        made = TestDemand(test=test, demand=demand, patched=tuple(values["patched"]), reads=bool(values.get("reads")))
        self._demands.setdefault(test, []).append(made)

    def _write(self) -> None:
        version = self._reader.version if self._reader else ""
        if self._reader is not None:
            with contextlib.suppress(Exception):
                self._reader.close()
        evidence = PersistenceEvidence(
            store=self._server.name,
            tier="" if self._problem else TIER,
            server_version=version,
            databases=self._databases,
            complete=self._finished and not self._problem,
            problem=self._problem,
            phases=tuple(self._phases),
            demands=tuple(demand for demands in self._demands.values() for demand in demands),
        )
        files.write_atomic(self._path, msgspec.json.format(msgspec.json.encode(evidence), indent=1))
