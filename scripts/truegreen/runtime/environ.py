"""The only place that reads the process environment and the machine's identity."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

Environ = Mapping[str, str]


def current() -> dict[str, str]:
    """Return a copy of the process environment."""
    return dict(os.environ)


def cache_dir(env: Environ) -> Path:
    """Return the cache folder: `$TRUEGREEN_CACHE`, `$XDG_CACHE_HOME/truegreen` or `~/.cache/truegreen`."""
    if explicit := env.get("TRUEGREEN_CACHE"):
        return Path(explicit)
    base = env.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "truegreen"


def own_command() -> list[str]:
    """Return the beginning of a command that starts this very truegreen again, isolated from the caller's files."""
    source = Path(__file__).resolve().parents[2]
    start = f"import sys; sys.path.insert(0, {str(source)!r}); from truegreen.__main__ import main; sys.exit(main())"
    return [sys.executable, "-I", "-c", start]


def in_ci(env: Environ) -> bool:
    """Return whether a CI system runs us: plain lines and groups instead of a progress line."""
    return env.get("GITHUB_ACTIONS") == "true" or env.get("CI", "").lower() in ("1", "true")


def platform_name() -> str:
    """Return system, machine and interpreter, such as `linux-x86_64 cpython-3.12.1`."""
    # The module `platform` knows the same, and takes a tenth of a command's start to be loaded.
    release = ".".join(map(str, sys.version_info[:3]))
    return f"{sys.platform}-{os.uname().machine} {sys.implementation.name}-{release}"


def isolated_python() -> list[str]:
    """Return the start of a command that runs our own interpreter isolated from the caller's files."""
    return [sys.executable, "-I"]
