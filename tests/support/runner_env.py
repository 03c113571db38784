"""What a CI runner puts into the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

PREFIXES = ("GITHUB_", "GITEA_", "RUNNER_", "ACTIONS_", "SLACK_", "CI")


def forget(env: MutableMapping[str, str]) -> None:
    """Take away what a runner says of itself."""
    for name in [name for name in env if name.startswith(PREFIXES)]:
        del env[name]
