"""Choose a Python from the image (/opt/python) or the tool cache, as setup-python would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOTS = (Path("/opt/python"), Path("/opt/hostedtoolcache/Python"))


def main() -> int:
    """Do the step's work; return its exit code."""
    found = {version_of(home): home for root in ROOTS for home in sorted(root.glob("*/x64")) if version_of(home)}
    for wanted in wanted_versions():
        matching = [version for version in found if f"{version}.".startswith(f"{wanted}.")]
        if not matching:
            have = ", ".join(sorted(found)) or "none"
            print(f"::error::The version '{wanted}' was not found for this runner (there are: {have}).")
            return 1
        version = max(matching, key=lambda each: [int(part) for part in re.findall(r"\d+", each)])
        report(version, found[version])
    return 0


def wanted_versions() -> list[str]:
    """Return the versions asked for, without operators and wildcards; the default last."""
    text = os.environ["WANTED"]
    if os.environ["WANTED_FILE"]:
        text = Path(os.environ["WANTED_FILE"]).read_text()
    return [re.sub(r"(\.[x*])+$", "", line.strip().lstrip("^~>=v ")) for line in text.splitlines() if line.strip()]


def version_of(home: Path) -> str:
    """Return the version an interpreter gives itself; empty if it does not start."""
    program = [str(home / "bin" / "python3"), "-I", "-c", "import platform; print(platform.python_version())"]
    try:
        return subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def report(version: str, home: Path) -> None:
    """Put the interpreter on PATH and write the step's outputs."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as output:
        output.write(f"python-version={version}\npython-path={home}/bin/python3\n")
    if os.environ["UPDATE"] == "true":
        with Path(os.environ["GITHUB_PATH"]).open("a") as output:
            output.write(f"{home}/bin\n")
        with Path(os.environ["GITHUB_ENV"]).open("a") as output:
            output.write(f"pythonLocation={home}\nPython3_ROOT_DIR={home}\n")
    print(f"Successfully set up CPython ({version})")


if __name__ == "__main__":
    sys.exit(main())
