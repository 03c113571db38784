"""Facts about the work tree, from git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolMissing

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.runtime.process import ProcessRunner

_TIMEOUT_S = 30.0


class WorkTree(msgspec.Struct, frozen=True, kw_only=True):
    """Identity of the code being judged; empty strings outside a git work tree."""

    commit: str = ""
    tree: str = ""
    dirty: bool = False
    branch: str = ""


def inspect(root: Path, processes: ProcessRunner) -> WorkTree:
    """Return the commit, tree and state of the work tree at a folder."""
    commit = _ask(processes, root, "rev-parse", "HEAD")
    if not commit:
        return WorkTree()
    status = _ask(processes, root, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    changed = [row for row in status.splitlines() if ".truegreen" not in row]
    return WorkTree(
        commit=commit,
        tree=_ask(processes, root, "rev-parse", "HEAD^{tree}"),
        dirty=bool(changed),
        branch=_ask(processes, root, "branch", "--show-current"),
    )


def _ask(processes: ProcessRunner, root: Path, *arguments: str) -> str:
    """Return git's answer, or nothing where git or the repository is missing."""
    try:
        # CI containers often own the work tree by another user; we only read.
        done = processes.run(["git", "-c", "safe.directory=*", *arguments], cwd=root, timeout_s=_TIMEOUT_S)
    except ToolMissing:
        return ""
    return done.stdout.strip() if done.ok else ""
