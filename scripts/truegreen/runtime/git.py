"""Facts about the work tree, from git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.errors import ToolMissing

if TYPE_CHECKING:
    from pathlib import Path

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
    return WorkTree(
        commit=commit,
        tree=tree,
        dirty=status is None or bool(status),
        branch="" if head == "HEAD" else head.removeprefix("refs/heads/"),
    )


def _ask(processes: ProcessRunner, root: Path, *arguments: str) -> str | None:
    """Return git's answer; None where it has none, or git or the repository is missing."""
    try:
        # CI containers often own the work tree by another user; we only read.
        done = processes.run(["git", "-c", "safe.directory=*", *arguments], cwd=root, timeout_s=_TIMEOUT_S)
    except ToolMissing:
        return None
    return done.stdout.strip() if done.ok else None
