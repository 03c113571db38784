"""The recorder of persistence evidence: outside the user's process, which only says where a phase begins and ends.

User code can neither fake nor break what is recorded; if it closes the line, the evidence is incomplete and
therefore blind.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.errors import TruegreenError
from truegreen.model.persistence import Beside, Demand, TestDemand
from truegreen.runtime import files, interrupts, lifetime
from truegreen.stages.common import probe as probes
from truegreen.stages.common.watch import Watch

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Sequence

    from truegreen.stages.common.probe import Probe
    from truegreen.stages.common.watch import Watched
    from truegreen.stages.common.workers import Workers

_JOIN_S, _BUSY_S = 10.0, 5.0
_PREFIX, _OWNER = "tg-", "owner"
"""Of the folder that holds the socket, and of the note in it that says whose it is."""
_HEARD: dict[str, Any] = {"ok": True}
_DEMAND = ("object", "store", "kind", "at_least", "at_most")
_NEXT = {"setup": "call", "call": "teardown", "teardown": "setup"}


class Recorder:
    """Serves one pytest session, and writes what reached each store."""

    def __init__(
        self,
        stores: Sequence[Watched],
        folder: Path,
        ended: Callable[[str], None] = lambda _: None,
        probe: Probe | None = None,
        workers: Workers | None = None,
    ) -> None:
        """Record what reaches stores.

        Args:
            stores: what is observed.
            folder: where the evidence is written, one file a store.
            ended: called with the name of each phase of a test that ended, before the next one begins; of a teardown,
                perhaps a little later.
            probe: answers what the tests ask about their services; without it nobody does.
            workers: gives each worker of pytest-xdist a database of its own; without it, one process is recorded.
        """
        self._watches = [Watch(store) for store in stores]
        self._folder = folder
        self._ended = ended
        self._probe = probe or probes.Probe(())
        self._phase = "setup"
        """Phase of a test that runs now."""
        self._demands: dict[str, list[TestDemand]] = {}
        self._beside: dict[str, list[Beside]] = {}
        self._left: list[str] = []
        """Threads that tests left at work."""
        self._finished = False
        self._problem = ""
        """What went wrong with the recording as a whole."""
        self._lines: list[tuple[socket.socket, threading.Thread]] = []
        self._naming = threading.Lock()
        self._busy = threading.Lock()
        """Held by the one process that tells of these tests."""
        self._workers = workers
        self._parts: dict[str, Recorder] = {}
        """What records the tests of each worker."""
        self.database = ""
        """Database of these tests, where it is not the service's own."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report says about the techniques."""
        if self._problem:
            return (f"persistence evidence could not be recorded: {self._problem}",)
        notes = [watch.note for watch in self._watches if watch.problem or not self._parts]
        if self._left:
            more = f" and {len(self._left) - 1:,} more" if len(self._left) > 1 else ""
            notes.append(f"went on after its test: {self._left[0]}{more}")
        return tuple(dict.fromkeys([*notes, *(note for part in self._parts.values() for note in part.notes)]))

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Name and kind of each file of evidence."""
        own = ((watch.store.file, "persistence") for watch in self._watches)
        return (*own, *(file for part in self._parts.values() for file in part.files))

    @contextlib.contextmanager
    def listening(self) -> Iterator[Path]:
        """Listen on a socket while the tests run; the evidence is written when this ends, however it ends."""
        with contextlib.ExitStack() as stack:
            stack.callback(interrupts.undisturbed, self.write)
            self.open()
            with interrupts.held():
                folder = _fresh_folder()
                listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
                stack.callback(interrupts.undisturbed, functools.partial(self._hang_up, folder, listener, thread))
                listener.bind(str(folder / "s"))
                listener.listen(64)
                thread.start()
            yield folder / "s"

    def _hang_up(self, folder: Path, listener: socket.socket, thread: threading.Thread) -> None:
        _hang_up(listener, thread)
        for sock, serving in self._lines:  # a process that a test left behind may hold the other end
            _hang_up(sock, serving)
        shutil.rmtree(folder, ignore_errors=True)

    def open(self) -> None:
        """Connect to the stores."""
        for watch in self._watches:
            watch.open()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._hold, args=(sock,), daemon=True)
            self._lines.append((sock, thread))
            thread.start()

    def _hold(self, sock: socket.socket) -> None:
        """Serve one process, whose first row says whether it is a worker; who hangs up leaves incomplete evidence."""
        with sock, contextlib.suppress(OSError), sock.makefile("rb") as stream:
            first = stream.readline()
            part: Recorder | None = self._guarded(self._part, first)
            if part is not None:
                part.converse(sock, stream, first)

    def converse(self, sock: socket.socket, stream: io.BufferedReader, row: bytes) -> None:
        """Hear one process to its end; a second one that tells of the same tests meanwhile is not heard.

        Args:
            sock: where answers go.
            stream: its further rows.
            row: its first row.
        """
        if not self._busy.acquire(timeout=_BUSY_S):
            return
        try:
            while row:
                event: dict[str, Any] = self._guarded(_event, row) or {}
                answer, later = self._guarded(self._handle, event) or (_HEARD, None)
                told = _row(answer, event)
                try:
                    if not event.get("quiet"):
                        sock.sendall(told)
                finally:
                    if later is not None:
                        self._guarded(later)
                if event.get("twice"):
                    sock.sendall(told)
                row = stream.readline()
        finally:
            self._busy.release()

    def _part(self, first: bytes) -> Recorder:
        """Return what records the tests of a process, by the worker that its first row names.

        Raises:
            ValueError: the worker has no database of its own.
        """
        worker = _worker(first)
        if not worker:
            return self
        if self._workers is None:
            raise ValueError(f"worker {worker} tells of tests that are to run in one process")
        with self._naming:
            if worker not in self._parts:
                stores = [self._workers.store(watch.store, worker) for watch in self._watches]
                part = Recorder(stores, self._folder, probe=self._probe)
                part.database = self._workers.database(worker)
                part.open()
                self._parts[worker] = part
            return self._parts[worker]

    def _guarded(self, action: Callable[..., Any], *arguments: Any) -> Any:
        """Do something; what goes wrong makes the evidence blind, and the tests go on."""
        try:
            return action(*arguments)
        except TruegreenError as error:
            self._problem = self._problem or error.what
        except Exception as error:  # noqa: BLE001 - a foreign message
            self._problem = self._problem or f"{type(error).__name__}: {error}"
        return None

    def _handle(self, event: dict[str, Any]) -> tuple[dict[str, Any], Callable[[], None] | None]:
        """Handle one event; returns its answer, and what can be done after that."""
        if event["event"] in probes.EVENTS:
            return self._probe.answer(event, phase=self._phase, database=self.database), None
        if event["event"] == "worker" and self._workers is not None:
            return {"answer": self._workers.give(str(event["worker"]))}, None
        if self._finished:  # else a process that a test left behind could add to what was recorded
            raise ValueError("somebody told of tests after they had ended")
        if event["event"] == "finish":
            self._finished = True
        elif event["event"] == "refused":
            raise ValueError(str(event["why"]))
        elif event["event"] == "start":
            for watch in self._watches:
                watch.start()
        else:
            return _HEARD, self._on_mark(event)
        return _HEARD, None

    def _on_mark(self, event: dict[str, Any]) -> Callable[[], None] | None:
        """Take the positions where a phase ended; returns what is left to read of it.

        Those where the call begins and ends must be exact, so the test waits for them. What the call wrote is read
        before its teardown begins: the teardown may truncate the table, after which a log's numbers name nothing. A
        process in which something else comes first gets an answer for the position, and a second one when it was read.
        A call that goes on has stopped for something that is not the test, such as a fixture that it asked for; what
        comes next is a set-up until the call goes on.
        The rest is done while the tests go on, which do not even wait to be heard: where a teardown ends and the next
        set-up begins changes no verdict.
        """
        test, phase = event["test"], event["phase"]
        if not event.get("goes_on"):
            self._ended(phase)
            self._phase = _NEXT.get(phase, "setup")
        exact = phase == "setup" or event.get("twice")
        if phase == "teardown":
            # Of the last attempt at it.
            self._beside[test] = [msgspec.convert({**one, "test": test}, Beside) for one in event.get("beside", ())]
            self._left += [str(what) for what in event.get("left", ())]
            return lambda: _all(self._asked(test, phase, reads=True))
        left = self._asked(test, phase, reads=not exact, goes_on=bool(event.get("goes_on")))
        return functools.partial(self._after, left, test, event["demands"])

    def _asked(self, test: str, phase: str, *, reads: bool, goes_on: bool = False) -> list[Callable[[], None]]:
        """Take the positions where a phase ended, or read it too; returns what is left to do."""
        if len(self._watches) > 1:
            for watch in self._watches:
                watch.ahead(test, phase, reads=reads)
        return [
            watch.finish(test, phase, goes_on=goes_on) if reads else watch.mark(test, phase) for watch in self._watches
        ]

    def _after(self, left: Sequence[Callable[[], None]], test: str, demands: Sequence[dict[str, Any]]) -> None:
        """Do what is left of a phase, and note what the test must commit."""
        _all(left)
        for values in demands:
            self._guarded(self._demand, test, values)

    def _demand(self, test: str, values: dict[str, Any]) -> None:
        of = f"{values.get('place', '')}: persists() of {test}".removeprefix(": ")
        if problem := values.get("problem"):
            raise ValueError(f"{of} {problem}")
        demand = msgspec.convert({key: values[key] for key in _DEMAND if key in values}, Demand)
        names = [watch.store.name for watch in self._watches]
        if demand.store and demand.store not in names:
            raise ValueError(f"{of} names store {demand.store!r}; observed: {', '.join(names)}")
        made = TestDemand(test=test, demand=demand, patched=tuple(values["patched"]), reads=bool(values.get("reads")))
        self._demands.setdefault(test, []).append(made)

    def write(self) -> None:
        """Write the evidence, and hang up."""
        demands = tuple(demand for demands in self._demands.values() for demand in demands)
        beside = tuple(one for found in self._beside.values() for one in found)
        for watch in self._watches:
            evidence = watch.evidence(demands, self._problem, finished=self._finished, beside=beside)
            watch.close()
            files.write_atomic(
                self._folder / watch.store.file, msgspec.json.format(msgspec.json.encode(evidence), indent=1)
            )
        for part in self._parts.values():
            part.write()


def _fresh_folder() -> Path:
    """Return a new folder for a socket, which nobody else may enter, and remove those that killed runs left.

    Its path is short, as a socket's must be.
    """
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lifetime.note_owner(folder / _OWNER)
    now_s = folder.stat().st_mtime
    for other in folder.parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # another run was quicker
            own = other.stat(follow_symlinks=False).st_uid == os.geteuid() and not other.is_symlink()
            if own and lifetime.owner_gone(other / _OWNER, now_s):
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _event(row: bytes) -> dict[str, Any]:
    return msgspec.json.decode(row, type=dict[str, Any])


def _row(answer: dict[str, Any], event: dict[str, Any]) -> bytes:
    """Return an answer with the number of its question: the process may have given up an earlier one."""
    if answer is _HEARD and "n" in event:  # what tests wait for, and in the words that the line expects
        return b'{"ok": true, "n": %b}\n' % msgspec.json.encode(event["n"])
    return json.dumps({**answer, "n": event["n"]} if "n" in event else answer).encode() + b"\n"


def _all(actions: Sequence[Callable[[], None]]) -> None:
    for action in actions:
        action()


def _worker(row: bytes) -> str:
    """Return the worker that a first row names; nothing where it names none, or cannot be read."""
    try:
        return str(json.loads(row).get("worker") or "") if b'"start"' in row else ""
    except (ValueError, AttributeError):
        return ""


def _hang_up(sock: socket.socket, thread: threading.Thread) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    if thread.ident is not None:
        thread.join(_JOIN_S)
    sock.close()
