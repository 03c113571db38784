"""The image of a push is judged, published, signed by identity and verified, each in a job of its own."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.real import pipeline
from tests.support.small_image import DOCKERFILE, make_project
from tests.support.trust_domain import TrustDomain, trust_domain

from truegreen.runtime import environ
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.stages.common import image_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.act import ActRun

pytestmark = [pytest.mark.real, pytest.mark.docker, pytest.mark.slow]
WORKFLOW = f"""\
name: Release
on: [push, pull_request]
permissions: {{}}
jobs:
  image:
    permissions: {{contents: read, packages: write, id-token: write}}
    uses: {pipeline.SLUG}/.github/workflows/signed-image.yml@{pipeline.REF}
"""
PYPROJECT = """
[project]
name = "small"
version = "1"

[tool.truegreen.signed-image]
name = "small"
tag = "v1"
registry = "{registry}/acme"
identity = "{identity}"
issuer = "{issuer}"
signing-config = "signing-config.json"
trusted-root = "trusted-root.json"
"""


@pytest.fixture(scope="module")
def tools() -> Toolchain:
    """The tools of the host, with all that the job takes from there: it has no Go to build them."""
    made = Toolchain(environ.current(), ProcessRunner(), Console(quiet=True))
    for name in ("crane", "cosign", "syft"):
        made.path(name)
    return made


@pytest.fixture(scope="module")
def registry(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("registry")
    with image_registry.rehearsal_registry(
        tools.path("crane"),
        folder / "data",
        processes=ProcessRunner(),
        env=environ.current(),
        clock=Clock(),
        log=folder / "registry.log",
    ) as address:
        yield address


@pytest.fixture(scope="module")
def domain(tools: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustDomain]:
    with trust_domain(tmp_path_factory.mktemp("domain"), tools.path("cosign")) as running:
        yield running


@pytest.fixture(scope="module")
def caller(registry: str, domain: TrustDomain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("release") / "caller")
    text = PYPROJECT.format(registry=registry, identity=domain.identity, issuer=domain.issuer_url)
    (root / "pyproject.toml").write_text(text)
    for path in (domain.signing_config, domain.trusted_root):
        (root / path.name).write_bytes(path.read_bytes())
    workflow = root / ".github" / "workflows" / "release.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(WORKFLOW)
    return root


@pytest.fixture(scope="module")
def released(caller: Path, domain: TrustDomain, run_caller: Callable[..., ActRun]) -> ActRun:
    return run_caller(caller, pipeline.push(), env=domain.runner_env(), secrets={"GITHUB_TOKEN": pipeline.GITHUB_TOKEN})


def test_image_of_a_push_is_judged_published_and_verified(released: ActRun, registry: str) -> None:
    assert released.jobs == dict.fromkeys(("signed-image", "publish", "verify"), "success")
    judged = pipeline.read(released, "truegreen-signed-image", "image.json")
    published = released.outputs["publish.publish"]["reference"]
    assert published == f"{registry}/acme/small@{judged['digest']}"
    assert released.outputs["verify.verify"]["reference"] == published
    assert pipeline.GITHUB_TOKEN not in released.raw


def test_published_image_verifies_for_a_consumer_and_only_for_the_signer(
    released: ActRun, tools: Toolchain, domain: TrustDomain, tmp_path: Path
) -> None:
    reference = released.outputs["publish.publish"]["reference"]
    assert consumer(tools, domain, domain.identity, reference, tmp_path).returncode == 0
    assert consumer(tools, domain, domain.identity.replace("acme", "mallory"), reference, tmp_path).returncode != 0


def test_image_of_a_pull_request_is_judged_and_not_published(
    caller: Path, domain: TrustDomain, run_caller: Callable[..., ActRun]
) -> None:
    rehearsed = run_caller(caller, pipeline.pull_request(), env=domain.runner_env())
    assert rehearsed.jobs == {"signed-image": "success"}


def test_image_that_runs_as_root_is_red_and_not_published(
    caller: Path, domain: TrustDomain, run_caller: Callable[..., ActRun], tmp_path: Path
) -> None:
    careless = tmp_path / "careless"
    shutil.copytree(caller, careless)
    (careless / "Dockerfile").write_text(DOCKERFILE.replace("USER 10001", "USER root"))
    refused = run_caller(careless, pipeline.push(), env=domain.runner_env())
    assert refused.jobs == {"signed-image": "failure"}
    assert "the image runs as root" in refused.log


def consumer(
    tools: Toolchain, domain: TrustDomain, identity: str, reference: str, home: Path
) -> subprocess.CompletedProcess[str]:
    argv = [str(tools.path("cosign")), "verify", "--certificate-identity", identity]
    argv += ["--certificate-oidc-issuer", domain.issuer_url, "--trusted-root", str(domain.trusted_root)]
    argv += ["--use-signed-timestamps", reference]
    return subprocess.run(argv, env={"HOME": str(home)}, capture_output=True, text=True, check=False)
