"""Lay out the scratch copies that one workflow run works on.

Containers are named by `act` after workflow and job, so two runs at once would
share them: each run gets copies whose workflow names start with the run's own
tag. The tag is also how its containers are found and swept away afterwards.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.shell import HarnessError, probe, run

if TYPE_CHECKING:
    from collections.abc import Iterator

_USES = re.compile(r"""^\s*(?:-\s+)?uses:\s*["']?([\w.-]+/[\w.-]+)(?:/[^@\s"']*)?@([^\s"'#]+)""", re.MULTILINE)
_NAME = re.compile(r"^name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_NEVER_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"
)
_STANDINS = Path(__file__).parent / "standins"
_HANDLED_BY_ACT = "actions/checkout"


def copy_pack(source: Path, target: Path) -> Path:
    """Copy what git would publish of a pack (or all but litter, outside git)."""
    listed = probe(["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."])
    names = [name for name in listed.stdout.split("\0") if name] if listed.returncode == 0 else []
    if not names:
        shutil.copytree(source, target, symlinks=True, ignore=_NEVER_COPIED)
        return target
    for name in names:
        origin, copy = source / name, target / name
        if origin.is_symlink() or origin.is_file():  # a deleted file is still listed
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(origin, copy, follow_symlinks=False)
    return target


@contextmanager
def free_place() -> Iterator[Path]:
    """Yield a path for one caller, which no other process uses meanwhile and which does not exist yet.

    The paths are few and come again, because a project's environment belongs to its path: the next run at the
    same place finds it installed.
    """
    folder = Path(tempfile.gettempdir()) / f"truegreen-callers-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in itertools.count():
        with (folder / f"{number}.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            place = folder / str(number)
            shutil.rmtree(place, ignore_errors=True)
            try:
                yield place
            finally:
                shutil.rmtree(place, ignore_errors=True)
            return


def copy_caller(source: Path, target: Path, *, slug: str, tag: str) -> Path:
    """Copy a caller, tag it, and make it a repository with one commit, unless it is one.

    Either way the working tree is clean: in a caller with a history of its own,
    git is told to overlook the tagged files.
    """
    shutil.copytree(source, target, symlinks=True)
    tag_workflows(target, tag)
    if (target / ".git").exists():
        names = [str(path.relative_to(target)) for path in workflow_files(target)]
        probe(["git", "update-index", "--assume-unchanged", *names], cwd=target)  # fails if they are not in git
        return target
    git = ["git", "-c", "user.name=caller", "-c", "user.email=caller@example.invalid", "-c", "commit.gpgsign=false"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", f"https://github.com/{slug}.git"],
        ["add", "-A"],
        ["commit", "-q", "--allow-empty", "-m", "caller"],
    ):
        run([*git, *words], fix="install git", cwd=target)
    return target


def tag_workflows(repository: Path, tag: str) -> None:
    """Start the name of every workflow with `tag`, so that containers are our own."""
    for path in workflow_files(repository):
        text = path.read_text()
        found = _NAME.search(text)
        name = found[1].strip("\"'") if found else path.name
        rest = text[: found.start()] + text[found.end() + 1 :] if found else text
        path.write_text(f'name: "{tag} {name}"\n{rest}')


def workflow_files(repository: Path) -> list[Path]:
    """Return the workflow files of a repository, sorted."""
    folder = repository / ".github" / "workflows"
    return sorted(path for path in folder.glob("*.y*ml") if path.is_file())


def used_actions(*repositories: Path) -> set[tuple[str, str]]:
    """Return every (OWNER/REPO, ref) that workflows and actions there refer to."""
    found: set[tuple[str, str]] = set()
    for repository in repositories:
        actions = [path for name in ("action.yml", "action.yaml") for path in repository.rglob(name)]
        for path in [*workflow_files(repository), *actions]:
            found.update(_USES.findall(path.read_text(errors="replace")))
    return found


def resolve(used: set[tuple[str, str]], known: dict[str, Path]) -> list[str]:
    """Map each used repository and ref to a local folder, as act's own options.

    Args:
        used: pairs of OWNER/REPO and ref, as `used_actions` returns them.
        known: folders for OWNER/REPO (any ref) or for OWNER/REPO@ref (that one only).

    Raises:
        HarnessError: something is used that would have to come from the network.
    """
    options, unknown = [], []
    for slug, ref in sorted(used):
        folder = known.get(f"{slug}@{ref}", known.get(slug))
        if folder is not None:
            options.append(f"--local-repository={slug}@{ref}={folder}")
        elif slug != _HANDLED_BY_ACT:
            unknown.append(f"{slug}@{ref}")
    if unknown:
        what = f"No local stand-in for {', '.join(unknown)}."
        raise HarnessError(what, fix=f"add one to {_STANDINS} or pass it in `standins`")
    return options


def default_standins() -> dict[str, Path]:
    """Return the folders that stand in for third-party actions, by OWNER/REPO."""
    return {f"{path.parent.name}/{path.name}": path for path in _STANDINS.glob("*/*") if path.is_dir()}
