"""Signing by key and by identity, and every way in which it must not verify."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest

from truegreen.errors import ConfigurationError, ToolFailed
from truegreen.stages.common.image_cosign import (
    IdentitySigner,
    IdentityVerifier,
    KeySigner,
    KeyVerifier,
    consumer_command,
)
from truegreen.stages.common.image_registry import digest_of, repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.image.conftest import Bench
    from tests.support.trust_domain import TrustDomain

pytestmark = pytest.mark.slow
NOWHERE = f"sha256:{'0' * 64}"


def key_pair(bench: Bench, folder: Path) -> tuple[KeySigner, KeyVerifier]:
    signer = bench.cosign.generate_keys(folder)
    return signer, KeyVerifier(public_key=bench.cosign.public_key(signer, folder / "public.pem"))


def by_token(domain: TrustDomain, folder: Path, **claims: str) -> IdentitySigner:
    token = folder / "token"
    token.write_text(domain.issuer.mint(**claims))
    return IdentitySigner(token_file=token, signing_config=domain.signing_config, trusted_root=domain.trusted_root)


def expecting(domain: TrustDomain, **changes: str) -> IdentityVerifier:
    verifier = IdentityVerifier(identity=domain.identity, issuer=domain.issuer_url, trusted_root=domain.trusted_root)
    return msgspec.structs.replace(verifier, **changes)


def test_signature_by_key_verifies_for_its_digest(bench: Bench, tmp_path: Path) -> None:
    signer, verifier = key_pair(bench, tmp_path)
    reference = bench.push("signed")
    bench.cosign.sign(reference, signer)
    found = bench.cosign.verify(reference, verifier, home=bench.home("key"))
    assert found.verified, found.message
    assert found.method == "key"
    assert digest_of(reference) in found.command
    assert not list(bench.home("key").rglob("*.key"))


def test_consumer_command_verifies_as_printed(bench: Bench, tmp_path: Path) -> None:
    signer, verifier = key_pair(bench, tmp_path)
    reference = bench.push("pasted")
    bench.cosign.sign(reference, signer)
    command = consumer_command(reference, verifier)
    env = {"PATH": f"{bench.cosign_path.parent}:/usr/bin:/bin", "HOME": str(bench.home("consumer"))}
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert digest_of(reference) in done.stdout


def test_wrong_key_is_not_verified(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    signer, _ = key_pair(bench, tmp_path)
    _, stranger = key_pair(bench, tmp_path / "other")
    reference = bench.push("wrong-key")
    bench.cosign.sign(reference, signer)
    found = bench.cosign.verify(reference, stranger, home=bench.home("stranger"))
    assert not found.verified
    assert "does not verify" in found.message


def test_unsigned_image_is_not_verified(bench: Bench, tmp_path: Path) -> None:
    _, verifier = key_pair(bench, tmp_path)
    found = bench.cosign.verify(bench.push("unsigned", b"never signed"), verifier, home=bench.home("unsigned"))
    assert not found.verified
    assert "no signature" in found.message


def test_image_pushed_over_the_signed_tag_is_not_verified(bench: Bench, tmp_path: Path) -> None:
    signer, verifier = key_pair(bench, tmp_path)
    bench.cosign.sign(bench.push("tampered", b"good"), signer)
    replaced = bench.push("tampered", b"evil")
    found = bench.cosign.verify(replaced, verifier, home=bench.home("tampered"))
    assert not found.verified


def test_digest_that_does_not_exist_is_not_verified(bench: Bench, tmp_path: Path) -> None:
    signer, verifier = key_pair(bench, tmp_path)
    reference = bench.push("exists")
    bench.cosign.sign(reference, signer)
    found = bench.cosign.verify(f"{repository(reference)}@{NOWHERE}", verifier, home=bench.home("nowhere"))
    assert not found.verified


def test_registry_that_is_gone_is_not_verified(bench: Bench, tmp_path: Path) -> None:
    _, verifier = key_pair(bench, tmp_path)
    found = bench.cosign.verify(f"127.0.0.1:9/app@{NOWHERE}", verifier, home=bench.home("gone"))
    assert not found.verified
    assert found.message


def test_tag_instead_of_digest_is_refused(bench: Bench, tmp_path: Path) -> None:
    signer, verifier = key_pair(bench, tmp_path)
    with pytest.raises(ConfigurationError, match="no digest"):
        bench.cosign.sign(f"{bench.registry}/signed:1", signer)
    with pytest.raises(ConfigurationError, match="no digest"):
        bench.cosign.verify(f"{bench.registry}/signed:1", verifier, home=bench.home("tag"))


def test_signature_by_identity_verifies_for_exact_identity_and_issuer(
    bench: Bench, domain: TrustDomain, tmp_path: Path
) -> None:
    reference = bench.push("identity")
    bench.cosign.sign(reference, by_token(domain, tmp_path))
    found = bench.cosign.verify(reference, expecting(domain), home=bench.home("identity"))
    assert found.verified, found.message
    assert found.identity == domain.identity
    assert "--use-signed-timestamps" in found.command


def test_identity_comes_from_the_runner_where_it_issues_tokens(bench: Bench, domain: TrustDomain) -> None:
    reference = bench.push("ambient")
    signer = IdentitySigner(
        secrets=domain.runner_env(), signing_config=domain.signing_config, trusted_root=domain.trusted_root
    )
    bench.cosign.sign(reference, signer)
    assert bench.cosign.verify(reference, expecting(domain), home=bench.home("ambient")).verified


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "https://github.com/acme/pack/.github/workflows/signed-image.yml@refs/tags/v2"},
        {"identity": "https://github.com/mallory/pack/.github/workflows/signed-image.yml@refs/tags/v1"},
        {"identity": "https://github.com/acme/pack"},
        {"issuer": "https://token.actions.githubusercontent.com"},
    ],
)
def test_other_identity_or_issuer_is_not_verified(
    bench: Bench, domain: TrustDomain, tmp_path: Path, changes: dict[str, str]
) -> None:
    reference = bench.push("expected", b"one")
    bench.cosign.sign(reference, by_token(domain, tmp_path))
    found = bench.cosign.verify(reference, expecting(domain, **changes), home=bench.home("expected"))
    assert not found.verified
    assert found.message


def test_signature_of_another_workflow_is_not_verified(bench: Bench, domain: TrustDomain, tmp_path: Path) -> None:
    reference = bench.push("stranger", b"strange")
    other = "mallory/pack/.github/workflows/signed-image.yml@refs/tags/v1"
    bench.cosign.sign(reference, by_token(domain, tmp_path, job_workflow_ref=other))
    assert not bench.cosign.verify(reference, expecting(domain), home=bench.home("mallory")).verified


def test_signature_by_key_does_not_pass_for_an_identity(bench: Bench, domain: TrustDomain, tmp_path: Path) -> None:
    signer, _ = key_pair(bench, tmp_path)
    reference = bench.push("key-only", b"key only")
    bench.cosign.sign(reference, signer)
    assert not bench.cosign.verify(reference, expecting(domain), home=bench.home("key-only")).verified


@pytest.mark.parametrize("value", ["", "https://github.com/acme/.*", "^https://github.com/acme/app$"])
def test_pattern_or_empty_identity_is_refused(bench: Bench, domain: TrustDomain, value: str) -> None:
    with pytest.raises(ConfigurationError, match="exact"):
        bench.cosign.verify(
            f"{bench.registry}/app@{NOWHERE}", expecting(domain, identity=value), home=bench.home("pattern")
        )


def test_token_for_somebody_else_is_refused_by_the_authority(bench: Bench, domain: TrustDomain, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match="cosign sign failed"):
        bench.cosign.sign(bench.push("audience"), by_token(domain, tmp_path, aud="elsewhere"))


def test_job_without_token_permission_says_so(bench: Bench) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bench.cosign.sign(f"{bench.registry}/app@{NOWHERE}", IdentitySigner())
    assert "id-token: write" in caught.value.fix
