"""Mailpit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.services import wire, wire_http
from truegreen.services.base import Access, NotReady, Server

if TYPE_CHECKING:
    import socket

_LIMIT_LINES = 100


class About(msgspec.Struct, rename={"version": "Version"}):
    """The part of `/api/v1/info` that the probe reads."""

    version: str = ""


class Mailpit(Server):
    """Mailpit, which takes every mail by SMTP and shows it by HTTP: image `axllent/mailpit`."""

    kind: ClassVar[str] = "mailpit"
    image: ClassVar[str] = "axllent/mailpit:v{version}"
    version: ClassVar[str] = "1.24"
    scheme: ClassVar[str] = "smtp"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 1025
    ports: ClassVar[dict[str, int]] = {"api": 8025}
    defaults: ClassVar[Access] = Access(port=1025, ports={"api": 8025})
    exports: ClassVar[dict[str, str]] = {
        "SMTP_URL": "url",
        "SMTP_HOST": "host",
        "SMTP_PORT": "port",
        "MAILPIT_API_URL": "api-url",
    }

    def probe(self, access: Access) -> str:
        """Greet by SMTP, then ask the interface that shows mails for the version."""
        with wire.connection(access) as sock:
            for command, code in (("", "220"), ("EHLO probe", "250"), ("NOOP", "250")):
                if command:
                    sock.sendall(f"{command}\r\n".encode())
                line = _last(sock, code)
                if line[:3] != code:
                    raise NotReady(line[:80] or "no greeting")
        api = Access(host=access.host, port=access.ports.get("api", self.ports["api"]))
        return wire_http.ask_json(api, "/api/v1/info", About).version or "unknown"


def _last(sock: socket.socket, code: str) -> str:
    """Return the last line of an answer, which may have several."""
    for _ in range(_LIMIT_LINES):
        if (line := wire.read_line(sock))[:4] != f"{code}-":
            return line
    raise ValueError("lines without end")
