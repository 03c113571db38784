"""The line to the recorder, which runs outside this process."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import io

TIMEOUT_S = 30.0


class Line:
    """Sends one event at a time and waits for its answer, so that nothing happens in between."""

    def __init__(self, address: str) -> None:
        self._socket: socket.socket | None = None
        self._answers: io.BufferedReader | None = None
        self.problem = ""
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(TIMEOUT_S)
            sock.connect(address)
        except OSError as error:
            self.problem = f"the recorder could not be reached: {error}"
        else:
            self._socket = sock
            self._answers = sock.makefile("rb")

    def tell(self, **event: Any) -> None:
        """Send an event; once the recorder is gone, stay silent and remember why."""
        if self._socket is None or self._answers is None:
            return
        try:
            self._socket.sendall(json.dumps(event, default=str).encode() + b"\n")
            answered = bool(self._answers.readline())
        except (OSError, ValueError) as error:
            self._lost(str(error))
        else:
            if not answered:
                self._lost("it closed the line")

    def _lost(self, why: str) -> None:
        self.problem = f"the recorder was lost: {why}"
        self._socket = None
