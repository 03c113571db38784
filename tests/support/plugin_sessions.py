"""A recorder's end of the line from the plugin."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from pathlib import Path


class Listener:
    """A recorder's end of the line: keeps every event and answers it, up to a number of them."""

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
                self.events.append(json.loads(row))
                if len(self.events) > self._answers:
                    return
                sock.sendall(b'{"ok":true}\n')

    def close(self) -> None:
        self._socket.close()
        self._folder.cleanup()
