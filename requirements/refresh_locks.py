"""Refresh the hash locks: of the helper's two profiles, and of every tool that comes from PyPI."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from uv import find_uv_bin  # noqa: E402

from truegreen.runtime.toolchain import TOOLS, Tool  # noqa: E402 - the path comes first

LOCKS = ROOT / "scripts" / "truegreen" / "runtime" / "locks"
PROFILES = {"stages": ("postgres",), "forge": ("github", "postgres")}
ENV = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "PYTHON"))}


def main() -> int:
    """Write every lock; the versions are those of the toolchain's table and of uv.lock.

    Names on the command line choose single locks.
    """
    only = set(sys.argv[1:])
    for name, extras in PROFILES.items():
        if not only or name in only:
            lock_profile(name, extras)
    for tool in TOOLS.values():
        if tool.source == "pypi" and (not only or tool.name in only):
            lock_tool(tool, LOCKS / f"{tool.name}.txt")
    return 0


def lock_profile(name: str, extras: tuple[str, ...]) -> None:
    """Write what a profile of the helper installs, from uv.lock."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    run(
        *("export", "--frozen", "--no-dev", "--no-emit-project", "--no-annotate", "--no-header", *chosen),
        *("-o", f"requirements/{name}.txt"),
    )


def lock_tool(tool: Tool, target: Path) -> None:
    """Write a tool's lock: for every platform and Python from 3.11 on, naming no index."""
    run(
        *("pip", "compile", "-", "--generate-hashes", "--universal", "--python-version", "3.11"),
        *("--no-annotate", "--no-header", "--no-emit-index-url", "-o", str(target)),
        text=f"{tool.package}=={tool.version}\n",
    )


def run(*arguments: str, text: str = "") -> None:
    """Run one uv command in the repository."""
    subprocess.run(
        [find_uv_bin(), *arguments, "--quiet"],
        cwd=ROOT,
        env=ENV,
        input=text,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    sys.exit(main())
