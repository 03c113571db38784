"""Carrying the history from run to run: a branch of the repository, or a folder that the CI keeps."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import collected, history
from truegreen.errors import StoreError, UsageError
from truegreen.runtime import files
from truegreen.runtime.data_branch import DataBranch

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.results import RunResults

_TRIES = 12
_PAUSE_S = 0.8
_LONGEST_S = 40.0
"""Writers that met go apart: with a write of 3 s, thirty that begin within one second all come through (simulated),
where pauses that grow by the same step lose a fifth of twenty. All pauses together are about four minutes at most."""


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What was carried."""

    place: str
    new: int = 0
    """Runs that were taken in: here by `pull` and `push`, there by `keep`."""
    written: bool = False
    tries: int = 1
    """How often it was begun: once, and again after each other writer who was first."""
    runs: int = 0
    """Runs that `keep` left there."""
    size_bytes: int = 0
    """Size of the file that `keep` left there."""


def pull(shell: Shell, settings: Settings) -> Carried:
    """Take in what lies at the configured place; nothing there yet is no error.

    Raises:
        UsageError: no place is configured.
        StoreError: the place, or what lies there, cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
        copy = Path(folder) / history.NAME
        fetch(shell, settings, copy)
        return Carried(place=place(settings), new=_take(settings, copy))


def push(shell: Shell, settings: Settings) -> Carried:
    """Take in what lies at the configured place and put everything there; again where another writer was first.

    What is older than the configuration wants is forgotten first, so that the place does not grow without end.

    Raises:
        UsageError: no place is configured.
        StoreError: the place cannot be written, or others write to it without end.
    """
    new = 0

    def everything(copy: Path) -> Carried:
        nonlocal new
        new += _take(settings, copy)
        copy.unlink(missing_ok=True)
        history.forget(settings, history.store(settings), shell.clock.now())
        history.store(settings).copy(copy)
        return Carried(place=place(settings), new=new)

    return _write(shell, settings, everything)


def keep(shell: Shell, settings: Settings, run: RunResults) -> Carried:
    """Add one run to what lies at the configured place; again where another writer was first.

    The project's own store is left alone, and what is there is not read run by run: the work is that of one run. The
    same run and attempt again changes nothing.

    Raises:
        UsageError: no place is configured.
        StoreError: the place, or what lies there, cannot be used, or others write to it without end.
    """

    def one_more(copy: Path) -> Carried:
        with history.named(place(settings), copy):
            kept = registry.load("store", "sqlite")(copy)
            new = kept.merge([run])
            history.forget(settings, kept, shell.clock.now())
            kept.compact()
            runs = len(kept.digests())
        return Carried(place=place(settings), new=new, runs=runs, size_bytes=copy.stat().st_size)

    return _write(shell, settings, one_more)


def _write(shell: Shell, settings: Settings, change: Callable[[Path], Carried]) -> Carried:
    """Fetch, change and put back, until nobody else was there in between."""
    why = ""
    for tries in range(1, _TRIES + 1):
        with tempfile.TemporaryDirectory(prefix="truegreen-history-") as folder:
            copy = Path(folder) / history.NAME
            expected = fetch(shell, settings, copy)
            carried = change(copy)
            why = _replace(shell, settings, copy, expected)
            if not why:
                return msgspec.structs.replace(carried, written=True, tries=tries)
        if tries < _TRIES:
            pause_s = min(_LONGEST_S, _PAUSE_S * 2 ** (tries - 1))
            shell.clock.sleep(pause_s * random.random())  # noqa: S311 - apart from each other, not secret
    raise StoreError(
        "the history could not be pushed",
        where=place(settings),
        why=f"{why}, at the last of {_TRIES} attempts",
        fix="start the job again later",
    )


def check(shell: Shell, settings: Settings) -> None:
    """Refuse a branch or a remote that cannot be called that, before anything runs; asks nobody.

    Raises:
        WrongValue: history.branch or history.remote is no name.
    """
    if settings.history.branch:
        _branch(shell, settings)


def place(settings: Settings) -> str:
    """Return where the history is carried to, in words."""
    options = settings.history
    if options.artifacts:
        return f"the artifact {collected.ARTIFACT}"
    return f"branch {options.branch} at {options.remote}" if options.branch else f"folder {options.folder}"


def fetch(shell: Shell, settings: Settings, copy: Path) -> str:
    """Copy what lies at the configured place and return which state of it that is; nothing there leaves no copy.

    Raises:
        UsageError: no place is configured.
        StoreError: the place cannot be used.
    """
    if settings.history.branch:
        return _branch(shell, settings).read(copy)
    kept = _kept(settings)
    if kept.is_file():
        registry.load("store", "sqlite")(kept).copy(copy)
    return ""


def _branch(shell: Shell, settings: Settings) -> DataBranch:
    options = settings.history
    return DataBranch(
        settings.root, options.remote, options.branch, history.NAME, processes=shell.processes, clock=shell.clock
    )


def _kept(settings: Settings) -> Path:
    options = settings.history
    if options.artifacts:
        raise UsageError(
            "the history is kept in artifacts, which a job of each run collects",
            where="[tool.truegreen.history]",
            fix=f"call history-artifacts.yml; at a desk: `gh run download -n {collected.ARTIFACT}`, then "
            f"`truegreen history import {history.NAME}`",
        )
    if not options.folder:
        raise UsageError(
            "no place is configured to carry the history to",
            where="[tool.truegreen.history]",
            fix='write branch = "truegreen-history", or folder = "…"',
        )
    return settings.root / options.folder / history.NAME


def _take(settings: Settings, copy: Path) -> int:
    if not copy.is_file():
        return 0
    there, here = registry.load("store", "sqlite")(copy), history.store(settings)
    with history.named(place(settings), copy):
        taken: int = here.merge(there.runs(here.digests()), there.incidents())
    return taken


def _replace(shell: Shell, settings: Settings, copy: Path, expected: str) -> str:
    if settings.history.branch:
        return _branch(shell, settings).replace(copy, expected)
    kept = _kept(settings)
    files.folder(kept.parent)
    source, there = registry.load("store", "sqlite")(copy), registry.load("store", "sqlite")(kept)
    there.merge(source.runs(), source.incidents())
    history.forget(settings, there, shell.clock.now())
    return ""
