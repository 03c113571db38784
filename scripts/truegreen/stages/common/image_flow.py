"""The road of an image: build, describe, push, sign, verify. The stage and `truegreen image` share it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ConfigurationError, ToolFailed
from truegreen.model.image import ImageRecord, Signature
from truegreen.runtime import files, git
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.stages.common import image_build, image_contents, image_registry, image_user
from truegreen.stages.common.image_cosign import (
    Cosign,
    IdentitySigner,
    IdentityVerifier,
    KeyVerifier,
    Signer,
    Verifier,
)
from truegreen.stages.common.image_sbom import make_sbom
from truegreen.stages.common.options import ImageOptions

if TYPE_CHECKING:
    from truegreen.stages.common.image_engine import Builder

IMAGE_FILE = "image.json"
SBOM_FILE = "sbom.cdx.json"
ARCHIVE_FILE = "image.tar"
PUBLIC_KEY_FILE = "cosign.pub"
_TOKEN_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"  # noqa: S105 - the name of a variable
_SECRETS = ("COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD", _TOKEN_URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")


class Workbench(msgspec.Struct, frozen=True, kw_only=True):
    """What the road needs from its caller."""

    root: Path
    out: Path
    """Folder for `image.json`, the SBOM, logs and the public key."""
    work: Path
    """Private folder that the caller deletes: archives and keys."""
    options: ImageOptions
    env: Mapping[str, str]
    secrets: Mapping[str, str]
    """The environment that signing secrets are read from; programs see only what they need of it."""
    processes: ProcessRunner
    tools: Toolchain
    console: Console

    def cosign(self) -> Cosign:
        """Return the pinned cosign."""
        tools = self.tools
        return Cosign(tools.path("cosign"), tools.version("cosign"), processes=self.processes, env=self.env)


def build_image(bench: Workbench, builder: Builder) -> tuple[ImageRecord, Path]:
    """Build the image with its SBOM; return the record (not pushed yet) and the archive.

    Raises:
        ToolFailed: build, SBOM or archive failed.
    """
    options = bench.options
    tree = git.inspect(bench.root, bench.processes)
    name = options.name or slug(bench.root.resolve().name)
    tag = options.tag or tree.commit[:12] or "rehearsal"
    plan = image_build.BuildPlan(
        root=bench.root,
        dockerfile=options.dockerfile,
        context=options.context,
        tag=f"truegreen-image/{name}:current",
        args=build_args(options.build_args, bench.env),
        labels={"org.opencontainers.image.revision": tree.commit} if tree.commit else {},
        target=options.target,
        network=options.network,
    )
    with bench.console.working("building the image"):
        built = image_build.build(
            plan,
            builder,
            processes=bench.processes,
            env=bench.env,
            archive=(bench.out if options.keep_archive else bench.work) / ARCHIVE_FILE,
            log=bench.out / "build.log",
            timeout_s=options.timeout_s,
        )
    paths = image_contents.files_in(built.archive)
    user = image_user.resolve(built.archive, built.user)
    with bench.console.working("describing the image"):
        sbom = make_sbom(
            bench.tools.path("syft"),
            built.archive,
            bench.out / SBOM_FILE,
            name=name,
            version=tag,
            processes=bench.processes,
            env=bench.env,
        )
    record = ImageRecord(
        reference=f"{options.registry}/{name}:{tag}".lstrip("/"),
        builder=built.builder,
        user=built.user,
        uid=user.uid,
        user_problem=user.problem,
        size_bytes=built.size_bytes,
        sbom=SBOM_FILE,
        sbom_components=sbom.libraries,
        sbom_format=sbom.format,
        secrets_found=image_contents.secrets_in(paths),
    )
    return record, built.archive


def push_image(bench: Workbench, record: ImageRecord, archive: Path, registry: str) -> tuple[ImageRecord, str]:
    """Push the archive; return the record with its digest, and `registry/repository@sha256:…`."""
    if not bench.options.registry:
        record = msgspec.structs.replace(record, reference=f"{registry}/{record.reference}")
    with bench.console.working("pushing the image"):
        pinned = image_registry.push(
            bench.tools.path("crane"), archive, record.reference, processes=bench.processes, env=bench.env
        )
    return msgspec.structs.replace(record, digest=image_registry.digest_of(pinned)), pinned


def sign_image(bench: Workbench, reference: str, *, rehearsal: bool = False) -> tuple[Verifier, ...]:
    """Sign by every method that applies; return what a verifier needs to know for each.

    Raises:
        ConfigurationError: there is nothing to sign with, or the expected identity is not set.
        ToolFailed: cosign refused.
    """
    cosign = bench.cosign()
    plans = signers(bench, cosign, rehearsal=rehearsal)
    for signer, _ in plans:
        cosign.sign(reference, signer)
    return tuple(verifier for _, verifier in plans)


def verify_image(bench: Workbench, reference: str, verifier: Verifier) -> Signature:
    """Verify by digest in a process that has an empty home and no secret."""
    home = files.fresh_dir(bench.work / "verifier")
    return bench.cosign().verify(reference, verifier, home=home)


def sign_and_verify(bench: Workbench, reference: str, plans: list[tuple[Signer, Verifier]]) -> tuple[Signature, ...]:
    """Sign and verify by every method; a refusal is a signature that is not verified, with the reason."""
    cosign = bench.cosign()
    results = []
    for signer, verifier in plans:
        try:
            with bench.console.working("signing the image"):
                cosign.sign(reference, signer)
        except ToolFailed as error:
            method = "identity" if isinstance(signer, IdentitySigner) else "key"
            results.append(Signature(method=method, message=f"{error.what}: {error.why}"))
            continue
        results.append(verify_image(bench, reference, verifier))
    return tuple(results)


def signers(bench: Workbench, cosign: Cosign, *, rehearsal: bool) -> list[tuple[Signer, Verifier]]:
    """Return each signer with the verifier that belongs to it.

    Raises:
        ConfigurationError: a demanded method has nothing to work with, or no method applies.
    """
    options = bench.options
    secrets = {name: bench.secrets[name] for name in _SECRETS if bench.secrets.get(name)}
    has_key = bool(options.key or secrets.get("COSIGN_PRIVATE_KEY"))
    # A rehearsal never writes to the public transparency log.
    has_token = bool(options.identity_token_file or secrets.get(_TOKEN_URL))
    may_identify = has_token and (not rehearsal or bool(options.signing_config))
    by_key = options.sign in ("key", "both") or (options.sign == "auto" and (has_key or rehearsal))
    by_identity = options.sign in ("identity", "both") or (options.sign == "auto" and may_identify)
    found: list[tuple[Signer, Verifier]] = []
    if by_key:
        found.append(_key_signer(bench, cosign, secrets, has_key=has_key, rehearsal=rehearsal))
    if by_identity:
        found.append(_identity_signer(bench, secrets))
    if not found:
        raise ConfigurationError(
            "there is nothing to sign the image with",
            where="[tool.truegreen.signed-image]",
            why="no key is set, and this job may not ask for an identity token",
            fix="give the job `permissions: id-token: write`, or the secret COSIGN_PRIVATE_KEY",
        )
    return found


def build_args(configured: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """Return build arguments with `$NAME` replaced; one whose variable is not set is left out."""
    filled = {}
    for name, value in configured.items():
        if not value.startswith("$"):
            filled[name] = value
        elif found := env.get(value.strip("${}")):
            filled[name] = found
    return filled


def slug(text: str) -> str:
    """Return a text as the name of an image repository."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "app"


