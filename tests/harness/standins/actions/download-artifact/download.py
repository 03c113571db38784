"""Copy artifacts from the mounted directory, as download-artifact v4+ would."""

from __future__ import annotations

import fnmatch
import os
import shutil
import sys
from pathlib import Path

ARTIFACTS = Path("/opt/artifacts")


def main() -> int:
    """Do the step's work; return its exit code."""
    name, pattern = os.environ["NAME"], os.environ["PATTERN"]
    if os.environ["IDS"]:
        print("::error::The stand-in for download-artifact knows no artifact-ids.")
        return 1
    target = Path(os.environ["TARGET"] or os.environ["GITHUB_WORKSPACE"]).expanduser().absolute()
    names = sorted(path.name for path in ARTIFACTS.iterdir() if path.is_dir())
    if name:
        if name not in names:
            print("::error::Unable to download artifact(s): Artifact not found for name: " + name)
            return 1
        copy(name, target)
        names = [name]
    else:
        names = [each for each in names if fnmatch.fnmatchcase(each, pattern or "*")]
        for each in names:
            copy(each, target if os.environ["MERGE"] == "true" else target / each)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as output:
        output.write(f"download-path={target}\n")
    print(f"Total of {len(names)} artifact(s) downloaded: {', '.join(names) or 'none'}")
    return 0


def copy(name: str, target: Path) -> None:
    """Copy one artifact's files into `target`, over those that are there."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ARTIFACTS / name, target, dirs_exist_ok=True, copy_function=shutil.copyfile)


if __name__ == "__main__":
    sys.exit(main())
