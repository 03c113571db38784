"""The change that a run judges: which files and lines, and what of them is code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.app import event as events
from truegreen.errors import TruegreenError
from truegreen.forge.event import PULL_REQUEST
from truegreen.model.changes import Changes
from truegreen.model.coverage import bits_of
from truegreen.runtime import diff, files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.changes import FileChange
    from truegreen.model.coverage import Coverage, FileCoverage
    from truegreen.model.verdict import Provenance

_SOURCE_LIMIT_BYTES = 8 << 20
_DESK = ("local", "")


class Found(msgspec.Struct, frozen=True):
    """The change, or why it cannot be known; both empty when there is none to judge."""

    changes: Changes | None = None
    unknown: str = ""


def find(shell: Shell, settings: Settings, origin: Provenance) -> Found:
    """Return what the run's change changes.

    A pull request and a merge queue have a base, and a desk has the default branch of `origin`; a push has
    none, since what it brings was merged already.
    """
    if origin.event in _DESK:
        asked = diff.Asked(uncommitted=True)
    elif origin.event in (*PULL_REQUEST, "merge_group"):
        asked = diff.Asked(base=origin.base_commit, head=origin.commit)
    else:
        return Found()
    try:
        return Found(diff.changes(settings.root, shell.processes, asked))
    except diff.CannotTell as error:
        return Found() if origin.event in _DESK else Found(unknown=str(error))


def asker(shell: Shell, settings: Settings) -> Callable[[], tuple[Changes | None, str]] | None:
    """Return how a stage learns what the run's change changes; None where no change waits to be merged."""
    origin = events.provenance(shell)
    if origin.event not in (*PULL_REQUEST, "merge_group"):
        return None

    def ask() -> tuple[Changes | None, str]:
        found = find(shell, settings, origin)
        return found.changes, found.unknown

    return ask


def with_code(changes: Changes, coverage: Coverage, root: Path) -> Changes:
    """Return the change with the lines of code of each changed file that the coverage does not tell all about.

    Args:
        changes: what git says.
        coverage: what was measured; only languages it holds are looked at.
        root: the project, as it is checked out.
    """
    from truegreen.analysis.executable import lines_of_code  # noqa: PLC0415 - a parser, which few runs need

    measured = {file.path: file for file in coverage.files}
    suffixes = {path.rpartition(".")[2] for path in measured}
    found = []
    for file in changes.files:
        if file.lines and file.path.rpartition(".")[2] in suffixes:
            text = _text(root, file)
            known = _whole(file, text)
            asked = _asked(known, measured.get(file.path))
            code = lines_of_code(_plain(text), file.path) if asked and text is not None else None
            found.append(msgspec.structs.replace(known, code=code))
        else:
            found.append(file)
    return msgspec.structs.replace(changes, files=tuple(found))


def _asked(file: FileChange, measured: FileCoverage | None) -> bool:
    """Return whether the coverage leaves open which changed lines are code; of other languages only the tool knows."""
    if measured is None:
        return True
    told = measured.executable | (measured.excluded or 0)
    return file.path.endswith((".py", ".pyw")) and bool(bits_of(file.lines) & ~told)


def _whole(file: FileChange, text: str | None) -> FileChange:
    """Return a change of all lines where some end with a carriage return alone, which git does not count as an end."""
    if text is None or "\r" not in text.replace("\r\n", ""):
        return file
    return msgspec.structs.replace(file, lines=frozenset(range(1, _plain(text).count("\n") + 2)))


def _plain(text: str) -> str:
    """Return a text with the ends of lines that Python reads, whatever they were."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _text(root: Path, file: FileChange) -> str | None:
    """Return the text of a changed file; None when it cannot be read, so that every changed line counts."""
    path = root / file.path
    try:
        if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
            return None
        return files.read_limited(path, _SOURCE_LIMIT_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    except (TruegreenError, OSError, ValueError):
        return None
