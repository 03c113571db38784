"""A container image: built, described, pushed, signed, verified."""

from __future__ import annotations

import msgspec


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature and the result of verifying it by digest, in a step of its own."""

    method: str
    """`key` or `identity`."""
    identity: str = ""
    issuer: str = ""
    verified: bool = False
    """True only when the verifier read a signature for exactly this digest."""
    verifier: str = ""
    message: str = ""
    command: str = ""
    """The command with which a consumer verifies it."""


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `image.json`."""

    schema_version: int = 1
    reference: str
    """`registry/repository:tag`, as built."""
    digest: str = ""
    """`sha256:…` as the registry stores it; empty when nothing was pushed."""
    builder: str = ""
    user: str = ""
    """The user the image runs as; empty or `0` is root."""
    uid: int | None = None
    """The number of that user, a name looked up in the image's last `/etc/passwd`; None where it cannot be told."""
    user_problem: str = ""
    """Why it cannot be told."""
    size_bytes: int = 0
    sbom: str = ""
    """Path of the SBOM, relative to the stage's folder."""
    sbom_components: int = 0
    sbom_format: str = ""
    signatures: tuple[Signature, ...] = ()
    secrets_found: tuple[str, ...] = ()
    """Files in the image that look like secrets."""

    @property
    def pinned(self) -> str:
        """Return `registry/repository@sha256:…`; empty when nothing was pushed."""
        name, _, last = self.reference.rpartition("/")
        return f"{name}/{last.partition(':')[0]}@{self.digest}" if self.digest else ""
