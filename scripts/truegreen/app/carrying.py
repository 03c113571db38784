"""Carrying the history from run to run: a branch of the repository, or a folder that the CI keeps."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import history
from truegreen.errors import StoreError, UsageError
from truegreen.runtime import files
from truegreen.runtime.data_branch import DataBranch

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

_TRIES = 12
_PAUSE_S = 0.4


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What was carried."""

    place: str
    new: int = 0
    """Runs that were taken in from there."""
    written: bool = False
    tries: int = 1
    """How often another writer was first, and one."""


def pull(shell: Shell, settings: Settings) -> Carried:
    """Take in what lies at the configured place; nothing there yet is no error.

    Raises:
        UsageError: no place is configured.
        StoreError: the place, or what lies there, cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
        copy = Path(folder) / history.NAME
        _fetch(shell, settings, copy)
        return Carried(place=_place(settings), new=_take(settings, copy))


def push(shell: Shell, settings: Settings) -> Carried:
    """Take in what lies at the configured place and put everything there; again where another writer was first.

    Raises:
        UsageError: no place is configured.
        StoreError: the place cannot be written, or others write to it without end.
    """
    new = 0
    for tries in range(1, _TRIES + 1):
        with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
            copy = Path(folder) / history.NAME
            expected = _fetch(shell, settings, copy)
            new += _take(settings, copy)
            copy.unlink(missing_ok=True)
            history.store(settings).copy(copy)
            if _replace(shell, settings, copy, expected):
                return Carried(place=_place(settings), new=new, written=True, tries=tries)
        shell.clock.sleep(_PAUSE_S * tries * random.random())  # noqa: S311 - apart from each other, not secret
    raise StoreError(
        "the history could not be pushed",
        where=_place(settings),
        why=f"another writer was first {_TRIES} times",
        fix="push again later, or let one job at a time push (`concurrency`)",
    )


def _place(settings: Settings) -> str:
    options = settings.history
    return f"branch {options.branch} at {options.remote}" if options.branch else f"folder {options.folder}"


def _branch(shell: Shell, settings: Settings) -> DataBranch:
    options = settings.history
    return DataBranch(settings.root, options.remote, options.branch, history.NAME, shell.processes)


def _kept(settings: Settings) -> Path:
    options = settings.history
    if not options.folder:
        raise UsageError(
            "no place is configured to carry the history to",
            where="[tool.truegreen.history]",
            fix='write branch = "truegreen-history", or folder = "…"',
        )
    return settings.root / options.folder / history.NAME


def _fetch(shell: Shell, settings: Settings, copy: Path) -> str:
    """Copy what lies at the place, and return which state of it that is."""
    if settings.history.branch:
        return _branch(shell, settings).read(copy)
    kept = _kept(settings)
    if kept.is_file():
        registry.load("store", "sqlite")(kept).copy(copy)
    return ""


def _take(settings: Settings, copy: Path) -> int:
    if not copy.is_file():
        return 0
    there, here = registry.load("store", "sqlite")(copy), history.store(settings)
    taken: int = here.merge(there.runs(here.digests()), there.incidents())
    return taken


def _replace(shell: Shell, settings: Settings, copy: Path, expected: str) -> bool:
    if settings.history.branch:
        return _branch(shell, settings).replace(copy, expected)
    kept = _kept(settings)
    files.folder(kept.parent)
    source = registry.load("store", "sqlite")(copy)
    registry.load("store", "sqlite")(kept).merge(source.runs(), source.incidents())
    return True
