"""`truegreen notify`: tell people about a failure on a branch, and about its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import gate, handing, history, unjudged
from truegreen.errors import EvidenceError, ExtraMissing, StoreError
from truegreen.notifiers import telling
from truegreen.notifiers.telling import Told

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.handing import Handed
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.incident import Incident
    from truegreen.model.verdict import Report


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every notifier."""

    ok: bool
    lines: tuple[str, ...]
    told: tuple[Told, ...] = ()
    lost: bool = False
    """True when a message that was due was not accepted, and no later run tells it."""


class Memory:
    """What notifiers were told: a store that cannot be used is told, and silences nobody."""

    kept = True
    """What is remembered now is there at the next run."""

    def __init__(self, settings: Settings) -> None:
        """Remember in the history of a project; opened when it is asked."""
        self._settings = settings
        self.problem = ""
        """Why something could not be recalled or kept; empty when all could."""

    def recall(self, key: str) -> Incident | None:
        """Return what is remembered under a key; nothing where the store cannot be read."""
        try:
            return history.store(self._settings).incident(key)
        except (StoreError, ExtraMissing) as error:
            self.problem = error.what
            return None

    def remember(self, incident: Incident) -> None:
        """Keep it, where the store can be written."""
        try:
            history.store(self._settings).remember(incident)
        except (StoreError, ExtraMissing) as error:
            self.problem = error.what


class Branch:
    """What the runs of the branch were, as the job that judged handed it over; nothing is remembered."""

    kept = False

    def __init__(self, handed: Handed | None, problem: str) -> None:
        """Take what was handed over; None where it cannot be read."""
        self._handed = handed
        self.problem = problem

    def recall(self, key: str) -> Incident | None:
        """Return how the branch stood before this run; nothing where that is not known."""
        return msgspec.structs.replace(self._handed.incident, key=key) if self._handed else None

    def remember(self, incident: Incident) -> None:
        """Leave it: later runs know this one by what is kept of it."""


def _memory(settings: Settings, report: Report, folder: Path) -> Memory | Branch:
    try:
        handed = handing.read(report, folder)
    except EvidenceError as error:
        return Branch(None, error.what)
    return Branch(handed, handed.unknown) if handed else Memory(settings)


def notify(shell: Shell, settings: Settings, folder: Path, *, dry_run: bool = False) -> Notified:
    """Tell every configured notifier (Slack by default) what the last report means for its branch."""
    report = gate.read_report(folder)
    memory = _memory(settings, report, folder)
    told = []
    for name in settings.notify or ("slack",):
        notifier = registry.load("notifier", name)()
        options = settings.notify.get(name) or notifier.Options()
        told.append(
            telling.tell(
                notifier,
                report,
                options,
                env=shell.env,
                recall=memory.recall,
                remember=memory.remember,
                dry_run=dry_run,
                kept=memory.kept,
            )
        )
    lines = tuple(line for part in told for line in part.lines)
    if memory.problem:
        lines += (f"what was told before is not known, or not kept: {memory.problem}",)
    refused = any(not receipt.accepted for part in told for receipt in part.receipts)
    ok = all(part.ok for part in told) and not memory.problem
    return Notified(ok=ok, lines=lines, told=tuple(told), lost=refused and not memory.kept)


def without_configuration(shell: Shell, folder: Path) -> Notified:
    """Tell Slack in a CI that the default branch cannot be judged, where the configuration cannot be read either.

    What it says of other branches and of who is mentioned is not known, so nothing is told of those.
    """
    if not shell.console.ci or not gate.read_report(folder).provenance.base:
        return Notified(ok=False, lines=())
    return notify(shell, unjudged.shipped(shell), folder)
