"""What a change changes, from git: also in shallow clones and on the merge commits that forges check out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import unified_diff
from truegreen.errors import ToolMissing
from truegreen.model.changes import Changes, FileChange
from truegreen.runtime import environ

if TYPE_CHECKING:
    from truegreen.runtime.process import Completed, ProcessRunner

_TIMEOUT_S = 120.0
_FETCH_DEPTH = 256
_ANCESTORS_MAX = 5_000
"""Commits before the base that are looked up: more than the history keeps runs of the base branch."""
_NOT_OURS = ":(exclude).truegreen"
# Each of these can be set otherwise in a configuration or an attribute of the repository, and changes what is told.
_DIFF = (
    *("diff", "--raw", "--patch", "--unified=0", "--inter-hunk-context=0", "--find-renames", "--relative", "--text"),
    *("--diff-algorithm=myers", "--ignore-cr-at-eol", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--submodule=short", "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/"),
)


class CannotTell(Exception):
    """The change cannot be known here; the message says why, in words."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which change is asked for."""

    base: str = ""
    """Commit the change wants to enter, as the forge names it; empty at a desk: the default branch of `origin`."""
    head: str = ""
    """Commit of the change itself; what is checked out may be its merge with the base."""
    uncommitted: bool = False
    """True when the work tree counts as it stands, new files included."""


def changes(root: Path, processes: ProcessRunner, asked: Asked) -> Changes | None:
    """Return the changes of what is checked out, against the point where it left the base.

    Of a merge commit made by the forge the base is its first parent, which is exact in a clone of depth 2. A
    commit that is missing is fetched, once.

    Args:
        root: the project; only files below it are told, relative to it.
        processes: starts git.
        asked: base and head.

    Returns:
        The changes; None at a desk without a default branch to compare with.

    Raises:
        CannotTell: the base is not known here, or git failed.
    """
    git = _Git(root, processes)
    here = git.ask("rev-parse", "--verify", "HEAD^{commit}")
    if not here:
        raise CannotTell("there is no git work tree with a commit")
    if asked.base or asked.head:
        base = _base(git, here, asked)
    else:
        trunk = git.ask("rev-parse", "--verify", "--quiet", "refs/remotes/origin/HEAD^{commit}")
        base = git.ask("merge-base", trunk, here) if trunk else ""
        if not base:
            return None
    return Changes(
        base=base,
        head="" if asked.uncommitted else here,
        files=_files(git, base, "" if asked.uncommitted else here),
        ancestors=_ancestors(git, base),
    )


def _ancestors(git: _Git, base: str) -> frozenset[str] | None:
    """Return the newest commits up to the base; None in a shallow clone, where the line ends anywhere."""
    if git.ask("rev-parse", "--is-shallow-repository") != "false":
        return None
    done = git.run("rev-list", f"--max-count={_ANCESTORS_MAX}", base, "--")
    return frozenset(done.stdout.split()) if done.ok else None


def _base(git: _Git, here: str, asked: Asked) -> str:
    parents = git.parents(here)
    if here != asked.head and asked.head in parents[1:]:
        return git.present(parents[0])
    if not asked.base:
        raise CannotTell("the event does not name the base commit")
    if asked.base in parents:
        return git.present(asked.base)
    base = git.merge_base(asked.base, here)
    if not base:
        git.fetch(asked.base, here)
        base = git.merge_base(asked.base, here)
    if not base:
        raise CannotTell(f"the history between {asked.base[:12]} and {here[:12]} is not in this clone")
    return base


def _files(git: _Git, base: str, head: str) -> tuple[FileChange, ...]:
    with tempfile.TemporaryDirectory(prefix="truegreen-diff-") as folder:
        output = Path(folder) / "diff"
        words = [base, head] if head else [base]
        done = git.run("-c", "core.quotePath=true", *_DIFF, f"--output={output}", *words, "--", ".", _NOT_OURS)
        if not done.ok:
            raise CannotTell(f"git diff failed: {done.tail(3)}")
        try:
            with output.open("rb") as stream:
                found = unified_diff.parse(stream)
        except (unified_diff.DiffUnreadable, OSError) as error:
            raise CannotTell(f"git's diff cannot be read: {error}") from None
    return found if head else (*found, *_untracked(git))


def _untracked(git: _Git) -> tuple[FileChange, ...]:
    """Return the files that git does not know yet and does not ignore."""
    done = git.run("ls-files", "-z", "--others", "--exclude-standard", "--", ".", _NOT_OURS)
    if not done.ok:
        raise CannotTell(f"git ls-files failed: {done.tail(3)}")
    names = [name for name in done.stdout.split("\0") if name]
    return tuple(FileChange(path=name, added=True, lines=_all_lines(git.root / name)) for name in names)


def _all_lines(path: Path) -> frozenset[int]:
    if path.is_symlink() or not path.is_file():
        return frozenset()
    with path.open("rb") as stream:
        return frozenset(range(1, sum(1 for _ in stream) + 1))


class _Git:
    """git in one work tree; it reads, and fetches what is missing."""

    def __init__(self, root: Path, processes: ProcessRunner) -> None:
        self.root = root
        self._processes = processes

    def run(self, *arguments: str) -> Completed:
        """Run git; raises CannotTell where there is none."""
        env = {**environ.current(), "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        # Neither more context than asked for, nor commits that stand in for others.
        env = {**env, "GIT_DIFF_OPTS": "", "GIT_NO_REPLACE_OBJECTS": "1"}
        try:
            # CI containers often own the work tree by another user; we only read.
            return self._processes.run(
                ["git", "-c", "safe.directory=*", *arguments], cwd=self.root, env=env, timeout_s=_TIMEOUT_S
            )
        except ToolMissing:
            raise CannotTell("git is not installed") from None

    def ask(self, *arguments: str) -> str:
        """Return git's answer; empty where it has none."""
        done = self.run(*arguments)
        return done.stdout.strip() if done.ok else ""

    def parents(self, commit: str) -> list[str]:
        """Return the parents as the commit itself names them: a shallow clone hides them from `rev-parse`."""
        header = self.ask("cat-file", "commit", commit).partition("\n\n")[0]
        return [line.removeprefix("parent ") for line in header.splitlines() if line.startswith("parent ")]

    def present(self, commit: str) -> str:
        """Return a commit, fetched where this clone lacks it."""
        if not self.has(commit):
            self.fetch(commit, depth=1)
        if not self.has(commit):
            raise CannotTell(f"commit {commit[:12]} is not in this clone and cannot be fetched")
        return commit

    def has(self, commit: str) -> bool:
        """Return whether a commit is here, with its tree."""
        return bool(self.ask("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}"))

    def fetch(self, *commits: str, depth: int = _FETCH_DEPTH) -> None:
        """Ask the remote for commits; a clone that is whole stays whole."""
        depths = [f"--depth={depth}"] if self._shallow() else []
        self.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *depths, "origin", *commits)

    def merge_base(self, one: str, two: str) -> str:
        """Return where two commits parted; empty when it is unknown, or history is cut on the way to it."""
        base = self.ask("merge-base", one, two)
        boundary = set(self._cuts()) if base else set()
        between = self.ask("rev-list", one, two, f"^{base}").split() if boundary else []
        return "" if boundary & set(between) else base

    def _shallow(self) -> bool:
        return self.ask("rev-parse", "--is-shallow-repository") == "true"

    def _cuts(self) -> list[str]:
        """Return the commits whose parents this clone lacks."""
        place = self.ask("rev-parse", "--git-path", "shallow")
        path = self.root / place
        return path.read_text(encoding="ascii", errors="replace").split() if place and path.is_file() else []
