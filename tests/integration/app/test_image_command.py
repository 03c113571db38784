"""`truegreen image sign|verify|publish` by key, on a real registry with the real cosign."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.support.app_desk import read_outputs
from tests.support.app_evidence import leave
from tests.support.evidence import image, signature

from truegreen.errors import EXIT_CONFIGURATION, EXIT_EVIDENCE, EXIT_GATE_FAILED, EXIT_OK
from truegreen.runtime.clock import Clock
from truegreen.runtime.console import Console
from truegreen.runtime.process import ProcessRunner
from truegreen.runtime.toolchain import Toolchain
from truegreen.stages.common import image_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.app_desk import Desk

pytestmark = pytest.mark.slow
PASSWORD = "pass"  # of a key that lives as long as the test


@dataclass(frozen=True)
class Pushed:
    """A one-file image in a registry of its own, and a key pair."""

    reference: str
    """By digest."""
    registry: str
    archive: bytes
    private: str
    public: Path


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    folder, env, processes = tmp_path_factory.mktemp("image"), dict(os.environ), ProcessRunner()
    tools = Toolchain(env, processes, Console(quiet=True))
    crane, layer, archive = tools.path("crane"), folder / "layer.tar", folder / "image.tar"
    with tarfile.open(layer, "w") as tar:
        member = tarfile.TarInfo("hello.txt")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))
    with image_registry.rehearsal_registry(
        crane, folder / "registry", processes=processes, env=env, clock=Clock(), log=folder / "registry.log"
    ) as address:
        words = [crane, "append", "--new_layer", layer, "--new_tag", f"{address}/app:1", "--output", archive]
        subprocess.run(words, check=True, capture_output=True)
        make = [str(tools.path("cosign")), "generate-key-pair"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, env={**env, "COSIGN_PASSWORD": PASSWORD})
        yield Pushed(
            reference=image_registry.push(crane, archive, f"{address}/app:1", processes=processes, env=env),
            registry=address,
            archive=archive.read_bytes(),
            private=(folder / "cosign.key").read_text(),
            public=folder / "cosign.pub",
        )


def with_key(desk: Desk, pushed: Pushed) -> None:
    desk.env(COSIGN_PRIVATE_KEY=pushed.private, COSIGN_PASSWORD=PASSWORD)


def judged(desk: Desk, pushed: Pushed, *, archive: bool = True) -> None:
    """Leave green evidence of the image, as a rehearsal of the stage would."""
    digest = pushed.reference.partition("@")[2]
    signed = signature(command=f"cosign verify rehearsal/app@{digest}")
    record = image(reference="127.0.0.1:1/app:1", digest=digest, signatures=(signed,))
    files = {"image.json": ("image", msgspec.json.encode(record))}
    kept = {"image.tar": ("log", pushed.archive)} if archive else {}
    leave(desk.root / ".truegreen", "signed-image", files | kept, commit=desk.git("rev-parse", "HEAD"))


def test_image_signed_by_key_verifies_and_another_digest_does_not(desk: Desk, pushed: Pushed) -> None:
    key = str(pushed.public)
    unsigned = desk.run("image", "verify", pushed.reference, "--key", key)
    assert (unsigned.code, "NOT verified" in unsigned.err) == (EXIT_GATE_FAILED, True)

    with_key(desk, pushed)
    signed = desk.run("image", "sign", pushed.reference, "--json")
    assert (signed.code, signed.json["verified"]) == (EXIT_OK, True)
    assert "PRIVATE KEY" not in signed.out + signed.err

    shown = desk.run("image", "verify", pushed.reference, "--key", key, "--json")
    assert (shown.code, shown.json["verified"]) == (EXIT_OK, True)
    other = pushed.reference[:-64] + "0" * 64
    assert desk.run("image", "verify", other, "--key", key).code == EXIT_GATE_FAILED


def test_image_sign_with_nothing_to_sign_with_is_a_configuration_error(desk: Desk, pushed: Pushed) -> None:
    ended = desk.run("image", "sign", pushed.reference)
    assert ended.code == EXIT_CONFIGURATION
    assert "nothing to sign" in ended.err


def test_image_that_was_judged_is_published_under_the_name_of_the_registry(desk: Desk, pushed: Pushed) -> None:
    judged(desk, pushed)
    with_key(desk, pushed)
    ended = desk.run("image", "publish", "--json", "--set", f"signed-image.registry={pushed.registry}/acme")
    assert ended.code == EXIT_OK
    assert ended.json["reference"] == f"{pushed.registry}/acme/app:1"
    assert [one["verified"] for one in ended.json["signatures"]] == [True]
    pinned = f"{pushed.registry}/acme/app@{pushed.reference.partition('@')[2]}"
    assert desk.run("image", "verify", pinned, "--key", str(pushed.public)).code == EXIT_OK


def test_ci_publish_image_writes_the_reference_as_an_output(desk: Desk, pushed: Pushed) -> None:
    judged(desk, pushed)
    with_key(desk, pushed)
    desk.env(TG_SET=f"signed-image.registry={pushed.registry}/ci")
    outputs = desk.outputs()
    assert desk.run("ci", "publish-image").code == EXIT_OK
    assert read_outputs(outputs)["reference"] == f"{pushed.registry}/ci/app@{pushed.reference.partition('@')[2]}"


@pytest.mark.parametrize("command", [("image", "publish"), ("ci", "publish-image")], ids=" ".join)
def test_image_is_not_published_without_green_evidence(desk: Desk, pushed: Pushed, command: tuple[str, ...]) -> None:
    with_key(desk, pushed)
    desk.env(TG_SET=f"signed-image.registry={pushed.registry}/none")
    outputs = desk.outputs()
    assert desk.run(*command).code == EXIT_EVIDENCE
    judged(desk, pushed)
    place = desk.root / ".truegreen" / "signed-image" / "image.tar"
    place.write_bytes(pushed.archive + b"\0" * 512)
    changed = desk.run(*command)
    assert (changed.code, "error TG203" in changed.err) == (EXIT_EVIDENCE, True)
    desk.commit()
    assert desk.run(*command).code == EXIT_EVIDENCE, "evidence of another commit"
    assert not outputs.exists()


def test_image_without_an_archive_or_a_registry_is_explained(desk: Desk, pushed: Pushed) -> None:
    judged(desk, pushed, archive=False)
    lost = desk.run("image", "publish", "--set", f"signed-image.registry={pushed.registry}/none")
    assert (lost.code, "keep-archive=true" in lost.err) == (EXIT_EVIDENCE, True)
    judged(desk, pushed)
    nowhere = desk.run("image", "publish")
    assert (nowhere.code, "registry" in nowhere.err) == (EXIT_CONFIGURATION, True)
