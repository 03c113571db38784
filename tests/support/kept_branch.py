"""A branch whose runs notify by what is kept of earlier ones: each knows those that it is said to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from tests.support.reports import report

from truegreen.analysis import results
from truegreen.model.history import History, PastRun, Said
from truegreen.model.run import RunEvidence
from truegreen.model.verdict import Report, StageReport, Status
from truegreen.notifiers import standing
from truegreen.notifiers.base import Transition
from truegreen.notifiers.slackkit import message
from truegreen.notifiers.transition import decide

if TYPE_CHECKING:
    from collections.abc import Iterable


def commit(number: int) -> str:
    """Return the commit that was pushed as the `number`-th."""
    return f"{number:040x}"


def made(name: str, ref: str = "refs/heads/main", *, of: int = 0, nightly: bool = False, **stages: Status) -> Report:
    """Return the report of run `number.attempt` of a push: each run's commit follows that of the number before.

    `of` names another commit, and a nightly run is of one that was pushed before.
    """
    number, _, attempt = name.partition(".")
    rows = tuple(StageReport(stage=stage, status=status) for stage, status in stages.items())
    worst = next((s for s in (Status.FAIL, Status.BLIND, Status.WAIVED) if s in stages.values()), Status.PASS)
    if set(stages.values()) <= {Status.SKIPPED}:
        worst = Status.SKIPPED
    created = f"2026-11-21T{int(number) // 60:02}:{int(number) % 60:02}:00Z"
    told = report(worst, ref=ref, run_id=number, commit=commit(int(number)), created=created)
    origin = msgspec.structs.replace(
        told.provenance,
        run_attempt=int(attempt or 1),
        base=ref == "refs/heads/main",
        base_commit="" if nightly else commit((of or int(number)) - 1),
        commit=commit(of or int(number)),
        event="schedule" if nightly else "push",
    )
    return msgspec.structs.replace(told, stages=rows, provenance=origin)


class Branch:
    """The runs of a branch, and what was told of it."""

    def __init__(self) -> None:
        self.runs: dict[str, PastRun] = {}
        self.said: dict[str, Said] = {}
        self.titles: list[str] = []
        self.last: Transition | None = None
        """What people were told last."""
        self.partly = False
        """Whether that was the end of a part of it."""
        self.history: list[tuple[Report, Transition, bool]] = []
        """What ended, in that order: what was told, and whether people believe then that something is red."""

    def past(self, known: Iterable[str] | None = None) -> History:
        """Return what a run finds that knows these earlier runs; all, unless it is said."""
        names = [*self.runs] if known is None else [*known]
        said = {name: self.said[name] for name in names if name in self.said}
        return History(runs=tuple(self.runs[name] for name in reversed(names)), said=said)

    def end(
        self, ran: Report, known: Iterable[str] | None = None, *, old: bool = False, carried: Iterable[str] = ()
    ) -> Transition:
        """Let a run end, tell people, and keep it.

        An old version does not keep what it said, and nobody the stages that an attempt took from an earlier one.
        """
        stood = standing.of(ran, self.past(known))
        decision = decide(stood, ran)
        if decision.transition in (Transition.OPENED, Transition.RECOVERED):
            said = message.compose(decision.transition, ran, branch="main", incident=stood)
            self.titles.append(said["blocks"][0]["text"]["text"])
            self.last = decision.transition
            self.partly = decision.transition is Transition.RECOVERED and decision.incident.open
        believed = self.last is Transition.OPENED or self.partly
        self.history.append((ran, decision.transition, believed))
        kept = results.of(ran, RunEvidence(planned=())).run
        own = tuple(stage for stage in kept.stages if stage.stage not in {*carried})
        self.runs[kept.run] = msgspec.structs.replace(kept, stages=own)
        if not old:
            self.said[kept.run] = standing.said(stood, ran, self.past(known))
        return decision.transition
