"""The contracts of a kind of service and of a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = "127.0.0.1"


class NotReady(Exception):
    """The service does not answer its protocol yet; the text says how far it came."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a service."""

    host: str = HOST
    port: int
    user: str = ""
    password: str = ""
    database: str = ""


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A service that a provider started; enough to stop it from another process."""

    name: str
    kind: str
    provider: str
    access: Access
    url: str
    container: str = ""
    """Container id, for `containers`."""
    pid: int = 0
    """Process id and group, for `embedded`."""
    pid_started: int = 0
    """Start time of that process in clock ticks, so that a recycled pid is never stopped."""
    data: str = ""
    """Folder to remove with the service."""
    log: str = ""


class EmbeddedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a service as a plain process."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}


class Service(Protocol):
    """A kind of service."""

    kind: ClassVar[str]
    image: ClassVar[str]
    port: ClassVar[int]
    """Port inside the container, and the default one for `attach`."""
    defaults: ClassVar[Access]
    """Default user, password and database."""
    exports: ClassVar[Mapping[str, str]]
    """Variable → field: `url`, `host`, `port`, `user`, `password` or `database`."""
    embedded: ClassVar[str]
    """Name of the tool whose files hold the server."""

    def url(self, access: Access) -> str:
        """Return the URL clients use."""
        ...

    def parse(self, url: str) -> Access:
        """Return the access in a URL."""
        ...

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the environment of the official image."""
        ...

    def container_args(self) -> list[str]:
        """Return arguments after the image."""
        ...

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server on a fresh, empty data folder that exists."""
        ...

    def probe(self, access: Access) -> str:
        """Return the server's version, after a real query over its protocol.

        Raises:
            NotReady: it does not answer yet.
        """
        ...

    def prepare(self, access: Access) -> None:
        """Create the database of the access where it does not exist."""
        ...
