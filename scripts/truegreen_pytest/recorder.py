"""The line to the recorder, which runs outside this process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 16
# What a test replaces must not replace what tells of that test.
_encode, _decode, _pid = json.JSONEncoder(default=str).encode, json.JSONDecoder().decode, os.getpid


class Line:
    """Sends one event at a time and, but for quiet ones, waits for its answer, so that nothing happens in between.

    What pytest itself does between two phases need not wait: there, an answer may be taken a moment later.
    """

    def __init__(self, address: str) -> None:
        self._socket: socket.socket | None = None
        self._read = bytearray()
        self._lock = threading.Lock()
        self._number = 0
        self._owed: set[str] = set()
        """Questions that were interrupted, whose answers are still to come."""
        self._awaited = ""
        """Question whose answer is taken before anything else is said."""
        self._exact = False
        """Whether nothing of the test may happen before that answer."""
        self.problem = ""
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(TIMEOUT_S)
            sock.connect(address)
        except OSError as error:
            self.problem = f"the recorder could not be reached: {error}"
        else:
            self._socket, self._send, self._receive = sock, sock.sendall, sock.recv

    def tell(self, **event: Any) -> dict[str, Any]:
        """Send an event and return its answer; once the recorder is gone, stay silent and remember why."""
        with self._lock:  # a test may ask from a thread of its own
            return self._tell(event)

    def note(self, **event: Any) -> None:
        """Send an event that has no answer: what follows need not wait for it."""
        with self._lock:
            self._tell({**event, "quiet": True})

    def ask(self, **event: Any) -> None:
        """Send an event whose answer `settle` takes; nothing of the test may happen before that."""
        with self._lock:
            self._tell(event, later=True)

    def tell_twice(self, **event: Any) -> None:
        """Send an event and wait for its first answer; the second one, which `settle` takes, says that it was read."""
        with self._lock:
            self._tell({**event, "twice": True})

    def settle(self) -> None:
        """Wait for the answer that is awaited, if any."""
        with self._lock:
            self._settle()

    def _settle(self) -> None:
        name, self._awaited = self._awaited, ""
        if name.startswith(f"{_pid()}."):  # else it is for the process that was forked
            self._take(name, exact=self._exact)

    def _tell(self, event: dict[str, Any], *, later: bool = False) -> dict[str, Any]:
        self._settle()
        if self._socket is None:
            return {}
        self._number += 1
        name = f"{_pid()}.{self._number}"  # a process that was forked asks over the same line
        with self._guarded(name, exact=True):  # half a row would be in the way of the next one
            self._send(_encode({**event, "n": name}).encode() + b"\n")
        answer: dict[str, Any] = {}
        if not later and not event.get("quiet"):
            answer = self._take(name, exact=event["event"] == "mark")
        if later or event.get("twice"):
            self._awaited, self._exact = name, later
        return answer

    def _take(self, name: str, *, exact: bool) -> dict[str, Any]:
        """Return an answer; none where the line is lost."""
        if self._socket is not None:
            with self._guarded(name, exact=exact):
                return self._answer(name)
        return {}

    @contextlib.contextmanager
    def _guarded(self, name: str, *, exact: bool) -> Iterator[None]:
        """Remember what goes wrong with the line; let through what a signal's handler raises, such as a time limit."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, (OSError, ValueError)) and not _of_a_handler(error):
                self._lost(str(error) or type(error).__name__)
                return
            if exact:  # also a test that goes on before the recorder took its positions
                self._lost(f"{type(error).__name__} interrupted what it was told")
            else:
                self._owed.add(name)
            raise

    def _answer(self, name: str) -> dict[str, Any]:
        """Return the answer to an event, and drop those to earlier questions that were interrupted.

        Raises:
            OSError: the line is closed.
            ValueError: what came answers something else.
        """
        while row := self._row():
            if row == b'{"ok": true, "n": "%b"}' % name.encode():  # what most answers are, and a test waits for them
                return {"ok": True}
            content = _decode(row.decode())
            found: dict[str, Any] = content if isinstance(content, dict) else {}
            to = found.get("n")
            if to == name:
                return found
            if to not in self._owed:
                raise ValueError("its answers do not belong to what it was asked")
            self._owed.discard(to)
        raise OSError("it closed the line")

    def _row(self) -> bytes:
        """Return the next row; nothing where the line is closed. What was read before an interruption is kept."""
        seen = 0
        while (end := self._read.find(b"\n", seen)) < 0:
            seen = len(self._read)
            chunk = self._receive(_CHUNK_BYTES)
            if not chunk:
                return b""
            self._read += chunk
        row = bytes(self._read[:end])
        del self._read[: end + 1]
        return row

    def _lost(self, why: str) -> None:
        self.problem = f"the recorder was lost: {why}"
        self._socket = None


def _of_a_handler(error: BaseException) -> bool:
    """Return whether an error was raised by a signal's handler, such as that of a time limit, and not by the line."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    module = str(place.tb_frame.f_globals.get("__name__")) if place is not None else ""
    return module.partition(".")[0] not in (__name__.partition(".")[0], "socket", "json")