def _key_signer(
    bench: Workbench, cosign: Cosign, secrets: Mapping[str, str], *, has_key: bool, rehearsal: bool
) -> tuple[Signer, Verifier]:
    keys = bench.work / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    if has_key:
        kept = {name: secrets.get(name, "") for name in ("COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD")}
        signer = cosign.key_signer(bench.options.key or "env://COSIGN_PRIVATE_KEY", keys, kept)
    elif rehearsal:
        signer = cosign.generate_keys(keys)
    else:
        raise ConfigurationError("signing by key is demanded, but there is no key", fix="set COSIGN_PRIVATE_KEY")
    return signer, KeyVerifier(public_key=cosign.public_key(signer, bench.out / PUBLIC_KEY_FILE))


def _identity_signer(bench: Workbench, secrets: Mapping[str, str]) -> tuple[Signer, Verifier]:
    options = bench.options
    expected = options.identity or bench.secrets.get("TRUEGREEN_SIGNER_IDENTITY", "")
    if not expected:
        raise ConfigurationError(
            "the identity that must have signed is not set",
            where="[tool.truegreen.signed-image] identity",
            why="a verifier that takes the identity from the signature itself accepts everybody",
            fix="set it to the workflow that signs: https://github.com/OWNER/REPO/.github/workflows/FILE@REF",
        )
    signer = IdentitySigner(
        secrets={name: secrets[name] for name in secrets if name.startswith("ACTIONS_ID_TOKEN_")},
        token_file=_file(bench.root, options.identity_token_file),
        signing_config=_file(bench.root, options.signing_config),
        trusted_root=_file(bench.root, options.trusted_root),
    )
    return signer, IdentityVerifier(identity=expected, issuer=options.issuer, trusted_root=signer.trusted_root)


def _file(root: Path, name: str) -> Path | None:
    if not name:
        return None
    path = root / name
    if not path.is_file():
        raise ConfigurationError(f"there is no file {name}", where="[tool.truegreen.signed-image]")
    return path
