"""Make the helper's locked environment and a command that runs it; standard library only.

Reads `TG_PROFILE` (which lock: `stages` or `forge`). Writes `command=…` to `GITHUB_OUTPUT`. The environment
is kept by the digest of its lock, so a second job on the same machine, or a restored cache, reuses it.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACK = Path(__file__).resolve().parents[2]
MINIMUM = (3, 11)


def main() -> int:
    """Return 0 with the command ready; 4 with one clear message otherwise."""
    started = time.monotonic()
    if sys.version_info < MINIMUM:
        return refuse(
            f"truegreen needs Python 3.11 or newer to start, this is {sys.version.split()[0]}",
            "put a newer python3 first on PATH, for example with actions/setup-python",
        )
    if not (PACK / "scripts" / "truegreen" / "__main__.py").is_file():
        return refuse(
            f"the pack is not where its action says: {PACK}", "use runner 2.336.0 or newer, or a rendered pack"
        )
    lock = PACK / "requirements" / f"{os.environ.get('TG_PROFILE') or 'stages'}.txt"
    if not lock.is_file():
        return refuse(f"there is no lock {lock.name}", "profile is `stages` or `forge`")
    environment = cache() / f"helper-{digest(lock)}"
    if not (environment / ".complete").is_file():
        problem = build(environment, lock)
        if problem:
            return refuse("the helper's environment could not be installed", problem)
    command = write_command(environment)
    with Path(os.environ.get("GITHUB_OUTPUT") or os.devnull).open("a", encoding="utf-8") as output:
        output.write(f"command={command}\n")
    print(f"truegreen is ready in {time.monotonic() - started:.1f} s: {command}")
    return 0


def cache() -> Path:
    """Return truegreen's cache folder (the same rule as runtime/environ.py)."""
    explicit = os.environ.get("TRUEGREEN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(explicit) if explicit else (Path(base) if base else Path.home() / ".cache") / "truegreen"


def digest(lock: Path) -> str:
    """Return a short digest of the lock and of the interpreter it is installed for."""
    seed = lock.read_bytes() + f"{sys.version_info[:2]}{sys.platform}{os.uname().machine}{sys.prefix}".encode()
    return hashlib.sha256(seed).hexdigest()[:16]


def build(environment: Path, lock: Path) -> str:
    """Install the lock with hashes beside its final place, then rename; returns the problem, or nothing."""
    environment.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=environment.parent, prefix=".helper-"))
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "UV_", "VIRTUAL_ENV"))}
    pip = [str(scratch / "bin" / "python"), "-I", "-m", "pip"]
    steps = (
        [sys.executable, "-I", "-m", "venv", str(scratch)],
        [
            *pip,
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            str(lock),
        ],
    )
    for step in steps:
        done = subprocess.run(step, env=clean, capture_output=True, text=True, check=False)
        if done.returncode:
            shutil.rmtree(scratch, ignore_errors=True)
            return f"{shlex.join(step[:5])} … ended with {done.returncode}: {done.stderr.strip()[-800:]}"
    (scratch / ".complete").write_text(lock.name, encoding="utf-8")
    try:
        scratch.rename(environment)
    except OSError:  # another job on this machine was quicker
        shutil.rmtree(scratch, ignore_errors=True)
    return ""


def write_command(environment: Path) -> Path:
    """Write the one executable that runs the helper, outside PATH and outside the workspace."""
    folder = Path(tempfile.mkdtemp(prefix="truegreen-", dir=os.environ.get("RUNNER_TEMP") or None))
    command = folder / "truegreen"
    python, launcher = environment / "bin" / "python", PACK / "scripts" / "launch.py"
    command.write_text(
        f'#!/bin/sh\nexec {shlex.quote(str(python))} -I {shlex.quote(str(launcher))} "$@"\n', encoding="utf-8"
    )
    command.chmod(0o755)
    return command


def refuse(what: str, fix: str) -> int:
    """Print one error with its remedy, as an annotation too, and return 4."""
    text = f"error TG304: {what}; fix: {fix}".replace("%", "%25").replace("\r", " ").replace("\n", "%0A")
    print(f"::error title=truegreen::{text}")
    return 4


if __name__ == "__main__":
    sys.exit(main())
