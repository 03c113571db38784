"""Find a Docker Compose v2 that works with the engine at hand."""

from __future__ import annotations

from tests.harness.engine import docker_client
from tests.harness.shell import probe
from tests.harness.tools import ensure_tool


def compose_command() -> list[str]:
    """Return the words that start compose: the client's plugin, or our own build.

    Raises:
        HarnessError: there is neither, and it cannot be built.
    """
    client = docker_client()
    if probe([client, "compose", "version"]).returncode == 0:
        return [client, "compose"]
    return [str(ensure_tool("docker-compose"))]
