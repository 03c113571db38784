"""Which files a scan is about, found by ourselves and not by the scanner."""

from __future__ import annotations

import ast
import os
import warnings
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

import msgspec

from truegreen.errors import ToolMissing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from truegreen.runtime.process import ProcessRunner

_GIT_LIMIT_S = 60.0
_PRUNED = {
    ".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".eggs", "build", "dist",
    ".truegreen", ".mypy_cache", ".ruff_cache", ".pytest_cache",
}  # fmt: skip


class Place(Protocol):
    """What is needed to look at a project; the context of a stage has it."""

    @property
    def root(self) -> Path:
        """The project's folder."""
        ...

    @property
    def processes(self) -> ProcessRunner:
        """Runs git."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """Environment of the project's own programs."""
        ...


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Files to scan, relative to the project, and paths of the configuration that are not there."""

    files: tuple[str, ...]
    missing: tuple[str, ...]
    """Each as `path: reason`."""


def find(context: Place, paths: Sequence[str], exclude: Sequence[str], suffixes: tuple[str, ...]) -> Sources:
    """Return the project's files below the paths that match no pattern of `exclude`.

    In a git work tree these are the tracked files and the new ones that are not ignored; elsewhere
    everything but environments, caches and build folders.
    """
    missing = tuple(f"{path}: no such file or folder" for path in paths if not (context.root / path).exists())
    present = [path for path in paths if (context.root / path).exists()]
    names = _from_git(context, present) if present else []
    if names is None:
        names = [name for path in present for name in _walk(context.root, path)]
    chosen = {
        name
        for name in names
        if name.endswith(suffixes)
        and not any(fnmatchcase(name, pattern) for pattern in exclude)
        and _is_ours(context.root, name)
    }
    return Sources(files=tuple(sorted(chosen)), missing=missing)


def half_parsed(root: Path, names: Iterable[str]) -> list[str]:
    """Return `path: reason` for each Python file that is not valid as a whole.

    Error-tolerant scanners go on after a syntax error without a word, and see only part of such a file.
    """
    found = []
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse((root / name).read_bytes(), filename=name)
        except SyntaxError as error:
            found.append(f"{name}: line {error.lineno or 0} does not parse ({error.msg}), only part of it was read")
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            found.append(f"{name}: {error}")
    return found


def _from_git(context: Place, paths: Sequence[str]) -> list[str] | None:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard", "--", *paths]
    try:
        done = context.processes.run(command, cwd=context.root, env=context.env, timeout_s=_GIT_LIMIT_S)
    except ToolMissing:
        return None
    return [name for name in done.stdout.split("\0") if name] if done.ok else None


def _walk(root: Path, path: str) -> list[str]:
    start = root / path
    if start.is_file():
        return [start.relative_to(root).as_posix()]
    found = []
    for folder, folders, names in os.walk(start):
        folders[:] = [name for name in folders if name not in _PRUNED]
        base = os.path.relpath(folder, root)
        found += [os.path.normpath(f"{base}/{name}") for name in names]
    return found


def _is_ours(root: Path, name: str) -> bool:
    """Return whether it is a file inside the project; a link may lead out of it."""
    path = root / name
    return path.is_file() and path.resolve().is_relative_to(root.resolve())
