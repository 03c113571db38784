"""Run programs, lock files and report progress for the test harness.

The harness runs before anything is installed, so it uses the standard library
only and knows nothing of the product it helps to test.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOG_TAIL_CHARACTERS = 2000


class HarnessError(RuntimeError):
    """The machine cannot do what a test needs: what failed, and the remedy."""

    def __init__(self, what: str, *, fix: str, detail: str = "") -> None:
        """Keep `detail` (a log, an output) to its last part, where the cause is."""
        tail = detail.strip()[-_LOG_TAIL_CHARACTERS:]
        super().__init__("\n".join(part for part in (what, tail, f"Remedy: {fix}") if part))


def say(text: str) -> None:
    """Write one progress line to standard error."""
    print(f"[harness] {text}", file=sys.stderr, flush=True)


def cache_dir() -> Path:
    """Return the cache directory ($TRUEGREEN_CACHE), made if it is missing."""
    named = os.environ.get("TRUEGREEN_CACHE")
    path = Path(named).expanduser() if named else Path.home() / ".cache" / "truegreen"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def harness_dir() -> Path:
    """Return the harness's own corner of the cache (locks, logs, downloads)."""
    path = cache_dir() / "harness"
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def file_lock(name: str) -> Iterator[None]:
    """Hold the lock `name` against other processes; the kernel frees it if we die."""
    path = harness_dir() / f"{name}.lock"
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process ({name})")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def run(
    argv: Sequence[str],
    *,
    fix: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 600,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        argv: the program and its arguments; never a shell line.
        fix: the remedy to name when the program fails.
        cwd: the directory to run in.
        env: variables added to ours.
        timeout_s: after this many seconds the program is killed.

    Raises:
        HarnessError: it is missing, failed, or took too long.
    """
    try:
        done = probe(argv, cwd=cwd, env=env, timeout_s=timeout_s)
    except FileNotFoundError as error:
        raise HarnessError(f"The program `{argv[0]}` is not installed.", fix=fix) from error
    except subprocess.TimeoutExpired as error:
        raise HarnessError(f"`{' '.join(argv)}` took longer than {timeout_s:.0f} s.", fix=fix) from error
    if done.returncode != 0:
        what = f"`{' '.join(argv)}` failed with exit code {done.returncode}."
        raise HarnessError(what, fix=fix, detail=done.stdout + done.stderr)
    return done.stdout


def probe(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a program whose failure is an answer: no exception on its exit code."""
    return subprocess.run(
        list(argv),
        cwd=cwd,
        env={**os.environ, **env} if env else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
    )


def apt_install(packages: Sequence[str]) -> None:
    """Install Debian packages, refreshing the package list first.

    Raises:
        HarnessError: not root, not Debian, or the installation failed.
    """
    remedy = f"install these Debian packages by hand: {' '.join(packages)}"
    if os.geteuid() != 0 or not Path("/usr/bin/apt-get").exists():
        raise HarnessError(f"Missing on this machine: {' '.join(packages)}.", fix=remedy)
    say(f"installing {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with file_lock("apt"):
        run(["apt-get", "update", "-qq"], fix=remedy, env=quiet)
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], fix=remedy, env=quiet)
