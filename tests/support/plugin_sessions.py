"""A recorder's end of the line from the plugin."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path


class Listener:
    """A recorder's end of the line: keeps every event and answers those that are not quiet, up to a number of them."""

    def __init__(self, answers: int = 10_000) -> None:
        self.events: list[dict] = []
        self._answers = answers
        self._folder = tempfile.TemporaryDirectory(prefix="tg-")
        self.address = str(Path(self._folder.name) / "s")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.address)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:  # closed before anybody came
            return
        with sock, sock.makefile("rb") as stream:
            while row := stream.readline():
                event = json.loads(row)
                number = event.pop("n")
                self.events.append(event)
                if len(self.events) > self._answers:
                    return
                twice = event.get("twice")
                answers = 0 if event.get("quiet") else 2 if twice else 1
                sock.sendall((json.dumps({"ok": True, "n": number}).encode() + b"\n") * answers)

    def close(self) -> None:
        self._socket.close()
        self._folder.cleanup()
