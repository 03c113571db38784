"""Setting up the helper in a job: `actions/setup/bootstrap.py`, with and without its environment in the cache."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import measure

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_RUNS = 7
COLD_RUNS = 2
BOOTSTRAP = measure.ROOT / "actions" / "setup" / "bootstrap.py"


def setup() -> Iterator[measure.Row]:
    """Yield cold (empty cache, every package downloaded) and warm for the profile of the stages, then of the report."""
    for profile in ("stages", "forge"):
        cold = [_run(profile, 0)[0] for _ in range(COLD_RUNS)]
        yield measure.row(f"helper set-up cold, {profile}", 15_000, cold, note="empty cache, pip without its own")
        warm = _run(profile, WARM_RUNS)[1:]
        yield measure.row(f"helper set-up warm, {profile}", 2_000, warm, note="environment in the cache")


def _run(profile: str, again: int) -> list[float]:
    """Return seconds of a first run in an empty cache, and of some more."""
    with tempfile.TemporaryDirectory(prefix="truegreen-bench-") as name:
        env = measure.plain_env(
            TG_PROFILE=profile,
            TRUEGREEN_CACHE=name,
            RUNNER_TEMP=name,
            GITHUB_OUTPUT=str(Path(name) / "output"),
            PIP_NO_CACHE_DIR="1",
        )
        command = [sys.executable, "-I", BOOTSTRAP]
        return [measure.timed(command, env=env)[0] for _ in range(1 + again)]
