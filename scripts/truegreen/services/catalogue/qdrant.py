"""Qdrant."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from truegreen.services import wire_http
from truegreen.services.base import Access, NotReady, Server


class About(msgspec.Struct):
    """The part of the server's greeting that the probe reads."""

    title: str = ""
    version: str = ""


class Collections(msgspec.Struct):
    """The part of the list of collections that the probe reads."""

    status: str = ""


class Qdrant(Server):
    """Qdrant: image `qdrant/qdrant`."""

    kind: ClassVar[str] = "qdrant"
    image: ClassVar[str] = "qdrant/qdrant:v{version}"
    version: ClassVar[str] = "1.14.0"
    scheme: ClassVar[str] = "http"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 6333
    defaults: ClassVar[Access] = Access(port=6333)
    exports: ClassVar[dict[str, str]] = {"QDRANT_URL": "url"}

    def probe(self, access: Access) -> str:
        """Ask who the server is, and for its collections."""
        about = wire_http.ask_json(access, "/", About)
        if "qdrant" not in about.title:
            raise NotReady(f"another server: {about.title[:80]}")
        if wire_http.ask_json(access, "/collections", Collections).status != "ok":
            raise NotReady("the collections cannot be listed")
        return about.version
