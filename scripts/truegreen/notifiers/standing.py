"""How a branch stood before a run, by the runs of it that are kept: pure.

For a CI whose history no job may write while it notifies. Nothing remembers there what was told. What is red follows
from the verdicts of earlier runs; what people heard does not, as runs that overlap do not know of one another, so each
run keeps what it said. What may or may not have been told is told: twice rather than never.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.model.history import Said
from truegreen.model.incident import Incident, run_key
from truegreen.notifiers import transition as transitions
from truegreen.notifiers.base import Transition
from truegreen.notifiers.fold import Fold
from truegreen.notifiers.transition import NUMBERED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.history import History, PastRun
    from truegreen.model.verdict import Report

_HEADS = "refs/heads/"


def of(report: Report, past: History) -> Incident:
    """Return how the branch of a report stood, by the runs of it that are kept, for whoever is told of the report.

    Of a pull request nothing is known: whoever opens one has a say in what its runs leave.
    """
    known = Incident(key=transitions.key(report))
    runs = _of_branch(report, past.runs)
    if not runs:
        return known
    fold = Fold()
    for run in runs:
        fold.take(run, past.said.get(run.run))
    heard, untold = fold.heard()
    known = msgspec.structs.replace(
        known,
        open=heard,
        stages=fold.left_red(report),
        judged=fold.judged,
        last_run=fold.last,
        updated_at=max(run.created for run in runs),
        opened_at=fold.first.created if fold.first else "",
        opened_commit=fold.first.commit if fold.first else "",
        red_runs=fold.red_runs,
    )
    is_red = any(transitions.newest_word(known, report).values())
    if is_red and (untold or _behind(report, runs) or fold.lost_track()):
        return msgspec.structs.replace(known, open=False)
    if untold:  # with its end, and where its stage is not run again, as what is left: whatever else the run says
        return msgspec.structs.replace(known, open=True, stages=(*(s for s in known.stages if s != WHOLE), WHOLE))
    return known


def said(before: Incident, report: Report, past: History) -> Said:
    """Return what people hear of a report, given how its branch stood, and by which runs."""
    decision = transitions.decide(before, report)
    if decision.transition is Transition.OPENED:
        return Said.RED
    if decision.transition is Transition.RECOVERED:
        return Said.PARTLY_GREEN if decision.incident.open else Said.GREEN
    if decision.transition is Transition.STILL_FAILING:
        return Said.STILL_RED
    return Said.UNSURE if _behind(report, _of_branch(report, past.runs)) else Said.NOTHING


def _of_branch(report: Report, runs: Iterable[PastRun]) -> list[PastRun]:
    """Return the other runs of a report's branch, in the order in which they began."""
    origin, this = report.provenance, run_key(report.provenance)
    name = transitions.branch(report)
    if origin.pull_request is not None or name.startswith("pull/") or not NUMBERED.fullmatch(this):
        return []
    number = this.partition(".")[0]

    def same(run: PastRun) -> bool:
        if not origin.ref.startswith(_HEADS):  # a tag's runs are kept without its name
            return run.run.partition(".")[0] == number
        # Of the default branch speaks only what is known to be of it, and not a tag that is called like it.
        return run.branch == name and run.base == origin.base

    found = [run for run in runs if run.run != this and NUMBERED.fullmatch(run.run)]
    return sorted(filter(same, found), key=lambda run: tuple(map(int, run.run.split("."))))


def _behind(report: Report, runs: list[PastRun]) -> bool:
    """Return whether there may be a run that is not known, and said that the branch is green again."""
    return not runs or runs[-1].commit not in (report.provenance.commit, report.provenance.base_commit)
