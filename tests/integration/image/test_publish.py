"""`truegreen image publish`: only what was judged green reaches the registry, under the digest that was judged."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.engine import ensure_engine
from tests.support.guarded_registry import guarded
from tests.support.small_image import make_project

from truegreen.__main__ import main
from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.stages.common.image_flow import ARCHIVE_FILE, IMAGE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.image.conftest import Bench
    from tests.support.trust_domain import TrustDomain

PASSWORD = "registry-password-0123456789"
pytestmark = [pytest.mark.slow, pytest.mark.docker]
CONFIGURATION = """
[project]
name = "small"
version = "1"

[tool.truegreen.signed-image]
name = "small"
keep-archive = true
issuer = "{issuer}"
signing-config = "{signing_config}"
trusted-root = "{trusted_root}"
"""


@pytest.fixture(scope="module")
def built(domain: TrustDomain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose image was built and judged; tests work on copies of its evidence."""
    ensure_engine()
    root = make_project(tmp_path_factory.mktemp("publish") / "small")
    text = CONFIGURATION.format(
        issuer=domain.issuer_url, signing_config=domain.signing_config, trusted_root=domain.trusted_root
    )
    (root / "pyproject.toml").write_text(text)
    (root / ".gitignore").write_text(".truegreen/\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    assert main(["run", "signed-image", "-C", str(root), "-q"]) == EXIT_OK
    return root


@pytest.fixture
def job(domain: TrustDomain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process what a job gets that may ask for an identity."""
    for name, value in domain.runner_env().items():
        monkeypatch.setenv(name, value)


def evidence(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / ".truegreen" / "signed-image" / IMAGE_FILE).read_text())
    return document


def publish(root: Path, registry: str, *options: str) -> int:
    return main(["image", "publish", "-C", str(root), "--set", f"signed-image.registry={registry}", *options])


@pytest.mark.usefixtures("job")
def test_judged_image_is_published_signed_and_verified_by_the_identity_of_the_job(
    built: Path, bench: Bench, domain: TrustDomain, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = f"{bench.registry}/acme"
    assert publish(built, registry, "--json") == EXIT_OK
    record = json.loads(capsys.readouterr().out)
    assert record["digest"] == evidence(built)["digest"]
    assert record["reference"] == f"{registry}/{evidence(built)['reference'].partition('/')[2]}"
    [signature] = record["signatures"]
    assert (signature["verified"], signature["identity"]) == (True, domain.identity)
    pinned = f"{registry}/small@{record['digest']}"
    arguments = ["image", "verify", pinned, "-C", str(built), "--issuer", domain.issuer_url, "--identity"]
    assert main([*arguments, domain.identity]) == EXIT_OK
    assert main([*arguments, domain.identity.replace("acme", "mallory")]) == EXIT_GATE_FAILED


@pytest.mark.usefixtures("job")
def test_archive_that_changed_after_it_was_judged_is_not_pushed(
    built: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = built / ".truegreen" / "signed-image" / ARCHIVE_FILE
    content = archive.read_bytes()
    try:
        archive.write_bytes(content + b"\0" * 512)
        assert publish(built, f"{bench.registry}/changed") == EXIT_EVIDENCE
    finally:
        archive.write_bytes(content)
    assert f"{ARCHIVE_FILE} changed after its stage ended" in capsys.readouterr().err
    assert not pushed(bench, "changed/small")


@pytest.mark.usefixtures("job")
def test_image_whose_gate_is_red_is_not_pushed(built: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    demanding = ["--set", "gates.image-verified.min-signatures=5"]
    assert publish(built, f"{bench.registry}/red", *demanding) == EXIT_GATE_FAILED
    assert "signed-image" in capsys.readouterr().err
    assert not pushed(bench, "red/small")


def test_folder_without_evidence_is_blind(built: Path, bench: Bench, tmp_path: Path) -> None:
    assert publish(built, f"{bench.registry}/none", "--evidence", str(tmp_path)) == EXIT_EVIDENCE


@pytest.mark.usefixtures("job")
def test_project_without_a_registry_says_what_to_set(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(built, "") == EXIT_CONFIGURATION
    assert 'registry = "ghcr.io/acme"' in capsys.readouterr().err


def test_job_without_key_and_identity_pushes_nothing(
    built: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(built, f"{bench.registry}/unsigned") == EXIT_CONFIGURATION
    assert "nothing to sign the image with" in capsys.readouterr().err
    assert not pushed(bench, "unsigned/small")


@pytest.mark.usefixtures("job")
def test_credentials_of_the_registry_come_by_the_environment_and_are_not_kept(
    built: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(bench.registry, "octo", PASSWORD) as door:
        assert publish(built, f"{door}/guarded") == EXIT_ENGINE
        monkeypatch.setenv("TRUEGREEN_REGISTRY_USER", "octo")
        monkeypatch.setenv("TRUEGREEN_REGISTRY_TOKEN", PASSWORD)
        assert publish(built, f"{door}/guarded") == EXIT_OK, capsys.readouterr().err
    assert pushed(bench, "guarded/small")
    printed = capsys.readouterr()
    assert PASSWORD not in printed.out + printed.err
    secret = base64.b64encode(f"octo:{PASSWORD}".encode())
    kept = [path for path in (built / ".truegreen").rglob("*") if path.is_file() and path.name != ARCHIVE_FILE]
    assert [path for path in kept if secret in path.read_bytes()] == []


def pushed(bench: Bench, repository: str) -> bool:
    listed = subprocess.run(
        [bench.crane, "ls", f"{bench.registry}/{repository}"], capture_output=True, text=True, check=False
    )
    return listed.returncode == 0 and bool(listed.stdout.split())
