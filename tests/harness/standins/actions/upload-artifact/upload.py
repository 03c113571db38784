"""Copy an artifact's files to the mounted directory, as upload-artifact v4+ would."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import sys
import zlib
from pathlib import Path

ARTIFACTS = Path("/opt/artifacts")
_WILD = re.compile(r"[*?\[]")
_FORBIDDEN = re.compile(r'["<>:|*?\r\n\\/]')


def main() -> int:
    """Do the step's work; return its exit code."""
    name = os.environ["NAME"]
    if not name or _FORBIDDEN.search(name):
        return fail(f"The artifact name is not valid: {name!r}")
    root, files = collect(os.environ["FILES"], hidden=os.environ["HIDDEN"] == "true")
    if not files:
        message = f"No files were found with the provided path: {os.environ['FILES']!r}. No artifacts will be uploaded."
        policy = os.environ["IF_NO_FILES_FOUND"]
        if policy == "error":
            return fail(message)
        print(message if policy == "ignore" else f"::warning::{message}".replace("\n", "%0A"))
        return 0
    target = ARTIFACTS / name
    if os.environ["OVERWRITE"] == "true":
        shutil.rmtree(target, ignore_errors=True)
    try:
        target.mkdir()  # atomic: of two jobs with one name, one fails
    except FileExistsError:
        return fail(f"Conflict: an artifact with this name already exists on the workflow run: {name}")
    report(name, copy(root, files, target), len(files))
    return 0


def collect(patterns: str, *, hidden: bool) -> tuple[Path, list[Path]]:
    """Return the directory that names are relative to, and the files."""
    wanted: set[Path] = set()
    roots: list[Path] = []
    for line in filter(None, map(str.strip, patterns.splitlines())):
        pattern = str(Path(line.removeprefix("!")).expanduser().absolute())
        # Path.glob takes no absolute pattern.
        found = {Path(each) for each in glob.glob(pattern, recursive=True, include_hidden=True)}  # noqa: PTH207
        files = {each for path in found for each in ([path] if not path.is_dir() else path.rglob("*"))}
        if line.startswith("!"):
            wanted -= files
            continue
        start = search_path(pattern)
        wanted |= {path for path in files if path.is_file() and (hidden or not is_hidden(path, start))}
        roots.append(start.parent if start.is_file() else start)
    return Path(os.path.commonpath(roots)) if roots else Path.cwd(), sorted(wanted)


def search_path(pattern: str) -> Path:
    """Return the part of a pattern before its first wildcard."""
    parts = Path(pattern).parts
    wild = [index for index, part in enumerate(parts) if _WILD.search(part)]
    return Path(*parts[: wild[0]]) if wild else Path(pattern)


def is_hidden(path: Path, start: Path) -> bool:
    """Say whether the search meets a dot name: its start counts, what is above does not."""
    return any(part.startswith(".") for part in (start.name, *path.relative_to(start).parts))


def copy(root: Path, files: list[Path], target: Path) -> str:
    """Copy the files and return a digest over their names and contents."""
    digest = hashlib.sha256()
    for path in files:
        name = path.relative_to(root)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
        digest.update(f"{name}\0".encode() + path.read_bytes())
    for path in (target, *target.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)  # the host's user reads them
    return digest.hexdigest()


def report(name: str, digest: str, count: int) -> None:
    """Write the step's outputs."""
    number = zlib.crc32(name.encode())
    url = f"{os.environ.get('GITHUB_SERVER_URL', '')}/{os.environ.get('GITHUB_REPOSITORY', '')}"
    with Path(os.environ["GITHUB_OUTPUT"]).open("a") as output:
        output.write(f"artifact-id={number}\nartifact-digest={digest}\n")
        output.write(f"artifact-url={url}/actions/runs/{os.environ.get('GITHUB_RUN_ID', '')}/artifacts/{number}\n")
    print(f"Artifact {name} has been successfully uploaded ({count} files).")


def fail(message: str) -> int:
    """Report an error the way an action does."""
    print(f"::error::{message}".replace("\n", "%0A"))
    return 1


if __name__ == "__main__":
    sys.exit(main())
