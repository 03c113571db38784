"""Offer the host's Pythons to a job, for workflows with a matrix of versions."""

from __future__ import annotations

from pathlib import Path

_HOMES = (Path.home() / ".pyenv" / "versions", Path("/opt/hostedtoolcache/Python"))
_CONTAINER_CACHE = "/opt/hostedtoolcache/Python"  # where setup-python looks


def host_pythons(*versions: str) -> dict[str, Path]:
    """Return `mounts` for `run_workflow` that hold the named versions, as far as they exist.

    An interpreter is mounted twice: where setup-python looks, and where it was
    built to be, since it looks for its shared library there.

    Args:
        versions: such as `3.12`; the newest patch release of each is taken.
    """
    mounts: dict[str, Path] = {}
    for version in versions:
        found = [home for root in _HOMES for home in root.glob(f"{version}.*") if (home / "bin" / "python3").exists()]
        numbered = {tuple(map(int, home.name.split("."))): home for home in found if home.name[-1].isdecimal()}
        if numbered:
            home = numbered[max(numbered)]
            mounts[str(home)] = mounts[f"{_CONTAINER_CACHE}/{home.name}/x64"] = home
    return mounts
