"""The history that a job of the same run collected from artifacts, as the jobs after it find it among the evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from truegreen.app import history
from truegreen.app.shell import EVIDENCE
from truegreen.errors import EvidenceError, EvidenceMissing, FileUnusable, StoreError
from truegreen.runtime import files

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

ARTIFACT = "truegreen-history"
"""Name of the artifact that holds the history; among the evidence that a job fetched, a folder of this name."""
LIMIT_BYTES = 256 << 20


def folder(shell: Shell) -> Path:
    """Return the folder for the history that is collected in this run."""
    return shell.cwd / (shell.env.get("TG_EVIDENCE") or EVIDENCE) / ARTIFACT


def fetch(shell: Shell, settings: Settings, copy: Path) -> None:
    """Copy the history that was collected in this run; that of a first run is there, and holds no run.

    Raises:
        StoreError: there is none, it came with the code, or it is no plain file within the limit.
    """
    given = folder(shell) / history.NAME
    if given.exists() and _in_checkout(shell, settings, given.resolve()):
        raise of_the_code(given)
    try:
        files.write_atomic(copy, files.read_limited(given, LIMIT_BYTES))
    except EvidenceMissing:
        why = "no job before this one collected the history, or that job did not come to its end"
        fix = "call history-artifacts.yml before the pipeline (docs/history.md), or read the log of that job"
        raise StoreError(f"this run has no artifact {ARTIFACT}", where=str(given), why=why, fix=fix) from None
    except (EvidenceError, FileUnusable) as error:
        raise StoreError(error.what, where=error.where, why=error.why, fix=error.fix) from None


def of_the_code(place: Path) -> StoreError:
    """Return why a history that came with the checkout is not believed."""
    return StoreError(
        "the history is a file of the code that is judged",
        where=str(place),
        why="whoever changes the code could write it; nothing in it is believed",
        fix="take it out of git (`git rm --cached`), and name a branch: history.branch",
    )


def _in_checkout(shell: Shell, settings: Settings, place: Path) -> bool:
    """Return whether a file lies where the code was checked out: links of the code lead there or away from there."""
    roots = [settings.root, *([Path(workspace)] if (workspace := shell.env.get("GITHUB_WORKSPACE")) else [])]
    return any(place.is_relative_to(root.resolve()) for root in roots)
