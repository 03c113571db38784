"""What providers share: effects, ports and logs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import PortInUse, UnknownName
from truegreen.runtime import files
from truegreen.services.base import HOST, Access, Service

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from truegreen.config.schema import ServiceOptions
    from truegreen.runtime.process import ProcessRunner
    from truegreen.runtime.toolchain import Toolchain

FIELDS = ("url", "host", "port", "user", "password", "database")


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
        self._taken: set[int] = set()

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

    def access(self, service: Service, options: ServiceOptions, port: int) -> Access:
        """Return the access for a service we start."""
        return Access(
            port=port,
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


def exports(service: Service, options: ServiceOptions, access: Access, url: str) -> dict[str, str]:
    """Return variable → value under the names the repository chose, else the catalogue's.

    Raises:
        UnknownName: an export names something else than url, host, port, user, password or database.
    """
    values = {**{key: str(value) for key, value in msgspec.to_builtins(access).items()}, "url": url}
    chosen = options.export or dict(service.exports)
    for variable, field in chosen.items():
        if field not in FIELDS:
            raise UnknownName(
                f"{variable} exports {field!r}", where="services.*.export", fix="known: " + ", ".join(FIELDS)
            )
    return {variable: values[field] for variable, field in chosen.items()}
