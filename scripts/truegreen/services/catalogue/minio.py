"""MinIO."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from truegreen.services import wire_http
from truegreen.services.base import Access, EmbeddedPlan, NotReady, Server

if TYPE_CHECKING:
    from pathlib import Path

_VERSION = re.compile(rb'minio_software_version_info\{[^}]*version="([^"]+)"')


class Minio(Server):
    """MinIO, which speaks S3, with one bucket: image `quay.io/minio/minio`, or built from the Go module proxy."""

    kind: ClassVar[str] = "minio"
    image: ClassVar[str] = "quay.io/minio/minio:{version}"
    version: ClassVar[str] = "RELEASE.2025-04-22T22-12-26Z"
    verified: ClassVar[str] = "MinIO of 2026-02-12 (embedded)"
    scheme: ClassVar[str] = "http"
    port: ClassVar[int] = 9000
    defaults: ClassVar[Access] = Access(port=9000, user="truegreen", password="truegreen", database="app")  # noqa: S106
    exports: ClassVar[dict[str, str]] = {
        "S3_ENDPOINT_URL": "endpoint",
        "AWS_ENDPOINT_URL": "endpoint",
        "AWS_ACCESS_KEY_ID": "user",
        "AWS_SECRET_ACCESS_KEY": "password",
        "S3_BUCKET": "database",
    }
    embedded: ClassVar[str] = "minio"
    prepared: ClassVar[bool] = True

    def container_env(self, access: Access) -> dict[str, str]:
        """Return the environment of the official image; metrics are open, since they tell the version."""
        return {
            "MINIO_ROOT_USER": access.user,
            "MINIO_ROOT_PASSWORD": access.password,
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            "MINIO_BROWSER": "off",
        }

    def container_args(self) -> list[str]:
        """Return the command that serves one drive."""
        return ["server", "/data"]

    def embedded_plan(self, tool: Path, data: Path, access: Access) -> EmbeddedPlan:
        """Return how to run the server."""
        where = ("--address", f"{access.host}:{access.port}", str(data / "drive"))
        env = {**self.container_env(access), "HOME": str(data)}
        return EmbeddedPlan(argv=(str(tool / "bin" / "minio"), "server", "--quiet", *where), env=env)

    def probe(self, access: Access) -> str:
        """List the buckets as the user; the one of the access must be among them where it has one."""
        found = wire_http.ask(_plain(access), "/", headers=wire_http.signed(access, "GET", "/"))
        if b"ListAllMyBucketsResult" not in found:
            raise NotReady("another server")
        name = access.database
        if name and f"<Name>{name}</Name>".encode() not in found:
            raise NotReady(f"there is no bucket {name}")
        return _version(access)

    def prepare(self, access: Access) -> None:
        """Make the bucket where it does not exist."""
        path = f"/{quote(access.database, safe='')}"
        try:
            wire_http.ask(_plain(access), path, method="PUT", headers=wire_http.signed(access, "PUT", path))
        except NotReady as state:
            if "BucketAlreadyOwnedByYou" not in str(state):
                raise


def _plain(access: Access) -> Access:
    """Return the access without a user: a signature takes the place of a log-in."""
    return Access(host=access.host, port=access.port)


def _version(access: Access) -> str:
    """Return the version from the metrics; an attached server may keep them to itself."""
    try:
        found = _VERSION.search(wire_http.ask(_plain(access), "/minio/v2/metrics/node"))
    except NotReady:
        found = None
    return found[1].decode("utf-8", "replace") if found else "unknown"
