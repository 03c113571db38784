"""Facts about the work tree, from git."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolMissing
from truegreen.runtime import environ, interrupts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truegreen.runtime.process import ProcessRunner

_TIMEOUT_S = 30.0
_NOT_OURS = ":(exclude).truegreen"


class WorkTree(msgspec.Struct, frozen=True, kw_only=True):
    """Identity of the code being judged; empty strings outside a git work tree."""

    commit: str = ""
    tree: str = ""
    dirty: bool = False
    branch: str = ""


def inspect(root: Path, processes: ProcessRunner) -> WorkTree:
    """Return the commit, tree and state of the work tree at a folder."""
    names = (_ask(processes, root, "rev-parse", "HEAD", "HEAD^{tree}", "--symbolic-full-name", "HEAD") or "").split()
    if len(names) != 3:  # noqa: PLR2004 - one line for each question
        return WorkTree()
    commit, tree, head = names
    # Our own folder is no change; where git cannot tell, the tree does not count as clean.
    status = _ask(processes, root, "status", "--porcelain", "--untracked-files=normal", "--", ".", _NOT_OURS)
    dirty = status is None or bool(status)
    return WorkTree(
        commit=commit,
        tree=_as_it_stands(root, processes) if dirty else tree,
        dirty=dirty,
        branch="" if head == "HEAD" else head.removeprefix("refs/heads/"),
    )


def tracked(root: Path, path: Path, processes: ProcessRunner) -> bool:
    """Return whether git keeps a file of the work tree: it came with the code, and not from an earlier run."""
    return _ask(processes, root, "ls-files", "--error-unmatch", "--", str(path)) is not None


def _as_it_stands(root: Path, processes: ProcessRunner) -> str:
    """Return the tree of the tracked files with their uncommitted changes; empty when git cannot tell.

    Index and objects are copies or new, in a folder that is thrown away: nothing of the repository changes.
    """
    named = (_ask(processes, root, "rev-parse", "--git-path", "index", "--git-path", "objects") or "").splitlines()
    if len(named) != 2 or not (root / named[0]).is_file():  # noqa: PLR2004 - one line for each question
        return ""
    index, objects = named
    with _scratch() as folder:
        shutil.copyfile(root / index, folder / "index")
        env = {
            **environ.current(),
            "GIT_INDEX_FILE": f"{folder}/index",
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / objects).resolve()),
        }
        if _ask(processes, root, "add", "--update", "--", ".", env=env) is None:
            return ""
        return _ask(processes, root, "write-tree", env=env) or ""


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a folder that is thrown away, also where a signal comes as it is made or removed."""
    with contextlib.ExitStack() as stack:
        with interrupts.held():
            folder = Path(tempfile.mkdtemp(prefix="truegreen-tree-"))
            remove = functools.partial(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(interrupts.undisturbed, remove)
        yield folder


def _ask(processes: ProcessRunner, root: Path, *arguments: str, env: dict[str, str] | None = None) -> str | None:
    """Return git's answer; None where it has none, or git or the repository is missing."""
    try:
        # CI containers often own the work tree by another user; we only read.
        done = processes.run(["git", "-c", "safe.directory=*", *arguments], cwd=root, env=env, timeout_s=_TIMEOUT_S)
    except ToolMissing:
        return None
    return done.stdout.strip() if done.ok else None
