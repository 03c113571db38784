"""The change that a run judges: which files and lines, and what of them is code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.app import event as events
from truegreen.errors import TruegreenError
from truegreen.forge.event import PULL_REQUEST
from truegreen.model.changes import Changes
from truegreen.runtime import diff, files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.changes import FileChange
    from truegreen.model.coverage import Coverage
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
    """Return the change with the lines of code of each changed file that the coverage does not tell about.

    Args:
        changes: what git says.
        coverage: what was measured; only languages it holds are looked at.
        root: the project, as it is checked out.
    """
    measured = {file.path for file in coverage.files}
    suffixes = {path.rpartition(".")[2] for path in measured}
    return msgspec.structs.replace(
        changes,
        files=tuple(
            msgspec.structs.replace(file, code=_code(root, file))
            if file.lines and file.path not in measured and file.path.rpartition(".")[2] in suffixes
            else file
            for file in changes.files
        ),
    )


def _code(root: Path, file: FileChange) -> frozenset[int] | None:
    """Return the lines of code; None when the file cannot be read, so that every changed line counts."""
    from truegreen.analysis.executable import lines_of_code  # noqa: PLC0415 - a parser, which few runs need

    path = root / file.path
    try:
        if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
            return None
        text = files.read_limited(path, _SOURCE_LIMIT_BYTES).decode("utf-8", "replace")
    except (TruegreenError, OSError, ValueError):
        return None
    return lines_of_code(text.removeprefix("\ufeff").replace("\r\n", "\n"), file.path)
