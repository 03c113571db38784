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

from truegreen.errors import TruegreenError
from truegreen.model.persistence import Demand, PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.runtime import files
from truegreen.stages.common.wal import WalReader, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.model.service import ServiceHandle

TIER = "A: row changes of committed transactions, from the write-ahead log (pg_walinspect)"
_JOIN_S = 10.0


class Recorder:
    """Serves one pytest session and writes what it saw."""

    def __init__(self, server: ServiceHandle, path: Path) -> None:
        self._server = server
        self._path = path
        self._phases: list[PhaseChanges] = []
        self._demands: dict[str, list[TestDemand]] = {}
        self._open: dict[tuple[str, str], tuple[str, float]] = {}
        self._finished = False
        self._problem = ""
        self._reader: WalReader | None = None

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
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
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
            with sock, sock.makefile("rwb", buffering=0) as stream:
                while row := stream.readline():
                    self._answer(row)
                    stream.write(b'{"ok":true}\n')

    def _answer(self, row: bytes) -> None:
        """Handle one event; what cannot be handled makes the evidence blind, and the tests go on."""
        try:
            event = json.loads(row)
            getattr(self, f"_on_{event['event']}")(event)
        except TruegreenError as error:
            self._problem = self._problem or error.what
        except Exception as error:  # noqa: BLE001 - a foreign message, or a lost server
            self._problem = self._problem or f"{type(error).__name__}: {error}"

    def _on_begin(self, event: dict[str, Any]) -> None:
        start = time.perf_counter()
        position = self._reader.position() if self._reader else ""
        self._open[(event["test"], event["phase"])] = (position, time.perf_counter() - start)

    def _on_end(self, event: dict[str, Any]) -> None:
        start = time.perf_counter()
        position, cost_s = self._open.pop((event["test"], event["phase"]))
        window, problem = Window(), self._problem
        if self._reader is not None and not problem:
            window = self._reader.between(position, self._reader.position())
        self._phases.append(
            PhaseChanges(
                test=event["test"],
                phase=event["phase"],
                committed=window.committed,
                rolled_back=window.rolled_back,
                observed_ms=round((cost_s + time.perf_counter() - start) * 1000, 3),
                problem=problem,
            )
        )

    def _on_demand(self, event: dict[str, Any]) -> None:
        demand = msgspec.convert({key: event[key] for key in ("object", "kind", "at_least")}, Demand)
        made = TestDemand(
            test=event["test"], demand=demand, patched=tuple(event["patched"]), reads=bool(event.get("reads"))
        )
        self._demands.setdefault(event["test"], []).append(made)

    def _on_finish(self, event: dict[str, Any]) -> None:
        del event
        self._finished = True

    def _write(self) -> None:
        version = self._reader.version if self._reader else ""
        if self._reader is not None:
            with contextlib.suppress(Exception):
                self._reader.close()
        evidence = PersistenceEvidence(
            store=self._server.name,
            tier="" if self._problem else TIER,
            server_version=version,
            complete=self._finished and not self._problem and not self._open,
            problem=self._problem,
            phases=tuple(self._phases),
            demands=tuple(demand for demands in self._demands.values() for demand in demands),
        )
        files.write_atomic(self._path, msgspec.json.format(msgspec.json.encode(evidence), indent=1))
