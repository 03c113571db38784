"""One file on a branch of its own: read and replaced without touching the work tree, the index or any other ref.

The branch holds one commit without parents, so that the repository does not grow with every write; a write says which
commit it replaces (`--force-with-lease`), and is refused when another writer was first.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.errors import StoreError
from truegreen.runtime import environ

if TYPE_CHECKING:
    from truegreen.runtime.process import Completed, ProcessRunner

_TIMEOUT_S = 120.0
_LATE = ("stale info", "fetch first", "cannot lock ref", "failed to update ref", "reference already exists")
"""What git says when somebody else moved the branch in between."""
_WHO = {
    "GIT_AUTHOR_NAME": "truegreen",
    "GIT_AUTHOR_EMAIL": "truegreen@localhost",
    "GIT_COMMITTER_NAME": "truegreen",
    "GIT_COMMITTER_EMAIL": "truegreen@localhost",
    "GIT_TERMINAL_PROMPT": "0",
}


class DataBranch:
    """A file on a branch of a remote repository, seen from a clone."""

    def __init__(self, root: Path, remote: str, branch: str, name: str, processes: ProcessRunner) -> None:
        self._root = root
        self._remote = remote
        self._branch = branch
        self._name = name
        self._processes = processes

    def read(self, target: Path) -> str:
        """Copy the file as it is at the remote now, and return the commit it is of; empty when there is no branch.

        Raises:
            StoreError: the remote does not answer, or the branch holds something else.
        """
        ref = f"refs/heads/{self._branch}"
        listed = self._git("ls-remote", "--refs", self._remote, ref)
        commit = listed.stdout.split()[0] if listed.stdout.strip() else ""
        if not commit:
            return ""
        # By name, not by commit: not every server hands out a commit that is asked for by its digest.
        self._git(
            "fetch", "--quiet", "--no-tags", "--depth=1", "--no-write-fetch-head", self._remote, f"+{ref}:{_here(ref)}"
        )
        commit = self._git("rev-parse", "--verify", "--end-of-options", _here(ref)).stdout.strip()
        with tempfile.TemporaryDirectory(prefix="truegreen-branch-") as folder:
            index = {"GIT_INDEX_FILE": f"{folder}/index"}
            self._git("read-tree", commit, env=index)
            done = self._git("checkout-index", f"--prefix={folder}/out/", "--", self._name, env=index, may_fail=True)
            found = Path(folder) / "out" / self._name
            if not done.ok or found.is_symlink() or not found.is_file():
                raise self._error("holds no history", f"there is no file {self._name} on it", "name another branch")
            shutil.copyfile(found, target)
        return commit

    def replace(self, source: Path, expected: str) -> bool:
        """Make a file the branch's only content; False when the branch is no longer at the expected commit.

        Raises:
            StoreError: the remote refused it for another reason, or did not answer.
        """
        blob = self._git("hash-object", "-w", "--no-filters", "--", str(source)).stdout.strip()
        tree = self._git("mktree", stdin=f"100644 blob {blob}\t{self._name}\n").stdout.strip()
        commit = self._git("commit-tree", tree, "-m", "History of truegreen's runs").stdout.strip()
        ref = f"refs/heads/{self._branch}"
        lease = f"--force-with-lease={ref}:{expected}"
        done = self._git("push", "--quiet", "--no-verify", lease, self._remote, f"{commit}:{ref}", may_fail=True)
        if done.ok:
            return True
        if any(text in done.stderr for text in _LATE):
            return False
        fix = f"let this job write to {self._branch} (`contents: write`), force pushes included"
        raise self._error("cannot be written", done.tail(4), fix)

    def _git(
        self, *arguments: str, env: dict[str, str] | None = None, stdin: str | None = None, may_fail: bool = False
    ) -> Completed:
        surroundings = {**environ.current(), **_WHO, **(env or {})}
        argv = ["git", "-c", "safe.directory=*", *arguments]
        done = self._processes.run(argv, cwd=self._root, env=surroundings, timeout_s=_TIMEOUT_S, stdin=stdin)
        if not done.ok and not may_fail:
            why = "it took too long" if done.timed_out else done.tail(4)
            raise self._error(f"cannot be used (git {arguments[0]})", why, f"check that {self._remote} can be reached")
        return done

    def _error(self, what: str, why: str, fix: str) -> StoreError:
        where = f"{self._branch} at {self._remote}"
        return StoreError(f"the branch {self._branch} {what}", where=where, why=why, fix=fix)


def _here(ref: str) -> str:
    return f"refs/truegreen/{ref.removeprefix('refs/heads/')}"
