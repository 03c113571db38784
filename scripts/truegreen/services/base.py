"""The contracts of a kind of service and of a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol
from urllib.parse import quote, unquote, urlsplit

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
    ports: dict[str, int] = {}
    """Further ports by purpose, such as `api`."""


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
    image: str = ""
    """Image of the container, as it was asked for."""
    ready_at: str = ""
    """When it answered, in UTC as the engine writes a time: one that started later was restarted."""


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a service since it was ready."""

    image: str = ""
    pinned: bool = True
    image_made: str = ""
    """When the image was made, as the engine tells it; empty where nobody knows."""
    restarts: int = 0
    out_of_memory: bool = False
    ended: str = ""


class EmbeddedPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to run a service as a plain process."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}


class Service(Protocol):
    """A kind of service."""

    kind: ClassVar[str]
    image: ClassVar[str]
    """Image with `{version}` in its tag."""
    version: ClassVar[str]
    """Version of the image where none is asked for."""
    verified: ClassVar[str]
    """Real server that our tests ask, such as `MariaDB 10.11`; empty where none can be had on our machines."""
    port: ClassVar[int]
    """Port inside the container, and the default one for `attach`."""
    ports: ClassVar[Mapping[str, int]]
    """Further ports inside the container by purpose, such as `api`."""
    defaults: ClassVar[Access]
    """Default user, password and database."""
    exports: ClassVar[Mapping[str, str]]
    """Variable → field, one of `workshop.FIELDS`."""
    embedded: ClassVar[str]
    """Name of the tool whose files hold the server; empty where no registry has it as a program."""
    program: ClassVar[str]
    """Name of the server in its image, whose options the embedded one takes too; empty where they differ."""
    numbered: ClassVar[bool]
    """True where its databases have numbers and no names."""
    prepared: ClassVar[bool]
    """True where a fresh container too must be prepared; most images make their database themselves."""

    def image_of(self, version: str = "") -> str:
        """Return the image of a version, of the default one without."""
        ...

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


class Server:
    """What most kinds share: a URL of the usual form, nothing to prepare, no program in a registry."""

    image: ClassVar[str]
    version: ClassVar[str]
    port: ClassVar[int]
    scheme: ClassVar[str]
    default_database: ClassVar[str] = ""
    """Database that a URL without one means."""
    has_database: ClassVar[bool] = True
    verified: ClassVar[str] = ""
    ports: ClassVar[Mapping[str, int]] = {}
    embedded: ClassVar[str] = ""
    program: ClassVar[str] = ""
    numbered: ClassVar[bool] = False
    prepared: ClassVar[bool] = False

    def image_of(self, version: str = "") -> str:
        """Return the image of a version, of the default one without."""
        return self.image.format(version=version or self.version)

    def url(self, access: Access) -> str:
        """Return `scheme://[user:password@]host:port[/database]`."""
        who = f"{quote(access.user, safe='')}:{quote(access.password, safe='')}@"
        path = f"/{quote(access.database or self.default_database, safe='')}" if self.has_database else ""
        return f"{self.scheme}://{who if access.user or access.password else ''}{access.host}:{access.port}{path}"

    def parse(self, url: str) -> Access:
        """Return the access in a URL; its further ports are the ones of the server's documentation."""
        parts = urlsplit(url)
        return Access(
            host=parts.hostname or "",
            port=parts.port or self.port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")) or self.default_database if self.has_database else "",
            ports=dict(self.ports),
        )

    def container_env(self, access: Access) -> dict[str, str]:
        """Return nothing: the image needs no environment."""
        del access
        return {}

    def container_args(self) -> list[str]:
        """Return no arguments: the image's own command."""
        return []

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Refuse: no registry has the server as a program, and the manager does not ask for it."""
        raise NotImplementedError(f"{self.__class__.__name__} has no program: {tool}, {data}, {access.port}")

    def prepare(self, access: Access) -> None:
        """Do nothing: what the application keeps there, it makes."""
