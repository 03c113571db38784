"""Another commit of the project beside it, as a git work tree that is gone afterwards."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from truegreen.errors import ToolFailed
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from truegreen.runtime.process import Completed, ProcessRunner

_TIMEOUT_S = 300.0


@contextmanager
def checked_out(root: Path, commit: str, place: Path, processes: ProcessRunner) -> Iterator[Path]:
    """Check a commit out at a place of our own, and give the project's folder in it.

    What an earlier run left at the place, because it was killed, goes first. Hooks of the repository do not run.

    Args:
        root: the project, in a git work tree; it may be a folder in it.
        commit: full name.
        place: outside the project; always the same one, so that what is installed for it can be used again.
        processes: runs git.

    Raises:
        ToolFailed: git cannot check it out, or the project is not in it.
    """

    def git(*words: str) -> Completed:
        settings = ("-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null")
        return processes.run(["git", *settings, *words], cwd=root, timeout_s=_TIMEOUT_S)

    def clear() -> None:
        shutil.rmtree(place, ignore_errors=True)
        git("worktree", "prune", "--expire", "now")

    clear()
    files.folder(place.parent)
    try:
        done = git("worktree", "add", "--quiet", "--detach", "--force", str(place), commit)
        project = place / git("rev-parse", "--show-prefix").stdout.strip()
        if not done.ok or not project.is_dir():
            why = done.tail(3) or "the project's folder is not in it"
            raise ToolFailed(f"the base {commit[:12]} cannot be checked out", where=str(root), why=why)
        yield project
    finally:
        clear()
