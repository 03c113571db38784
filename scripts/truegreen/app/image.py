"""`truegreen image`: build, sign and verify outside a stage."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app.shell import EVIDENCE, Shell
from truegreen.errors import EngineMissing, UsageError
from truegreen.runtime import files
from truegreen.stages.common import image_flow
from truegreen.stages.common.image_cosign import IdentityVerifier, KeyVerifier
from truegreen.stages.common.image_engine import find_builder
from truegreen.stages.common.project import user_environment

if TYPE_CHECKING:
    from truegreen.config.settings import Settings
    from truegreen.model.image import ImageRecord, Signature
    from truegreen.stages.common.image_cosign import Verifier

_PINNED = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def build(shell: Shell, settings: Settings) -> ImageRecord:
    """Build the image and its SBOM; nothing is pushed or signed."""
    builder = find_builder(shell.processes, shell.env)
    if isinstance(builder, str):
        raise EngineMissing("the image cannot be built", why=builder, fix="start Docker, or install buildah")
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as work:
        record, _ = image_flow.build_image(_bench(shell, settings, Path(work)), builder)
    return record


def sign(shell: Shell, settings: Settings, reference: str) -> Signature:
    """Sign an image by digest, then verify it in a process without secrets; returns that verification."""
    _pinned(reference)
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as work:
        bench = _bench(shell, settings, Path(work))
        verifiers = image_flow.sign_image(bench, reference)
        return image_flow.verify_image(bench, reference, verifiers[0])


def verify(
    shell: Shell, settings: Settings, reference: str, *, key: str = "", identity: str = "", issuer: str = ""
) -> Signature:
    """Verify an image's signature by digest, by a public key or by one exact identity."""
    _pinned(reference)
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as work:
        bench = _bench(shell, settings, Path(work))
        return image_flow.verify_image(bench, reference, _verifier(bench, shell, key, identity, issuer))


def _verifier(bench: image_flow.Workbench, shell: Shell, key: str, identity: str, issuer: str) -> Verifier:
    if key:
        return KeyVerifier(public_key=(shell.cwd / key).resolve())
    if not (identity and issuer):
        raise UsageError(
            "name a public key, or the signer's exact identity and issuer", fix="--key FILE, or --identity … --issuer …"
        )
    root = bench.options.trusted_root
    return IdentityVerifier(identity=identity, issuer=issuer, trusted_root=bench.root / root if root else None)


def _pinned(reference: str) -> None:
    if not _PINNED.fullmatch(reference):
        raise UsageError(
            f"{reference!r} names no digest",
            why="a tag can move between signing and pulling",
            fix="write registry/name@sha256:…",
        )


def _bench(shell: Shell, settings: Settings, work: Path) -> image_flow.Workbench:
    out = settings.root / EVIDENCE / "image"
    files.fresh_dir(out)
    return image_flow.Workbench(
        root=settings.root,
        out=out,
        work=work,
        options=settings.stages["signed-image"],
        env=user_environment(shell.env, {}),
        secrets=shell.env,
        processes=shell.processes,
        tools=shell.tools,
        console=shell.console,
    )
