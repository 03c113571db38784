"""The history store of a project."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.analysis import identity, results, this_run
from truegreen.app.shell import evidence
from truegreen.errors import ExtraMissing, FileUnusable, StoreDamaged, StoreError
from truegreen.model.history import History
from truegreen.model.run import RunEvidence
from truegreen.runtime import environ, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.errors import TruegreenError
    from truegreen.model.results import RunResults
    from truegreen.model.verdict import Report
    from truegreen.stores.base import Store

NAME = "history.sqlite"
_RUNS = 2000
"""Newest runs that gates read: enough to show that fewer than one run in a hundred fails falsely."""
_UNUSABLE = (StoreError, ExtraMissing)
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


def store(settings: Settings) -> Store:
    """Return the store of a project; nothing is made before something is kept.

    Raises:
        WrongValue: the address of a server is none, or a password stands where everybody reads it.
        StoreError: a variable with the address or the password is not set, or the repository has no name.
    """
    opened: Store
    if settings.history.url:
        from truegreen.app import server  # noqa: PLC0415 - most histories are files, and every start counts

        kind, address = server.address(settings, environ.current())
        opened = registry.load("store", kind)(address)
    else:
        opened = registry.load("store", "sqlite")(path(settings))
    return opened


def load(settings: Settings, limit: int = 100) -> History:
    """Return the newest runs; empty when nothing was kept yet."""
    return store(settings).history(limit)


def compact(settings: Settings, now: datetime, keep_runs: int, keep_days: int) -> int:
    """Forget all but the newest runs, and those older than some days (0 keeps all), and give their space back."""
    if not settings.history.url and not path(settings).exists():
        return 0
    kept = store(settings)
    forgotten = kept.prune(keep_runs, _oldest(now, keep_days))
    kept.compact()
    return forgotten


def forget(settings: Settings, kept: Store, now: datetime) -> int:
    """Let a store forget what is older than the configuration wants, and return how many runs that were."""
    wanted = settings.history
    return kept.prune(wanted.keep_runs, _oldest(now, wanted.keep_days))


@contextmanager
def named(place: str, copy: Path) -> Iterator[None]:
    """Say of a copy that cannot be used which place it is a copy of, and what to do there."""
    try:
        yield
    except StoreError as error:
        if error.where != str(copy):
            raise
        if not isinstance(error, StoreDamaged):
            raise StoreError(error.what, where=place, why=error.why, fix=error.fix) from None
        why = error.why.removesuffix("; nothing in it was changed")
        fix = (
            "build it anew (`truegreen history import FOLDER…`), take away what is there, and `truegreen history push`"
        )
        raise StoreDamaged("the history is damaged", where=place, why=why, fix=fix) from None


def _oldest(now: datetime, keep_days: int) -> str:
    return (now - timedelta(days=keep_days)).strftime("%Y-%m-%dT%H:%M:%SZ") if keep_days else ""


class Keeper:
    """The history of a project for one verdict: whatever is wrong with it is told, and costs the verdict nothing."""

    def __init__(self, shell: Shell, settings: Settings, copy_of: str = "") -> None:
        """Keep the history of a project, or read that of a place which the settings name a copy of."""
        self._console = shell.console
        self._now = shell.clock.now
        self._settings = settings
        self._copy_of = copy_of
        self._told: set[str] = set()
        self._run = RunEvidence()
        self._kept: tuple[str, ...] = ()
        self.past = History()
        """The earlier runs without their tests, and what people heard by each; empty until they were read."""
        self.problem = ""
        """Why the earlier runs could not be read; empty when they could."""
        self.runs = 0
        """Earlier runs that the run was compared with."""
        self.refused = ""
        """Why this run may not be kept; empty when it may."""

    def load(self, run: RunEvidence) -> History:
        """Return the earlier runs that a run is compared with, and what is known of its tests.

        Empty, and told, when the store cannot be read. The evidence is what `append` keeps.
        """
        self._run = run
        try:
            with named(self._copy_of, path(self._settings)) if self._copy_of else nullcontext():
                found = self._earlier()
        except _UNUSABLE as error:
            self.tell(error)
            return History(unreadable=self.problem)
        for one in found.damaged:
            self._console.error(
                [f"warning: {one}; it is left out, and the next runs replace it (`truegreen history check`)"]
            )
        self._kept = tuple(run.run for run in found.runs)
        runs = tuple(msgspec.structs.replace(one, failures=()) for one in found.runs)  # the rest may be large
        self.past = History(runs=runs, said=found.said)
        found = identity.others(found, run)
        self.runs = len(found.runs)
        return msgspec.structs.replace(found, unreadable=self.problem)

    def _earlier(self) -> History:
        # The path is asked for even where there is nothing yet: it may be a link.
        if not self._settings.history.url and not path(self._settings).exists():
            return History()
        asked = {stage.stage: set(stage.tests.ids()) for stage in self._run.stages if stage.tests}
        return store(self._settings).history(
            _RUNS, asked, this_run.environment(self._run.stages), this_run.followed(self._run)
        )

    def results(self, report: Report) -> RunResults:
        """Return what is to be kept of a report and the tests it was made on."""
        return results.of(report, self._run, kept=self._kept)

    def append(self, report: Report) -> None:
        """Keep a report and the tests it was made on, unless that is refused; call it once the report is published.

        The same run and attempt again replaces the first, and so does the same evidence where no CI numbers the runs;
        what is older than the configuration wants is forgotten. To a copy nothing is added: nobody would read it.
        """
        if self._copy_of or self.refused:
            return
        try:
            run = self.results(report)
            if run.run.run:
                self._append(run)
        except _UNUSABLE as error:
            self.tell(error)

    def _append(self, run: RunResults) -> None:
        try:
            self._put(run)
        except StoreDamaged as error:  # told by `load`, unless that part of the file was still whole
            self.tell(error)
            self._put(run)

    def _put(self, run: RunResults) -> None:
        kept = store(self._settings)
        kept.append(run)
        forget(self._settings, kept, self._now())

    def set_aside(self, error: StoreDamaged) -> None:
        """Keep a damaged store under another name, and say so."""
        self.tell(error)

    def tell(self, error: TruegreenError) -> None:
        """Say once what is wrong and what to do; a damaged file is kept aside, never emptied.

        A damaged server is left to people: others use it too. So is what a copy was made of.
        """
        self.problem = self.problem or (f"{error.what}: {error.why}" if error.why else error.what)
        fix = f"{error.fix or error.fix_default} ({error.code})"
        if isinstance(error, StoreDamaged) and not self._copy_of and not self._settings.history.url:
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
