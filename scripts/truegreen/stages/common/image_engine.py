"""Finding something that can build a container image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.runtime.process import which

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import ProcessRunner

_PROBE_S = 20.0


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """A program that builds images."""

    name: str
    """`docker` or `buildah`."""
    path: str
    version: str
    buildkit: bool = False

    @property
    def title(self) -> str:
        """Return name and version for the record."""
        return f"{self.name} {self.version}"


def find_builder(processes: ProcessRunner, env: Mapping[str, str]) -> Builder | str:
    """Return docker where an engine answers, else buildah, else the reason why there is neither."""
    path = env.get("PATH")
    why_docker = "docker is not on PATH"
    if docker := which("docker", path):
        engine = processes.run([docker, "version", "--format", "{{.Server.Version}}"], env=env, timeout_s=_PROBE_S)
        if engine.ok and engine.stdout.strip():
            buildx = processes.run([docker, "buildx", "version"], env=env, timeout_s=_PROBE_S)
            return Builder(name="docker", path=docker, version=engine.stdout.strip(), buildkit=buildx.ok)
        why_docker = engine.tail(1) or "docker gives no answer"
    why_buildah = "buildah is not on PATH"
    if buildah := which("buildah", path):
        done = processes.run([buildah, "--version"], env=env, timeout_s=_PROBE_S)
        if done.ok:
            return Builder(name="buildah", path=buildah, version=_number(done.stdout))
        why_buildah = done.tail(1)
    return f"no container engine ({why_docker}) and no daemonless builder ({why_buildah})"


def _number(text: str) -> str:
    found = re.search(r"\d+(?:\.\d+)+", text)
    return found[0] if found else text.strip()
