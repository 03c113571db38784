"""`truegreen notify`: tell people about a failure on a branch, and about its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import gate, history, unjudged
from truegreen.errors import ExtraMissing, StoreError
from truegreen.notifiers import telling
from truegreen.notifiers.telling import Told

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings
    from truegreen.model.incident import Incident


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every notifier."""

    ok: bool
    lines: tuple[str, ...]
    told: tuple[Told, ...] = ()


class Memory:
    """What notifiers were told: a store that cannot be used is told, and silences nobody."""

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


def notify(shell: Shell, settings: Settings, folder: Path, *, dry_run: bool = False) -> Notified:
    """Tell every configured notifier (Slack by default) what the last report means for its branch."""
    report = gate.read_report(folder)
    memory = Memory(settings)
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
            )
        )
    lines = tuple(line for part in told for line in part.lines)
    if memory.problem:
        lines += (f"what was told before is not known, or not kept: {memory.problem}",)
    return Notified(ok=all(part.ok for part in told) and not memory.problem, lines=lines, told=tuple(told))


def without_configuration(shell: Shell, folder: Path) -> Notified:
    """Tell Slack in a CI that the default branch cannot be judged, where the configuration cannot be read either.

    What it says of other branches and of who is mentioned is not known, so nothing is told of those.
    """
    if not shell.console.ci or not gate.read_report(folder).provenance.base:
        return Notified(ok=False, lines=())
    return notify(shell, unjudged.shipped(shell), folder)
