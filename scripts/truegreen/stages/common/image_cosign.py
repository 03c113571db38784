"""Signing and verifying an image by digest with cosign.

Signer and verifier never share state: the verifier is a process of its own with an empty home folder,
and holds only a public key or a trusted root. An exit code decides nothing alone: the digest inside
the payload that cosign prints must be the one that was asked for.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ConfigurationError, ToolFailed
from truegreen.model.image import Signature
from truegreen.stages.common.image_registry import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import Completed, ProcessRunner

_TIMEOUT_S = 120.0
_TOKEN_NAMES = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
_KEPT = ("PATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "DOCKER_CONFIG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_REGEXP = re.compile(r"[\\^$*?|\[\]]")
_CAUSES = {
    10: "there is no signature for this digest",
    11: "the registry has no such image",
}


class KeySigner(msgspec.Struct, frozen=True, kw_only=True):
    """A signer that holds a private key."""

    key: str
    """Path of the key, or `env://COSIGN_PRIVATE_KEY`."""
    secrets: dict[str, str] = {}
    """`COSIGN_PRIVATE_KEY` and `COSIGN_PASSWORD`; only the signing process sees them."""
    signing_config: Path
    trusted_root: Path
    ephemeral: bool = False
    """True for a key made for one rehearsal."""

    @property
    def title(self) -> str:
        """Return what the note says."""
        return "a key made for this run and deleted with it" if self.ephemeral else "the configured key"


class IdentitySigner(msgspec.Struct, frozen=True, kw_only=True):
    """A signer that proves who it is with a short-lived token."""

    secrets: dict[str, str] = {}
    """`ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`, where the runner issues tokens."""
    token_file: Path | None = None
    signing_config: Path | None = None
    """None is the public sigstore instance."""
    trusted_root: Path | None = None

    @property
    def title(self) -> str:
        """Return what the note says."""
        return "the job's identity token" if self.token_file is None else "the identity token in the configured file"


class KeyVerifier(msgspec.Struct, frozen=True, kw_only=True):
    """A verifier that holds a public key."""

    public_key: Path


class IdentityVerifier(msgspec.Struct, frozen=True, kw_only=True):
    """A verifier that expects exactly one identity and issuer; patterns are refused."""

    identity: str
    issuer: str
    trusted_root: Path | None = None


Signer = KeySigner | IdentitySigner
Verifier = KeyVerifier | IdentityVerifier


class Cosign:
    """The pinned cosign with its two roles."""

    def __init__(self, path: Path, version: str, *, processes: ProcessRunner, env: Mapping[str, str]) -> None:
        self._path = path
        self._version = version
        self._processes = processes
        self._env = {name: env[name] for name in _KEPT if name in env}
        self._home = env.get("HOME", "")

    def generate_keys(self, folder: Path) -> KeySigner:
        """Make a key pair without a password for one rehearsal; the caller deletes the folder."""
        self._need(["generate-key-pair"], {"COSIGN_PASSWORD": ""}, cwd=folder)
        signer = self.key_signer(str(folder / "cosign.key"), folder, {"COSIGN_PASSWORD": ""})
        return msgspec.structs.replace(signer, ephemeral=True)

    def key_signer(self, key: str, folder: Path, secrets: Mapping[str, str]) -> KeySigner:
        """Return a signer by key that asks no log, no authority and no network but the registry."""
        config, root = folder / "signing-config.json", folder / "trusted-root.json"
        self._need(["signing-config", "create", "--out", str(config)])
        self._need(["trusted-root", "create", "--out", str(root)])
        return KeySigner(key=key, secrets=dict(secrets), signing_config=config, trusted_root=root)

    def public_key(self, signer: KeySigner, out: Path) -> Path:
        """Write the public half of a signer's key."""
        self._need(["public-key", "--key", signer.key, "--outfile", str(out)], signer.secrets)
        return out

    def sign(self, reference: str, signer: Signer) -> None:
        """Sign `registry/repository@sha256:…`.

        Raises:
            ConfigurationError: the reference has no digest.
            ToolFailed: cosign refused, or could not reach what it needs.
        """
        need_digest(reference)
        argv = ["sign", "--yes"]
        extra = dict(signer.secrets)
        if isinstance(signer, KeySigner):
            argv += ["--key", signer.key]
        elif signer.token_file is not None:
            argv += ["--identity-token", str(signer.token_file)]
        elif not all(signer.secrets.get(name) for name in _TOKEN_NAMES):
            raise ConfigurationError(
                "there is no identity to sign with",
                why="this job may not ask for an identity token, and no `identity-token-file` is set",
                fix="give the job `permissions: id-token: write`, or sign with a key",
            )
        if signer.signing_config is not None:
            argv += ["--signing-config", str(signer.signing_config)]
        if signer.trusted_root is not None:
            argv += ["--trusted-root", str(signer.trusted_root)]
        self._need([*argv, reference], extra, fix="see the message; the registry must accept a push from this job")

    def verify(self, reference: str, verifier: Verifier, *, home: Path) -> Signature:
        """Return whether a signature for exactly this digest verifies; never raises for a bad signature.

        `home` is an empty folder: the verifying process finds no key, token or cache in it.

        Raises:
            ConfigurationError: the reference has no digest, or an identity is empty or a pattern.
            ToolMissing: cosign cannot be started.
        """
        need_digest(reference)
        argv = [*_verify_words(verifier), reference]
        env = {**self._env, "HOME": str(home), "COSIGN_YES": "true"}
        if "DOCKER_CONFIG" not in env and self._home:
            env["DOCKER_CONFIG"] = str(Path(self._home) / ".docker")
        done = self._processes.run([str(self._path), *argv], env=env, timeout_s=_TIMEOUT_S)
        message = _problem(done, digest_of(reference))
        by_key = isinstance(verifier, KeyVerifier)
        return Signature(
            method="key" if by_key else "identity",
            identity="" if isinstance(verifier, KeyVerifier) else verifier.identity,
            issuer="" if isinstance(verifier, KeyVerifier) else verifier.issuer,
            verified=not message,
            verifier=f"cosign {self._version}",
            message=message or f"signature verified for {digest_of(reference)}",
            command=consumer_command(reference, verifier),
        )

    def _need(
        self, words: list[str], extra: Mapping[str, str] | None = None, *, cwd: Path | None = None, fix: str = ""
    ) -> Completed:
        env = {**self._env, "HOME": self._home, **(extra or {})}
        done = self._processes.run([str(self._path), *words], env=env, cwd=cwd, timeout_s=_TIMEOUT_S)
        if not done.ok:
            raise ToolFailed(
                f"cosign {words[0]} failed",
                where=f"cosign {' '.join(words)}",
                why="it took too long" if done.timed_out else done.tail(4),
                fix=fix,
            )
        return done


