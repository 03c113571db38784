"""The history store of a project."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.analysis import results, this_run
from truegreen.app.shell import evidence
from truegreen.errors import FileUnusable, StoreDamaged, StoreError
from truegreen.model.history import History
from truegreen.model.run import RunEvidence
from truegreen.runtime import files

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.results import RunResults
    from truegreen.model.verdict import Report
    from truegreen.stores.sqlite_file import SqliteStore

NAME = "history.sqlite"
_RUNS = 2000
"""Newest runs that gates read: enough to show that fewer than one run in a hundred fails falsely."""
_PARTS = ("", "-wal", "-shm", "-journal")
"""SQLite keeps files beside the database; each of them is written through."""


def path(settings: Settings) -> Path:
    """Return where the history is kept."""
    if settings.history.path:
        named = settings.root / settings.history.path
        return files.inside(settings.root, named) if named.is_relative_to(settings.root) else named
    for part in _PARTS:
        evidence(settings.root, NAME + part)
    return evidence(settings.root, NAME)


def store(settings: Settings) -> SqliteStore:
    """Return the store of a project; nothing is made before something is kept."""
    opened: SqliteStore = registry.load("store", "sqlite")(path(settings))
    return opened


def load(settings: Settings, limit: int = 100) -> History:
    """Return the newest runs; empty when nothing was kept yet."""
    return store(settings).history(limit) if path(settings).exists() else History()


def compact(settings: Settings, now: datetime, keep_runs: int, keep_days: int) -> int:
    """Forget all but the newest runs, and those older than some days (0 keeps all), and give their space back."""
    if not path(settings).exists():
        return 0
    kept = store(settings)
    forgotten = kept.prune(keep_runs, _oldest(now, keep_days))
    kept.compact()
    return forgotten


def _oldest(now: datetime, keep_days: int) -> str:
    return (now - timedelta(days=keep_days)).strftime("%Y-%m-%dT%H:%M:%SZ") if keep_days else ""


class Keeper:
    """The history of a project for one verdict: whatever is wrong with it is told, and costs the verdict nothing."""

    def __init__(self, shell: Shell, settings: Settings) -> None:
        self._console = shell.console
        self._now = shell.clock.now
        self._settings = settings
        self._told: set[str] = set()
        self._run = RunEvidence()

    def load(self, run: RunEvidence) -> History:
        """Return the earlier runs that a run is compared with, and what is known of its tests.

        Empty, and told, when the store cannot be read. The evidence is what `append` keeps.
        """
        self._run = run
        try:
            place = path(self._settings)  # checked even where there is none yet: it may be a link
            if not place.exists():
                return History()
            asked = {stage.stage: set(stage.tests.ids()) for stage in run.stages if stage.tests}
            return store(self._settings).history(_RUNS, asked, this_run.environment(run.stages))
        except StoreError as error:
            self._tell(error)
            return History()

    def append(self, report: Report) -> None:
        """Keep a report and the tests it was made on; call it once the report is published.

        The same run and attempt again replaces the first; what is older than the configuration wants is forgotten.
        """
        try:
            self._append(results.of(report, self._run))
        except StoreError as error:
            self._tell(error)

    def _append(self, run: RunResults) -> None:
        try:
            self._put(run)
        except StoreDamaged as error:  # told by `load`, unless that part of the file was still whole
            self._tell(error)
            self._put(run)

    def _put(self, run: RunResults) -> None:
        kept, wanted = store(self._settings), self._settings.history
        kept.append(run)
        kept.prune(wanted.keep_runs, _oldest(self._now(), wanted.keep_days))

    def set_aside(self, error: StoreDamaged) -> None:
        """Keep a damaged store under another name, and say so."""
        self._tell(error)

    def _tell(self, error: StoreError) -> None:
        """Say once what is wrong and what to do; a damaged store is kept aside, never emptied."""
        fix = f"{error.fix or error.fix_default} ({error.code})"
        if isinstance(error, StoreDamaged):
            fix = f"{_keep_aside(path(self._settings))}; {error.fix_default} ({error.code})"
        line = f"warning: {error.what}: {error.why}; {fix}" if error.why else f"warning: {error.what}; {fix}"
        if line not in self._told:
            self._told.add(line)
            self._console.error([line])


def _keep_aside(place: Path) -> str:
    """Move a store and what lies beside it to the first free name that ends with `.broken`; say what became of it."""
    number, aside = 1, place.with_name(f"{place.name}.broken")
    while aside.exists():
        number += 1
        aside = place.with_name(f"{place.name}.{number}.broken")
    try:
        for part in _PARTS:
            found = place.with_name(place.name + part)
            if found.exists():
                with files.writing(found):
                    found.replace(aside.with_name(aside.name + part))
    except FileUnusable as error:
        return f"it could not be moved away ({error.why})"
    return f"it is kept as {aside.name}, and a new one begins"
