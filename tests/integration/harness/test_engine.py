"""The harness starts an engine where none runs, and stops what it started.

Each test has the machine to itself: new mount, network and process namespaces
in which no engine answers.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.engine import ensure_engine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine, and make namespaces"),
]

_NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc")
_START_AND_STOP = """
from tests.harness import engine
assert engine.find_engine() is None
print(engine.stop_engine())
started = engine.ensure_engine()
print(started.version, engine.started_pid() is not None)
print(engine.ensure_engine().version)
print(engine.stop_engine(), engine.find_engine(), engine.started_pid())
"""


def _alone(script: str, cache: Path, *, options: str = "rw") -> subprocess.CompletedProcess[str]:
    """Run Python where /run is empty and the engine's data lies on a small disk."""
    ensure_engine()  # the packages are installed
    mounts = f"mount -t tmpfs tmpfs /run && mount -t tmpfs -o {options} tmpfs /var/lib/docker && ip link set lo up"
    return subprocess.run(
        [*_NAMESPACES, "sh", "-ec", f'{mounts}; exec python3 -c "$0"', script],
        env={**os.environ, "TRUEGREEN_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_ensure_engine_without_one_starts_it_and_stop_ends_it(tmp_path: Path) -> None:
    done = _alone(_START_AND_STOP, tmp_path)
    assert done.returncode == 0, done.stderr
    version = ensure_engine().version
    assert done.stdout.splitlines() == ["False", f"{version} True", version, "True None None"]
    assert "container engine stopped" in done.stderr


def test_ensure_engine_with_unusable_disk_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    script = "from tests.harness import engine\ntry: engine.ensure_engine()\nfinally: print(engine.started_pid())"
    done = _alone(script, tmp_path, options="ro")
    assert done.returncode == 1
    assert "dockerd did not become ready." in done.stderr
    assert "read-only file system" in done.stderr  # the log's tail
    assert "Remedy: start a Docker engine" in done.stderr
    assert done.stdout.split() == ["None"]
