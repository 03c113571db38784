"""Reader of `image.json`, which the signed-image stage writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from truegreen.ingest import _own
from truegreen.model.image import ImageRecord

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_BYTES = 4 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_METHODS = ("key", "identity")


class ImageReader:
    """Reads the record; a record that contradicts itself is refused."""

    kind: ClassVar[str] = "image"
    part: ClassVar[str] = "image"

    def read(self, path: Path, root: Path) -> ImageRecord:  # noqa: ARG002 - the reader's contract
        """Return the record.

        Raises:
            EvidenceUnreadable: malformed, of another version, or a verified signature without a digest.
        """
        return _own.read(path, _LIMIT_BYTES, ImageRecord, "image record", _contradiction)


def _contradiction(record: ImageRecord) -> str:
    if record.schema_version != 1:
        return f"schema_version is {record.schema_version}, this reader knows 1"
    if record.digest and not _DIGEST.fullmatch(record.digest):
        return "digest is not sha256: and 64 hex digits"
    if record.size_bytes < 0 or record.sbom_components < 0:
        return "a size or a count is below zero"
    for signature in record.signatures:
        if signature.method not in _METHODS:
            return f"unknown signature method {signature.method!r}"
        if signature.verified and (not record.digest or record.digest not in signature.command):
            return "a signature is called verified, but not for this digest"
    return ""
