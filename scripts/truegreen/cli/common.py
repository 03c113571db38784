"""What several commands need: effects, settings, the plan, and JSON on standard output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from truegreen.app import event as events
from truegreen.app import plan as planning
from truegreen.app import shell as shells
from truegreen.config import settings as config
from truegreen.errors import UsageError
from truegreen.runtime.console import JSON

if TYPE_CHECKING:
    import argparse

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings


def shell(namespace: argparse.Namespace) -> Shell:
    """Return the effects, working in the folder of `--directory`.

    Raises:
        UsageError: there is no such folder; the project around it would be taken instead.
    """
    folder = Path(namespace.directory).resolve() if namespace.directory else None
    if folder is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {namespace.directory}", where="--directory", fix="name one that exists")
    return shells.make(cwd=folder, quiet=namespace.quiet)


def settings(effects: Shell, namespace: argparse.Namespace) -> Settings:
    """Return the settings of the project at or above the working folder."""
    return config.load(effects.cwd, assignments=namespace.set or (), env=effects.env)


def plan(effects: Shell, options: Settings, namespace: argparse.Namespace) -> planning.Plan:
    """Return the plan for the event of `--event`, else of the CI, else `local`."""
    event = events.current(effects)
    return planning.plan(
        namespace.event or event.name,
        on_default_branch=event.on_default_branch,
        is_tag=event.is_tag,
        labels=event.labels,
        only=tuple(namespace.stages),
        disabled=options.disabled(),
    )


def evidence_folder(options: Settings, namespace: argparse.Namespace) -> Path:
    """Return the folder of `--evidence`, else the project's own."""
    return Path(namespace.evidence).resolve() if namespace.evidence else options.root / shells.EVIDENCE


def print_json(effects: Shell, value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    effects.console.result(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), JSON)
