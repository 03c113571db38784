"""Which mutants of environment and wiring a project has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truegreen.app import wiring
from truegreen.stages.common import prove_run

if TYPE_CHECKING:
    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings


def check(shell: Shell, settings: Settings, names: tuple[str, ...]) -> None:
    """Refuse names of mutants that there are not, before anything is started.

    Raises:
        UnknownName: with the known ones.
    """
    if names:
        found = wiring.scan(shell, settings)
        options, persistence = settings.stages["prove"], settings.stages["persistence"].enabled
        prove_run.chosen(names, prove_run.candidates(found, options, persistence=persistence))
