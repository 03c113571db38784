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
from truegreen.model.verdict import Status
from truegreen.notifiers import transition as transitions
from truegreen.notifiers.base import Transition
from truegreen.notifiers.transition import NUMBERED, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.history import History, PastRun
    from truegreen.model.verdict import Report

_HEADS = "refs/heads/"
_RED = {status.value for status in Status if status.red}
_JUDGED = {status.value for status in Status if status is not Status.SKIPPED}


class _Fold:
    """The runs of a branch, one after the other in the order in which they began."""

    def __init__(self) -> None:
        self.red: list[str] = []
        """Stages that the newest run of each left red."""
        self.judged: dict[str, str] = {}
        self.last = ""
        self.first: PastRun | None = None
        """The first red run since the branch was green."""
        self.red_runs = 0
        self._said: list[tuple[str, Said]] = []

    @property
    def open(self) -> bool:
        """Whether the last that people heard is that something is red: in the order in which the runs ended."""
        in_time = sorted(self._said, key=lambda one: one[0])
        return bool(in_time) and in_time[-1][1] is not Said.GREEN

    def take(self, run: PastRun, said: Said | None) -> None:
        """Take the next run, and what it said; None where that was not kept, as by an older version."""
        if run.status not in _JUDGED:
            return
        judged = {stage.stage: stage.status in _RED for stage in run.stages if stage.status in _JUDGED}
        colours = {**judged, WHOLE: run.status in _RED and not judged}
        self.last = run.run
        self.judged |= dict.fromkeys(colours, run.run)
        before, is_red = self.red, any(colours.values())
        # A green run names every stage there is, the skipped ones too: what it does not name is no stage any more.
        named = {stage.stage for stage in run.stages}
        left = [stage for stage in before if stage not in colours and (stage in named or run.status in _RED)]
        self.red = [*left, *(stage for stage, red in colours.items() if red)]
        if is_red:
            self.first, self.red_runs = (self.first, self.red_runs + 1) if before else (run, 1)
        if said is None:
            said = Said.RED if self.red and not before else Said.GREEN if before and not self.red else Said.NOTHING
        if said is not Said.NOTHING:
            self._said.append((run.created, said))


def of(report: Report, past: History) -> Incident:
    """Return how the branch of a report stood, by the runs of it that are kept, for whoever is told of the report.

    Of a pull request nothing is known: whoever opens one has a say in what its runs leave.
    """
    known = Incident(key=transitions.key(report))
    runs = _of_branch(report, past.runs)
    if not runs:
        return known
    fold = _Fold()
    for run in runs:
        fold.take(run, past.said.get(run.run))
    known = msgspec.structs.replace(
        known,
        open=fold.open,
        stages=tuple(fold.red),
        judged=fold.judged,
        last_run=fold.last,
        updated_at=max(run.created for run in runs),
        opened_at=fold.first.created if fold.first else "",
        opened_commit=fold.first.commit if fold.first else "",
        red_runs=fold.red_runs,
    )
    if _behind(report, runs[-1]) and any(transitions.newest_word(known, report).values()):
        return msgspec.structs.replace(known, open=False)
    return known


def said(before: Incident, report: Report) -> Said:
    """Return what people hear of a report, given how its branch stood."""
    decision = transitions.decide(before, report)
    if decision.transition is Transition.OPENED:
        return Said.RED
    if decision.transition is not Transition.RECOVERED:
        return Said.NOTHING
    return Said.PARTLY_GREEN if decision.incident.open else Said.GREEN


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


def _behind(report: Report, newest: PastRun) -> bool:
    """Return whether there may be a run that is not known, and said that the branch is green again."""
    return newest.commit not in (report.provenance.commit, report.provenance.base_commit)
