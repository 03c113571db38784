"""`truegreen image`: build, sign and verify outside a stage; publish what a stage built."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.app import event as events
from truegreen.app import evidence as loading
from truegreen.app import gate, stage_record
from truegreen.app import plan as planning
from truegreen.app.shell import Shell, evidence
from truegreen.errors import ConfigurationError, EngineMissing, EvidenceChanged, EvidenceMissing, UsageError
from truegreen.ingest.image import ImageReader
from truegreen.runtime import files, identity
from truegreen.stages.common import image_flow
from truegreen.stages.common.image_cosign import IdentityVerifier, KeyVerifier
from truegreen.stages.common.image_engine import find_builder
from truegreen.stages.common.project import user_environment

if TYPE_CHECKING:
    from truegreen.config.settings import Settings
    from truegreen.model.image import ImageRecord, Signature
    from truegreen.model.verdict import Report
    from truegreen.stages.common.image_cosign import Verifier

STAGE = "signed-image"
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
        bench = _signing(shell, _bench(shell, settings, Path(work), registry=reference))
        verifiers = image_flow.sign_image(bench, reference)
        return image_flow.verify_image(bench, reference, verifiers[0])


def verify(
    shell: Shell, settings: Settings, reference: str, *, key: str = "", identity: str = "", issuer: str = ""
) -> Signature:
    """Verify an image's signature by digest, by a public key or by one exact identity."""
    _pinned(reference)
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as work:
        bench = _bench(shell, settings, Path(work), registry=reference)
        return image_flow.verify_image(bench, reference, _verifier(bench, shell, key, identity, issuer))


def publish(shell: Shell, settings: Settings, folder: Path) -> tuple[Report, ImageRecord | None]:
    """Push the image that the stage judged, sign it, and verify it by digest; no code of the project runs.

    The digest in the registry must be the one that was judged. Returns the report on the evidence, and the
    record of the published image; None when the evidence is red, and then nothing was pushed.

    Args:
        shell: the effects.
        settings: names the registry; the credentials come by `$TRUEGREEN_REGISTRY_TOKEN`.
        folder: where the evidence of the stage is, one folder a stage.

    Raises:
        ConfigurationError: no registry is set, or there is nothing to sign with.
        EvidenceError: the archive is missing or changed, or the registry holds another image.
        ToolFailed: the push was refused.
    """
    chosen = planning.plan("local", only=(STAGE,))
    report = gate.judge(shell, settings, chosen, folder=folder, provenance=events.provenance(shell))
    if report.status.red:
        return report, None
    judged, archive = _judged_image(folder, settings.root)
    registry = settings.stages[STAGE].registry
    if not registry:
        raise ConfigurationError(
            "no registry is set, so there is nowhere to publish to",
            where="[tool.truegreen.signed-image] registry",
            fix='set it, for example registry = "ghcr.io/acme"',
        )
    with tempfile.TemporaryDirectory(prefix="truegreen-image-") as work:
        bench = _signing(shell, _bench(shell, settings, Path(work), registry=registry))
        plans = image_flow.signers(bench, bench.cosign(), rehearsal=False)
        pushed, pinned = image_flow.push_image(bench, _renamed(judged, registry), archive, registry)
        if pushed.digest != judged.digest:
            raise EvidenceChanged(
                f"{pinned} is not the image that was judged", why=f"judged was {judged.digest}", fix="build it again"
            )
        return report, msgspec.structs.replace(pushed, signatures=image_flow.sign_and_verify(bench, pinned, plans))


def _judged_image(folder: Path, root: Path) -> tuple[ImageRecord, Path]:
    """Return the record and the archive of the stage, both as their digests say."""
    for place in sorted(path.parent for path in folder.glob(f"*/{stage_record.NAME}")):
        record = stage_record.read(place / stage_record.NAME)
        digests = {entry.path: entry.sha256 for entry in record.files}
        if record.stage == STAGE and image_flow.ARCHIVE_FILE in digests:
            for name in (image_flow.IMAGE_FILE, image_flow.ARCHIVE_FILE):
                loading.check_digest(place / name, place, digests[name])
            return ImageReader().read(place / image_flow.IMAGE_FILE, root), place / image_flow.ARCHIVE_FILE
    raise EvidenceMissing(
        "the stage kept no image to publish",
        where=str(folder),
        fix=f"run it with --set {STAGE}.keep-archive=true",
    )


def _renamed(judged: ImageRecord, registry: str) -> ImageRecord:
    """Return the record under its name in the registry: a rehearsal's own registry is gone by now."""
    name = judged.reference.removeprefix(f"{registry}/")
    if name == judged.reference:
        name = judged.reference.partition("/")[2]
    return msgspec.structs.replace(judged, reference=f"{registry}/{name}", digest="", signatures=())


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


def _bench(shell: Shell, settings: Settings, work: Path, *, registry: str = "") -> image_flow.Workbench:
    out = files.fresh_dir(evidence(settings.root, "image"))
    return image_flow.Workbench(
        root=settings.root,
        out=out,
        work=work,
        options=settings.stages[STAGE],
        env=user_environment(shell.env, _login(shell, registry, work)),
        secrets=shell.env,
        processes=shell.processes,
        tools=shell.tools,
        console=shell.console,
    )


def _login(shell: Shell, registry: str, work: Path) -> dict[str, str]:
    """Return where the registry's credentials are; they live in a private file for as long as the command."""
    token = shell.env.get("TRUEGREEN_REGISTRY_TOKEN", "")
    if not token or not registry:
        return {}
    user = shell.env.get("TRUEGREEN_REGISTRY_USER") or "token"
    entry = {"auth": base64.b64encode(f"{user}:{token}".encode()).decode()}
    config = work / "docker" / "config.json"
    files.write_atomic(config, json.dumps({"auths": {registry.partition("/")[0]: entry}}), mode=0o600)
    return {"DOCKER_CONFIG": str(config.parent)}


def _signing(shell: Shell, bench: image_flow.Workbench) -> image_flow.Workbench:
    """Let our own signature be expected of the identity that this job was given, where nobody set one."""
    name = "TRUEGREEN_SIGNER_IDENTITY"
    if bench.options.identity or shell.env.get(name) or not identity.available(shell.env):
        return bench
    return msgspec.structs.replace(bench, secrets={**bench.secrets, name: identity.signer(shell.env)})
