"""The whole stage on a real engine, and its honest skips."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.engine import ensure_builder, ensure_engine
from tests.support import evidence as good
from tests.support.small_image import make_project, pack
from tests.support.stage_contexts import stage_context

from truegreen.errors import ConfigurationError, ToolFailed
from truegreen.gates.image_verified import ImageVerified, ImageVerifiedOptions
from truegreen.ingest.image import ImageReader
from truegreen.model.verdict import Status
from truegreen.stages.common.image_flow import IMAGE_FILE
from truegreen.stages.common.image_registry import digest_of
from truegreen.stages.common.options import ImageOptions
from truegreen.stages.signed_image import SignedImage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.image.conftest import Bench
    from tests.support.trust_domain import TrustDomain

    from truegreen.model.image import ImageRecord
    from truegreen.stages.common.context import StageContext, StageOutcome

pytestmark = [pytest.mark.slow, pytest.mark.docker]


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    ensure_engine()
    yield
    tags = [f"truegreen-image/{name}:current" for name in ("my-app", "other", "by-key")]
    subprocess.run(["docker", "rmi", "-f", *tags], check=False, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "My App")


def run(root: Path, **options: object) -> tuple[StageContext, StageOutcome, ImageRecord]:
    context = stage_context(root, ImageOptions(**options), stage="signed-image")  # type: ignore[arg-type]
    outcome = SignedImage().run(context)
    assert outcome.files == ((IMAGE_FILE, "image"),)
    return context, outcome, ImageReader().read(context.out / IMAGE_FILE, root)


def test_rehearsal_builds_describes_pushes_signs_and_verifies(project: Path) -> None:
    context, outcome, record = run(project, build_args={"MARK": "$NOT_SET_ANYWHERE"})
    assert record.reference.startswith("127.0.0.1:")
    assert record.reference.endswith("/my-app:rehearsal")
    assert record.digest.startswith("sha256:")
    assert record.user == "10001"
    assert record.size_bytes > 0
    assert record.secrets_found == ()
    assert (record.sbom_format, record.sbom_components) == ("CycloneDX 1.6", 1)
    sbom = json.loads((context.out / record.sbom).read_text())
    assert sbom["components"][0]["name"] == "sample"
    [signature] = record.signatures
    assert (signature.method, signature.verified) == ("key", True), signature.message
    assert (context.out / "cosign.pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")
    assert any(note.startswith("rehearsal: local registry") for note in outcome.notes)
    assert "signed with a key made for this run and deleted with it" in outcome.notes
    assert not [
        path for path in context.out.rglob("*") if b"PRIVATE KEY" in (path.read_bytes() if path.is_file() else b"")
    ]


def test_image_as_root_with_secrets_is_described_as_such(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\nADD root.tar /\n")
    (project / ".dockerignore").unlink()
    pack(project, {"app/.env": b"PASSWORD=1", "app/tls.key": b"x", "etc/ssl/certs/ca.pem": b"public"})
    _, outcome, record = run(project)
    assert record.user == ""
    assert record.secrets_found == ("app/.env", "app/tls.key")
    assert any("no .dockerignore" in note for note in outcome.notes)


@pytest.mark.parametrize(("uid", "status"), [(0, Status.FAIL), (1000, Status.PASS)])
def test_named_user_is_judged_by_its_number_in_the_image(project: Path, uid: int, status: Status) -> None:
    (project / "Dockerfile").write_text("FROM scratch\nADD root.tar /\nCOPY passwd /etc/passwd\nUSER app\n")
    (project / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\napp:x:{uid}:0::/:/bin/sh\n")
    _, _, record = run(project)
    assert (record.user, record.uid) == ("app", uid)
    judged = good.run(good.stage("signed-image", image=record))
    verdict = ImageVerified().evaluate(judged, "signed-image", ImageVerifiedOptions(), good.NO_HISTORY)
    assert verdict.status is status


def test_image_is_pushed_to_the_given_registry_and_signed_by_identity(
    project: Path, bench: Bench, domain: TrustDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in domain.runner_env().items():
        monkeypatch.setenv(name, value)
    _, outcome, record = run(
        project,
        registry=f"{bench.registry}/acme",
        tag="v1",
        identity=domain.identity,
        issuer=domain.issuer_url,
        signing_config=str(domain.signing_config),
        trusted_root=str(domain.trusted_root),
    )
    assert record.reference == f"{bench.registry}/acme/my-app:v1"
    [signature] = record.signatures
    assert (signature.method, signature.verified, signature.identity) == ("identity", True, domain.identity)
    assert not any("rehearsal" in note for note in outcome.notes)
    assert digest_of(signature.command.split()[-1]) == record.digest


def test_identity_other_than_expected_is_recorded_as_not_verified(
    project: Path, bench: Bench, domain: TrustDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in domain.runner_env().items():
        monkeypatch.setenv(name, value)
    _, _, record = run(
        project,
        registry=bench.registry,
        name="other",
        identity=domain.identity.replace("acme", "mallory"),
        issuer=domain.issuer_url,
        signing_config=str(domain.signing_config),
        trusted_root=str(domain.trusted_root),
    )
    [signature] = record.signatures
    assert not signature.verified
    assert signature.message


def test_token_without_expected_identity_is_a_configuration_error(
    project: Path, bench: Bench, domain: TrustDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in domain.runner_env().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="identity that must have signed"):
        run(project, registry=bench.registry)


def test_image_is_signed_by_the_key_of_the_environment(
    project: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cosign.generate_keys(tmp_path)
    monkeypatch.setenv("COSIGN_PRIVATE_KEY", (tmp_path / "cosign.key").read_text())
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    context, outcome, record = run(project, registry=bench.registry, name="by-key")
    [signature] = record.signatures
    assert (signature.method, signature.verified) == ("key", True), signature.message
    assert "signed with the configured key" in outcome.notes
    assert (context.out / "cosign.pub").read_text() == (tmp_path / "cosign.pub").read_text()


def test_registry_without_key_or_token_is_a_configuration_error(project: Path, bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="nothing to sign"):
        run(project, registry=bench.registry)
    assert not (project / ".truegreen" / "signed-image" / "build.log").exists()


def test_build_that_fails_tells_the_end_of_its_log(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM scratch\nCOPY no-such-file /\n")
    with pytest.raises(ToolFailed, match="could not be built") as caught:
        run(project)
    assert "no-such-file" in caught.value.why


def test_registry_that_does_not_answer_fails_the_push(
    project: Path, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cosign.generate_keys(tmp_path)
    monkeypatch.setenv("COSIGN_PRIVATE_KEY", (tmp_path / "cosign.key").read_text())
    with pytest.raises(ToolFailed, match="could not be pushed"):
        run(project, registry="127.0.0.1:9")


def test_project_without_dockerfile_is_skipped(tmp_path: Path) -> None:
    context = stage_context(tmp_path, ImageOptions(), stage="signed-image")
    assert SignedImage().run(context).skipped == "there is no Dockerfile"


def test_machine_without_engine_and_builder_is_skipped_with_both_reasons(project: Path, tmp_path: Path) -> None:
    context = stage_context(project, ImageOptions(), stage="signed-image", env={"PATH": str(tmp_path)})
    skipped = SignedImage().run(context).skipped
    assert "docker is not on PATH" in skipped
    assert "buildah is not on PATH" in skipped


def test_buildah_builds_where_there_is_no_engine(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "buildah").symlink_to(ensure_builder())
    (folder / "git").symlink_to(str(shutil.which("git")))
    context = stage_context(project, ImageOptions(), stage="signed-image", env={"PATH": str(folder)})
    SignedImage().run(context)
    record = ImageReader().read(context.out / IMAGE_FILE, project)
    assert record.builder.startswith("buildah")
    assert record.user == "10001"
    assert record.signatures[0].verified