def need_digest(reference: str) -> None:
    """Refuse a reference without a digest: a tag can be moved between the look and the signature.

    Raises:
        ConfigurationError: it has none.
    """
    if not digest_of(reference):
        raise ConfigurationError(
            f"{reference} has no digest",
            why="a tag can be moved; only a digest names one image",
            fix="use registry/repository@sha256:…, as `truegreen image build` prints it",
        )


def consumer_command(reference: str, verifier: Verifier) -> str:
    """Return the command that a consumer pastes; it is the one our verifier ran, files by plain name."""
    plain: Verifier
    if isinstance(verifier, KeyVerifier):
        plain = KeyVerifier(public_key=Path(verifier.public_key.name))
    else:
        root = verifier.trusted_root
        plain = msgspec.structs.replace(verifier, trusted_root=Path(root.name) if root else None)
    return shlex.join(["cosign", *_verify_words(plain), reference])


def _verify_words(verifier: Verifier) -> list[str]:
    """Return the arguments of `cosign verify` before the reference.

    Raises:
        ConfigurationError: identity or issuer is empty or looks like a pattern.
    """
    if isinstance(verifier, KeyVerifier):
        # Without this flag cosign asks the public log, which a signature by key alone never entered.
        return ["verify", "--key", str(verifier.public_key), "--insecure-ignore-tlog=true"]
    for name, value in (("identity", verifier.identity), ("issuer", verifier.issuer)):
        if not value or _REGEXP.search(value):
            raise ConfigurationError(
                f"the expected {name} {value!r} is not one exact value",
                why="a pattern would accept signers nobody meant",
                fix=f"set `{name}` to the exact value in the signer's certificate",
            )
    words = ["verify", "--certificate-identity", verifier.identity, "--certificate-oidc-issuer", verifier.issuer]
    if verifier.trusted_root is not None:
        # A private root names a timestamp authority: without the flag its time is not checked against the certificate.
        words += ["--trusted-root", str(verifier.trusted_root), "--use-signed-timestamps"]
    return words


def _problem(done: Completed, digest: str) -> str:
    """Return why nothing is verified, or an empty string."""
    if done.timed_out:
        return "cosign took too long"
    if not done.ok:
        detail = done.tail(3).replace("\n", " ")
        cause = _CAUSES.get(done.exit_code or 0, "the signature does not verify")
        return f"{cause}: {detail}"
    digests = set()
    for line in done.stdout.splitlines():
        digests |= _digests(line)
    if not digests:
        return "cosign ended with 0 but printed no signature"
    if digests != {digest}:
        return f"the signature is for {', '.join(sorted(digests))}"
    return ""


def _digests(line: str) -> set[str]:
    """Return the digests that the payloads on a line of output are for."""
    if not line.startswith(("[", "{")):
        return set()
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return set()
    return {
        str(item["critical"]["image"]["docker-manifest-digest"])
        for item in (found if isinstance(found, list) else [found])
        if isinstance(item, dict) and "critical" in item
    }
