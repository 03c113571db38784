"""How the branch stood before a run, handed from the job that reads the history to the one that tells people.

The job that judges has read what is kept of the branch; the one that notifies holds the webhook's address, and needs
neither a right more nor the history itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import kept_said
from truegreen.app import gate
from truegreen.errors import EvidenceUnreadable
from truegreen.model.incident import Incident, run_key
from truegreen.notifiers import standing
from truegreen.runtime import files

if TYPE_CHECKING:
    from pathlib import Path

    from truegreen.app.history import Keeper
    from truegreen.model.results import RunResults
    from truegreen.model.verdict import Report

BRANCH = "branch.json"
"""Name of the file, beside `verdict.json`."""
_LIMIT_BYTES = 4 << 20


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over."""

    run: str
    """The run that the branch is seen from."""
    incident: Incident
    unknown: str = ""
    """Why nothing is known of earlier runs; empty where it is."""


def leave(report: Report, keeper: Keeper, run: RunResults, folder: Path) -> RunResults:
    """Write how the branch stood beside a report below a folder, and return the run with what people hear by it."""
    stood = standing.of(report, keeper.past)
    handed = Handed(run=run_key(report.provenance), incident=stood, unknown=keeper.problem)
    files.write_atomic(folder / gate.REPORT / BRANCH, msgspec.json.encode(handed))
    said = kept_said.packed(standing.said(stood, report, keeper.past))
    return msgspec.structs.replace(run, parts={**run.parts, kept_said.PART: said})


def read(report: Report, folder: Path) -> Handed | None:
    """Return what was handed over beside a report below a folder; None where nothing was.

    Raises:
        EvidenceUnreadable: it is something else, or of another run.
    """
    path = folder / gate.REPORT / BRANCH
    if not path.is_file():
        return None
    try:
        found = msgspec.json.decode(files.read_limited(path, _LIMIT_BYTES), type=Handed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceUnreadable(f"{BRANCH} says nothing of a branch", where=str(path), why=str(error)) from None
    if found.run != run_key(report.provenance):
        raise EvidenceUnreadable(f"{BRANCH} is of another run", where=str(path), why=f"it is of run {found.run}")
    return found
