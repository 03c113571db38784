"""A registry, a pushed image, and signing tools for the tests of this folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.support.trust_domain import TrustDomain, trust_domain

from truegreen.runtime import environ
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.stages.common import image_registry
from truegreen.stages.common.image_cosign import Cosign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Bench:
    """Tools and a registry."""

    cosign: Cosign
    cosign_path: Path
    crane: Path
    registry: str
    folder: Path
    processes: ProcessRunner

    def push(self, repository: str, content: bytes = b"hello") -> str:
        """Push a one-file image and return it by digest."""
        layer, archive = self.folder / f"{repository}.tar", self.folder / f"{repository}-image.tar"
        with tarfile.open(layer, "w") as tar:
            member = tarfile.TarInfo("hello.txt")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        reference = f"{self.registry}/{repository}:1"
        append = [self.crane, "append", "--new_layer", layer, "--new_tag", reference, "--output", archive]
        subprocess.run(append, check=True, capture_output=True)
        return image_registry.push(self.crane, archive, reference, processes=self.processes, env=environ.current())

    def home(self, name: str) -> Path:
        """Return an empty home folder for a verifier."""
        path = self.folder / "homes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("image")
    env, processes = environ.current(), ProcessRunner()
    tools = Toolchain(env, processes, Console(quiet=True))
    crane, cosign = tools.path("crane"), tools.path("cosign")
    signer = Cosign(cosign, tools.version("cosign"), processes=processes, env=env)
    with image_registry.rehearsal_registry(
        crane, folder / "registry", processes=processes, env=env, clock=Clock(), log=folder / "registry.log"
    ) as address:
        yield Bench(signer, cosign, crane, address, folder, processes)


@pytest.fixture(scope="module")
def domain(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustDomain]:
    with trust_domain(tmp_path_factory.mktemp("domain"), bench.cosign_path) as running:
        yield running
