"""What providers share: effects, ports and logs."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import PortInUse, UnknownName
from truegreen.runtime import files
from truegreen.services.base import HOST, Access, Service, Started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from truegreen.config.schema import ServiceOptions
    from truegreen.runtime.process import ProcessRunner
    from truegreen.runtime.toolchain import Toolchain

FIELDS = ("url", "host", "port", "address", "endpoint", "api-url", "user", "password", "database")
_TAIL_LINES = 8


class Stopping(Exception):
    """Nobody waits for this service any more."""


class Workshop:
    """The effects a provider uses, and where things go."""

    def __init__(
        self,
        *,
        session: str,
        root: Path,
        env: dict[str, str],
        processes: ProcessRunner,
        tools: Toolchain,
        cache: Path,
    ) -> None:
        self.session = session
        self.root = root
        self.env = env
        self.processes = processes
        self.tools = tools
        self.cache = cache
        self.children: dict[int, subprocess.Popen[bytes]] = {}
        self.stopping = threading.Event()
        """Set when nobody waits for services any more."""
        self.images: set[str] = set()
        """Images that are known to be on this machine."""
        self.note: Callable[[Started], None] = lambda _: None
        """Remembers on disk what is about to be made, and then its process: whoever comes next can remove it."""
        self._taken: set[int] = set()

    def go_on(self) -> None:
        """Do nothing, or raise Stopping when another service failed or the run was interrupted."""
        if self.stopping.is_set():
            raise Stopping

    def log(self, name: str) -> Path:
        """Return where the log of a service is kept.

        Raises:
            LinkedFolder: a part of the path is a symbolic link.
        """
        return files.inside(self.root, self.root / ".truegreen" / "services" / f"{name}.log")

    def fresh_log(self, name: str) -> None:
        """Remove the log of an earlier session, so that a failure never quotes it."""
        with files.writing(self.log(name)):
            self.log(name).unlink(missing_ok=True)

    def write_log(self, name: str, text: str) -> None:
        """Keep the log of a container."""
        files.write_atomic(self.log(name), text)

    def tail(self, name: str) -> str:
        """Return the last lines of the log of a service; empty where there is none."""
        try:
            lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n    ".join(lines[-_TAIL_LINES:])

    def access(self, service: Service, options: ServiceOptions, port: int) -> Access:
        """Return the access for a service we start."""
        return Access(
            port=port,
            ports={purpose: self.free_port(service.kind, 0) for purpose in service.ports},
            user=options.user or service.defaults.user,
            password=options.password or service.defaults.password,
            database=options.database or service.defaults.database,
        )

    def free_port(self, name: str, wanted: int) -> int:
        """Return the wanted port if it is free, or any free one for 0.

        Raises:
            PortInUse: somebody listens on the wanted port.
        """
        if wanted:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    sock.bind((HOST, wanted))
                except OSError:
                    raise PortInUse(
                        f"port {wanted} for service {name} is taken",
                        where=f"services.{name}.port",
                        fix="stop what listens there, or set port = 0 for a free one",
                    ) from None
            return wanted
        while True:
            with socket.socket() as sock:
                sock.bind((HOST, 0))
                port = int(sock.getsockname()[1])
            if port not in self._taken:
                self._taken.add(port)
                return port


def fields(service: Service, options: ServiceOptions) -> dict[str, str]:
    """Return variable → field of the address, under the names the repository chose, else the catalogue's."""
    return options.export or dict(service.exports)


def exports(service: Service, options: ServiceOptions, access: Access, url: str) -> dict[str, str]:
    """Return variable → value under the names the repository chose, else the catalogue's.

    Raises:
        UnknownName: an export names something that is not in `FIELDS`.
    """
    values = {key: str(value) for key, value in msgspec.to_builtins(access).items()}
    address = f"{access.host}:{access.port}"
    values |= {"url": url, "address": address, "endpoint": f"http://{address}"}
    values["api-url"] = f"http://{access.host}:{access.ports['api']}" if "api" in access.ports else values["endpoint"]
    chosen = fields(service, options)
    for variable, field in chosen.items():
        if field not in FIELDS:
            raise UnknownName(
                f"{variable} exports {field!r}", where="services.*.export", fix="known: " + ", ".join(FIELDS)
            )
    return {variable: values[field] for variable, field in chosen.items()}
