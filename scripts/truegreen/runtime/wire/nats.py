"""The protocol of NATS: requests to the server's own services, one at a time."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec

from truegreen.runtime.wire.channel import LIMIT_BYTES, Channel, Refused


class Nats(Channel):
    """One connection that asks."""

    def __init__(self, host: str, port: int, *, user: str = "", password: str = "") -> None:
        """Connect and log in.

        Raises:
            OSError: nobody answers there.
            Refused: the server does not let us in.
        """
        super().__init__(host, port)
        self.inbox = f"_INBOX.{secrets.token_hex(11)}"
        with self.logging_in():
            self.version = self._login(user, password)

    def _login(self, user: str, password: str) -> str:
        version = str(self._greeting().get("version", ""))
        options = {"verbose": False, "pedantic": False, "lang": "truegreen", "version": "1", "protocol": 1}
        options |= {"headers": True, "no_responders": True}
        if user:
            options |= {"user": user, "pass": password}
        self.send(b"CONNECT %s\r\nSUB %s 1\r\nPING\r\n" % (msgspec.json.encode(options), self.inbox.encode()))
        while (line := self._control_line()) != b"PONG":
            if line.startswith(b"-ERR"):
                raise Refused(line[4:].decode("utf-8", "replace").strip(" '"))
        return version

    def request(self, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer to one request.

        Raises:
            Refused: nobody answers that subject, or the answer is an error.
        """
        data = msgspec.json.encode(body) if body is not None else b""
        self.send(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), self.inbox.encode(), len(data), data))
        answer: dict[str, Any] = msgspec.json.decode(self._message(subject), type=dict[str, Any])
        if error := answer.get("error"):
            raise Refused(f"{subject}: {error.get('description', error)}")
        return answer

    def _greeting(self) -> dict[str, Any]:
        line = self.line()
        if not line.startswith(b"INFO "):
            raise ValueError(f"no greeting of NATS: {line[:40]!r}")
        found: dict[str, Any] = msgspec.json.decode(line[5:], type=dict[str, Any])
        return found

    def _message(self, subject: str) -> bytes:
        while True:
            line = self._control_line()
            words = line.split()
            if words[:1] == [b"MSG"]:
                return self.exactly(int(words[-1]) + 2)[:-2]
            if words[:1] == [b"HMSG"]:  # with headers and no body: nobody there
                self.exactly(int(words[-1]) + 2)
                raise Refused(f"{subject}: nobody answers; is JetStream on?")
            if line.startswith(b"-ERR"):
                raise Refused(line[4:].decode("utf-8", "replace").strip(" '"))

    def _control_line(self) -> bytes:
        """Return the next line that is about us; the server's pings are answered."""
        for _ in range(LIMIT_BYTES):
            line = self.line()
            if line == b"PING":
                self.send(b"PONG\r\n")
            elif line and not line.startswith((b"INFO", b"+OK")):
                return line
        raise ValueError("lines without end")
