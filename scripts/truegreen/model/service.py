"""A real service that answers its probe."""

from __future__ import annotations

import msgspec

from truegreen.model.evidence import ServiceRecord


class ServiceHandle(msgspec.Struct, frozen=True, kw_only=True):
    """A service that answers its probe."""

    name: str
    kind: str
    provider: str
    host: str
    port: int
    url: str
    version: str = ""
    user: str = ""
    password: str = ""
    database: str = ""
    exports: dict[str, str] = {}
    """Variables for the project's programs, such as `POSTGRES_DSN`."""
    fields: dict[str, str] = {}
    """What each of these variables holds: `url`, `host`, `port`, `user`, `password` or `database`."""
    log: str = ""
    ready_s: float = 0.0
    image: str = ""
    """Image of its container."""
    note: str = ""
    """Why this provider was chosen, where that was not asked for."""

    def record(self) -> ServiceRecord:
        """Return the part that belongs in evidence."""
        return ServiceRecord(name=self.name, provider=self.provider, version=self.version, ready_s=self.ready_s)
