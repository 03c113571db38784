"""Which lines of Python files the work tree has changed since it left a base, from git."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from truegreen.errors import EvidenceMissing, EvidenceUnreadable, ToolMissing
from truegreen.model.changes import Changes, FileChange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from truegreen.runtime.process import ProcessRunner

_LIMIT_S = 120.0
_HUNK = re.compile(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@")
_USUAL = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


def python_lines(root: Path, processes: ProcessRunner, *, base: str, env: Mapping[str, str]) -> Changes:
    """Return the added and changed lines of the Python files below a folder, uncommitted ones included.

    Args:
        root: the project; paths are relative to it.
        processes: runs git.
        base: revision to compare with, at the point where the work left it; empty takes the pull request's base
            (`GITHUB_BASE_REF`), else the default branch as far as it is known here.
        env: process environment, for `GITHUB_BASE_REF`.

    Raises:
        EvidenceMissing: there is no git, no repository, or no such base here.
    """
    start = _start(root, processes, base, env.get("GITHUB_BASE_REF", ""))
    listed = _git(processes, root, "diff", "--name-only", "-z", "--relative", "--diff-filter=d", start, "--", "*.py")
    new = _git(processes, root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py")
    files = [FileChange(path=path, lines=_lines(processes, root, start, path)) for path in _names(listed)]
    files += [FileChange(path=path, added=True, lines=_all(root / path)) for path in _names(new)]
    return Changes(base=start, files=tuple(file for file in files if file.lines))


def _start(root: Path, processes: ProcessRunner, base: str, pull_request: str) -> str:
    """Return the commit at which the work left its base."""
    named = (base,) if base else (f"origin/{pull_request}", pull_request) if pull_request else _USUAL
    for name in named:
        found = _git(processes, root, "merge-base", "--end-of-options", name, "HEAD", must=False)
        if found:
            return found.strip()
    raise EvidenceMissing(
        f"there is no common commit with {' or '.join(named)}",
        where=str(root),
        fix="fetch the base branch (actions/checkout with fetch-depth: 0), or set `base` in [tool.truegreen.mutation]",
    )


def _lines(processes: ProcessRunner, root: Path, start: str, path: str) -> frozenset[int]:
    plain = ("-U0", "--inter-hunk-context=0", "--relative", "--no-color", "--no-ext-diff", "--no-textconv")
    shown = _git(processes, root, "diff", *plain, start, "--", f":(literal){path}")
    found: set[int] = set()
    for row in (row for row in shown.split("\n") if row.startswith("@@")):
        if (match := _HUNK.match(row)) is None:
            raise EvidenceUnreadable(f"git's difference of {path} cannot be read", where=str(root), why=row[:80])
        first, number = int(match[1]), int(match[2] or 1)
        found |= set(range(first, first + number))
    return frozenset(found)


def _all(path: Path) -> frozenset[int]:
    text = path.read_bytes() if path.is_file() else b""
    return frozenset(range(1, text.count(b"\n") + (not text.endswith(b"\n")) + 1)) if text else frozenset()


def _names(listed: str) -> list[str]:
    return [name for name in listed.split("\0") if name]


def _git(processes: ProcessRunner, root: Path, *arguments: str, must: bool = True) -> str:
    """Return git's answer; empty where it has none and none is needed."""
    argv = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", *arguments]
    try:
        done = processes.run(argv, cwd=root, timeout_s=_LIMIT_S)
    except ToolMissing:
        raise EvidenceMissing("git is not installed, so nobody knows what changed", fix="install git") from None
    if done.ok:
        return done.stdout
    if not must:
        return ""
    raise EvidenceMissing(f"git {arguments[0]} gave no answer", where=str(root), why=done.tail(3))
