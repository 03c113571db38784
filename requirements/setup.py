"""Make `.venv` from the hash lock; needs only Python 3.11 and a package index."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
MINIMUM = (3, 11)


def main() -> int:
    """Return 0 with a complete environment; otherwise say what is missing and how to get it."""
    if sys.version_info < MINIMUM:
        sys.stderr.write(f"error: Python 3.11 or newer is needed, python3 is {sys.version.split()[0]}\n")
        return 2
    env = {
        key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "PIP_FIND_LINKS")
    }
    python = VENV / "bin" / "python"
    if not python.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(VENV)], env)
    if not (VENV / "bin" / "uv").exists():
        lock = ROOT / "requirements" / "bootstrap.txt"
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            str(lock),
        ]
        run(pip, env)
    run([str(VENV / "bin" / "uv"), "sync", "--quiet", "--frozen", "--all-extras", "--project", str(ROOT)], env)
    return 0


def run(command: list[str], env: dict[str, str]) -> None:
    """Run one step, or end with its message and the remedy."""
    print(f"setup: {' '.join(command[:4])} …", flush=True)
    done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    if done.returncode:
        sys.stderr.write(
            "error: setup failed; is the package index reachable? is the python3-venv package installed?\n"
        )
        raise SystemExit(4)


if __name__ == "__main__":
    sys.exit(main())
