"""What could not be judged, as a report: blind, with the reason and the remedy.

Silence would leave an older, greener word standing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from truegreen.app import gate, publish
from truegreen.app.shell import evidence
from truegreen.config import layers
from truegreen.config import settings as config
from truegreen.errors import ConfigurationError, TruegreenError
from truegreen.model.verdict import Item, Provenance, Report, StageReport, Status, Verdict
from truegreen.runtime import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from truegreen.app.shell import Shell
    from truegreen.config.settings import Settings

_PLACE = re.compile(r"(?:.*, )?(?P<path>[^:]+):(?P<line>\d{1,9})")
"""A file and a line, after the layer of the configuration it belongs to."""


def doubt(error: TruegreenError, stage: str) -> StageReport:
    """Return an error as a stage that is blind for it."""
    reason = error.what + (f": {error.why}" if error.why else "")
    items: tuple[Item, ...] = ()
    if place := _PLACE.fullmatch(error.where):
        path, line = place["path"], int(place["line"])
        items = (Item(title=f"{path}:{line}", message=reason, path=path, line=line),)
    verdict = Verdict(
        gate=stage, stage=stage, status=Status.BLIND, reason=reason, items=items, remedy=error.fix, code=error.code
    )
    return StageReport(stage=stage, status=Status.BLIND, headline=reason, verdicts=(verdict,))


def blind(error: TruegreenError, stage: str, provenance: Provenance) -> Report:
    """Return an error as a whole report."""
    place = f" ({found['path']}:{found['line']})" if (found := _PLACE.fullmatch(error.where)) else ""
    return Report(
        status=Status.BLIND, headline=error.what + place, stages=(doubt(error, stage),), provenance=provenance
    )


def tell(shell: Shell, error: Exception, settings: Settings | None) -> None:
    """Say everywhere that a run of the CI could not be judged: files, log, summary, outputs, forge.

    Args:
        shell: the effects.
        error: why; one that is not of ours is a bug, or the machine's.
        settings: of the project; None where they are what cannot be read.
    """
    cause = files.explained(error)
    known = settings or shipped(shell)
    stage = "configuration" if isinstance(cause, ConfigurationError) else "report"
    report = blind(cause, stage, _provenance(shell, known))
    ways: tuple[Callable[[], object], ...] = (
        lambda: gate.write_report(report, evidence(known.root, gate.REPORT).parent),
        lambda: gate.show(shell, report),
        lambda: gate.emit_summary(shell, report),
        lambda: gate.emit_outputs(shell, report),
        lambda: _publish(shell, report, known),
    )
    for say in ways:
        try:
            say()
        except Exception as refusal:  # noqa: BLE001 - one way of saying it that fails must not cost the others
            if (told := files.explained(refusal).lines()) != cause.lines():  # the caller tells the cause
                shell.console.error(told)


def _publish(shell: Shell, report: Report, settings: Settings) -> None:
    for line in publish.send(shell, report, settings).lines:
        shell.console.line(line)


def _provenance(shell: Shell, settings: Settings) -> Provenance:
    return msgspec.structs.replace(
        publish.provenance(shell, settings.root),
        pack_version=shell.pack_version,
        pack_commit=shell.pack_commit,
        created=shell.clock.iso(),
    )


def shipped(shell: Shell) -> Settings:
    """Return the shipped settings for the project around the working folder, whose own cannot be read."""
    try:
        root = layers.find_project(shell.cwd)
    except ConfigurationError:
        root = shell.cwd
    return config.shipped(root)
