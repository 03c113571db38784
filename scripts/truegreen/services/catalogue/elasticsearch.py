"""Elasticsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from truegreen.services.catalogue.opensearch import OpenSearch

if TYPE_CHECKING:
    from truegreen.services.base import Access


class Elasticsearch(OpenSearch):
    """Elasticsearch as one node without TLS: image `docker.elastic.co/elasticsearch/elasticsearch`."""

    kind: ClassVar[str] = "elasticsearch"
    image: ClassVar[str] = "docker.elastic.co/elasticsearch/elasticsearch:{version}"
    version: ClassVar[str] = "8.17.4"
    exports: ClassVar[dict[str, str]] = {"ELASTICSEARCH_URL": "url"}

    distribution: ClassVar[str] = ""

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the settings of one node with a small heap and no security, which wants TLS."""
        del access
        return {
            "discovery.type": "single-node",
            "xpack.security.enabled": "false",
            "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
        }
