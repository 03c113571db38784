"""Make a container engine available, and stop it if we started it.

A running engine is used as it is. Where there is none and we are root on
Debian or Ubuntu, `docker.io` is installed and `dockerd` started in a session
of its own, so that it outlives one test run and serves the next.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.harness.shell import HarnessError, apt_install, file_lock, harness_dir, probe, say

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 20.0
_REMEDY = "start a Docker engine that this user may use, or run as root on Debian or Ubuntu"


@dataclass(frozen=True)
class Engine:
    """A container engine that answered."""

    client: str  # path of a docker client that can talk to it
    version: str  # the engine's version, such as 20.10.24


def find_engine() -> Engine | None:
    """Return the engine that answers now, with the first client that reaches it."""
    candidates = [str(Path(folder) / "docker") for folder in os.get_exec_path()]
    for client in dict.fromkeys([*candidates, "/usr/bin/docker"]):
        if not os.access(client, os.X_OK):
            continue
        answer = probe([client, "version", "--format", "{{.Server.Version}}"])
        if answer.returncode == 0 and answer.stdout.strip():
            return Engine(client, answer.stdout.strip())
    return None


def ensure_engine() -> Engine:
    """Return a running engine, installing and starting one if need be.

    Raises:
        HarnessError: none runs and none can be started here.
    """
    found = find_engine()
    if found:
        return found
    if os.geteuid() != 0:
        raise HarnessError("No container engine answers, and only root can start one.", fix=_REMEDY)
    with file_lock("engine"):
        found = find_engine()  # another process may have started it meanwhile
        return found or _install_and_start()


def ensure_builder() -> str:
    """Return the path of buildah, which builds images without an engine, installing it if need be.

    Raises:
        HarnessError: it is missing and cannot be installed here.
    """
    if not shutil.which("buildah"):
        apt_install(["buildah"])
    return shutil.which("buildah") or "/usr/bin/buildah"


@cache
def docker_client() -> str:
    """Return the path of the client that talks to the engine (started if need be)."""
    return ensure_engine().client


def started_pid() -> int | None:
    """Return the process id of the engine that the harness started and still runs."""
    try:
        pid, started = _pid_file().read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if _start_time(int(pid)) == started else None


def stop_engine() -> bool:
    """Stop the engine if the harness started it; say whether it did."""
    pid = started_pid()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while _start_time(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    if _start_time(pid):
        os.killpg(pid, signal.SIGKILL)
    _pid_file().unlink(missing_ok=True)
    say("container engine stopped")
    return True


def _install_and_start() -> Engine:
    missing = [name for name, program in _PROGRAMS.items() if not shutil.which(program)]
    if missing:
        apt_install(missing)
    if not shutil.which("docker"):  # newer Debian packs the client apart
        apt_install(["docker-cli"])
    return _start()


_PROGRAMS = {"docker.io": "dockerd", "iptables": "iptables"}


def _start() -> Engine:
    log = harness_dir() / "dockerd.log"
    say(f"starting dockerd (log: {log})")
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    _pid_file().write_text(f"{process.pid} {_start_time(process.pid)}\n")
    while time.monotonic() - started < _START_TIMEOUT_S:
        engine = find_engine()
        if engine:
            say(f"container engine {engine.version} ready after {time.monotonic() - started:.1f} s")
            return engine
        if process.poll() is not None:
            break
        time.sleep(0.2)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    _pid_file().unlink(missing_ok=True)
    raise HarnessError("dockerd did not become ready.", fix=_REMEDY, detail=log.read_text(errors="replace"))


def _pid_file() -> Path:
    return harness_dir() / "dockerd.pid"


def _start_time(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty if it is gone.

    The pair (id, start) names a process for good, a reused id does not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] == "Z" else fields[19]
