"""The history store of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen import registry
from truegreen.app.shell import EVIDENCE
from truegreen.model.run import History

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.config.settings import Settings
    from truegreen.model.verdict import Report

NAME = "history.sqlite"


def path(settings: Settings) -> Path:
    """Return where the history is kept."""
    return settings.root / EVIDENCE / NAME


def load(settings: Settings, limit: int = 100) -> History:
    """Return the newest runs; empty when nothing was kept yet."""
    place = path(settings)
    return registry.load("store", "sqlite")(place).history(limit) if place.exists() else History()


def append(settings: Settings, report: Report) -> None:
    """Keep a report; the same run and attempt again replaces the first."""
    registry.load("store", "sqlite")(path(settings)).append(report)
