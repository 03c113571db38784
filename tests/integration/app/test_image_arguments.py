"""`truegreen image`: what is refused before any tool is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from truegreen.errors import EXIT_CONFIGURATION, EXIT_ENGINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.app_desk import Desk

PINNED = f"registry.example/app@sha256:{'d' * 64}"


@pytest.mark.parametrize("command", ["sign", "verify"])
@pytest.mark.parametrize("reference", ["app", "app:1", "app@sha256:abc", f"app@sha256:{'D' * 64}", f"{PINNED} x", ""])
def test_image_reference_without_a_digest_is_refused(desk: Desk, command: str, reference: str) -> None:
    ended = desk.run("image", command, reference, *(("--key", "k") if command == "verify" else ()))
    assert (ended.code, "error TG106" in ended.err) == (EXIT_CONFIGURATION, True)
    assert "names no digest" in ended.err


@pytest.mark.parametrize("argv", [(), ("--identity", "a@example.org"), ("--issuer", "https://issuer.example")])
def test_image_verify_without_a_key_or_an_exact_signer_is_refused(desk: Desk, argv: tuple[str, ...]) -> None:
    ended = desk.run("image", "verify", PINNED, *argv)
    assert (ended.code, "error TG106" in ended.err) == (EXIT_CONFIGURATION, True)
    assert "--key FILE" in ended.err


@pytest.mark.parametrize("command", ["sign", "verify"])
def test_image_without_a_reference_is_refused(desk: Desk, command: str) -> None:
    assert desk.run("image", command).code == EXIT_CONFIGURATION


def test_image_build_without_an_engine_is_an_engine_error(desk: Desk, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to("/usr/bin/git")
    desk.env(PATH=str(tools), DOCKER_HOST="unix:///nowhere.sock")
    ended = desk.run("image", "build")
    assert (ended.code, "error TG303" in ended.err) == (EXIT_ENGINE, True)
