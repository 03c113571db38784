"""MinIO, and what else speaks S3: which versions of objects are there."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, ClassVar, TypeAlias
from urllib.parse import unquote_plus

import msgspec

from truegreen.errors import ServiceNotReady
from truegreen.model.persistence import Window
from truegreen.runtime.wire.channel import Refused
from truegreen.runtime.wire.s3 import S3, elements
from truegreen.stages.observers._changes import listed

if TYPE_CHECKING:
    from truegreen.model.service import ServiceHandle

_VERSION, _MARKER = "Version", "DeleteMarker"
_Name: TypeAlias = tuple[str, str, str]
"""Bucket, key and version."""


class _Object(msgspec.Struct, frozen=True):
    """One version of an object."""

    etag: str
    modified: str
    empty: bool
    marker: bool
    """True for a version that says the object is deleted."""


class MinioObserver:
    """Objects that were put into a bucket and are there.

    - **store**: MinIO (S3)
    - **technique**: the list of all versions of all objects, with their tags and times, at two positions
    - **counts**: an object that is new, was put again or has a new version, as kind `put`, by its key; one that went
      is a `removal`
    - **does not count**: an upload that failed or was never completed, an object put and deleted again (in a bucket
      with versions, both count), one that was there already, reads, other buckets than the service's own; an empty
      object has kind `empty-put`, which only `persists(kind="empty-put")` accepts
    - **verified against**: MinIO of 2026-02-12 (built from the Go module proxy)
    """

    kind: ClassVar[str] = "minio"
    durable: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = ("put", "empty-put", "removal")
    tier: str = "A: versions, tags and times of objects"

    def __init__(self, server: ServiceHandle) -> None:
        self._name = server.name
        self._s3 = S3(server.host, server.port, user=server.user, password=server.password)
        try:
            self.position()
        except (OSError, ValueError, LookupError, Refused) as error:
            raise ServiceNotReady(
                f"the objects of {server.kind} cannot be listed",
                where=f"{server.host}:{server.port}",
                why=str(error),
                fix="the recorder's user must be allowed to list buckets and the versions of their objects",
            ) from None
        self.version = self._s3.server

    @staticmethod
    def databases(server: ServiceHandle) -> tuple[str, ...]:
        """Return the service's own bucket; without one, all count."""
        return (server.database,) if server.database else ()

    def position(self) -> dict[_Name, _Object]:
        """Return every version of every object."""
        found: dict[_Name, _Object] = {}
        for name, bucket in elements(self._s3.get("/"), ("Bucket",)):
            if name == "Bucket":
                self._list(bucket["Name"], found)
        return found

    def between(self, start: dict[_Name, _Object], end: dict[_Name, _Object]) -> Window:
        """Return the objects put and removed between two positions."""
        changed: Counter[tuple[str, str, str]] = Counter()
        for name, one in end.items():
            if start.get(name) != one:
                word = "removal" if one.marker else "empty-put" if one.empty else "put"
                changed[name[0], name[1], word] += 1
        for bucket, key, version in start.keys() - end.keys():
            if not start[bucket, key, version].marker:
                changed[bucket, key, "removal"] += 1
        return Window(listed(self._name, changed))

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            self._s3.close()

    def _list(self, bucket: str, found: dict[_Name, _Object]) -> None:
        query = {"versions": "", "encoding-type": "url"}
        while True:
            try:
                page = elements(self._s3.get(f"/{bucket}", query), (_VERSION, _MARKER))
            except Refused as error:
                if "NoSuchBucket" in str(error):  # it went while we looked
                    return
                raise
            for name, fields in page[:-1]:
                if name in (_VERSION, _MARKER):
                    key = bucket, unquote_plus(fields["Key"]), fields["VersionId"]
                    found[key] = _Object(
                        etag=fields.get("ETag", ""),
                        modified=fields["LastModified"],
                        empty=fields.get("Size") == "0",
                        marker=name == _MARKER,
                    )
            about = page[-1][1]
            if about.get("IsTruncated") != "true":
                return
            query["key-marker"] = unquote_plus(about["NextKeyMarker"])
            query["version-id-marker"] = about.get("NextVersionIdMarker", "")
