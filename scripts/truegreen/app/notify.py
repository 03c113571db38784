"""`truegreen notify`: tell people about a failure on a branch, and about its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen import registry
from truegreen.app import gate, history
from truegreen.notifiers import telling
from truegreen.notifiers.telling import Told

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What became of every notifier."""

    ok: bool
    lines: tuple[str, ...]
    told: tuple[Told, ...] = ()


def notify(shell: Shell, settings: Settings, folder: Path, *, dry_run: bool = False) -> Notified:
    """Tell every configured notifier (Slack by default) what the last report means for its branch."""
    report = gate.read_report(folder)
    store = history.store(settings)
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
                recall=store.incident,
                remember=store.remember,
                dry_run=dry_run,
            )
        )
    lines = tuple(line for part in told for line in part.lines)
    return Notified(ok=all(part.ok for part in told), lines=lines, told=tuple(told))
