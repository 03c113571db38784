"""Finding a compose v2 command with an engine behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.runtime.process import which

if TYPE_CHECKING:
    from collections.abc import Mapping

    from truegreen.runtime.process import ProcessRunner

_PROBE_S = 20.0


class Compose(msgspec.Struct, frozen=True, kw_only=True):
    """A compose command that can reach an engine."""

    command: tuple[str, ...]
    """`docker compose` or `docker-compose`, by path."""
    docker: str
    version: str
    engine_version: str
    buildkit: bool
    """False means that only the classic builder is there."""

    @property
    def title(self) -> str:
        """Return versions for people."""
        return f"compose {self.version}, engine {self.engine_version}"


def find(processes: ProcessRunner, env: Mapping[str, str]) -> Compose | str:
    """Return the compose command, or the reason why there is none."""
    path = env.get("PATH")
    docker = which("docker", path)
    if docker is None:
        return "docker is not on PATH"
    engine = processes.run([docker, "version", "--format", "{{.Server.Version}}"], env=env, timeout_s=_PROBE_S)
    if not engine.ok or not engine.stdout.strip():
        return f"no container engine answers ({engine.tail(1) or 'no answer'})"
    candidates: list[tuple[str, ...]] = [(docker, "compose")]
    if standalone := which("docker-compose", path):
        candidates.append((standalone,))
    for command in candidates:
        done = processes.run([*command, "version", "--short"], env=env, timeout_s=_PROBE_S)
        version = done.stdout.strip().removeprefix("v")
        if done.ok and version and not version.startswith("1."):
            buildx = processes.run([docker, "buildx", "version"], env=env, timeout_s=_PROBE_S)
            return Compose(
                command=command,
                docker=docker,
                version=version,
                engine_version=engine.stdout.strip(),
                buildkit=buildx.ok,
            )
    return "neither `docker compose` nor `docker-compose` in version 2 is there"
