"""OpenSearch."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from truegreen.services import wire_http
from truegreen.services.base import Access, NotReady, Server


class Version(msgspec.Struct):
    """The version in the greeting of a node."""

    number: str = ""
    distribution: str = ""
    """`opensearch`; Elasticsearch has no such word."""


class About(msgspec.Struct):
    """The part of the greeting that the probe reads."""

    version: Version


class Health(msgspec.Struct):
    """The part of the cluster's health that the probe reads."""

    status: str = ""


class OpenSearch(Server):
    """OpenSearch as one node without TLS: image `opensearchproject/opensearch`."""

    kind: ClassVar[str] = "opensearch"
    image: ClassVar[str] = "opensearchproject/opensearch:{version}"
    version: ClassVar[str] = "2.19.1"
    scheme: ClassVar[str] = "http"
    has_database: ClassVar[bool] = False
    port: ClassVar[int] = 9200
    defaults: ClassVar[Access] = Access(port=9200)
    exports: ClassVar[dict[str, str]] = {"OPENSEARCH_URL": "url"}
    distribution: ClassVar[str] = "opensearch"

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the settings of one node with a small heap and no security plugin, which wants TLS."""
        del access
        return {
            "discovery.type": "single-node",
            "DISABLE_SECURITY_PLUGIN": "true",
            "DISABLE_INSTALL_DEMO_CONFIG": "true",
            "OPENSEARCH_JAVA_OPTS": "-Xms512m -Xmx512m",
        }

    def probe(self, access: Access) -> str:
        """Ask who the node is, and for the cluster's health, which must not be red."""
        version = wire_http.ask_json(access, "/", About).version
        if version.distribution != self.distribution:
            raise NotReady(f"another server: {version.distribution[:40] or 'elasticsearch'}")
        health = wire_http.ask_json(access, "/_cluster/health", Health).status
        if health not in ("yellow", "green"):
            raise NotReady(f"the cluster is {health[:20]}")
        return version.number
