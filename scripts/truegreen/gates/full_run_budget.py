"""Gate: the whole run is fast enough."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.analysis.critical_path import Work, critical_path, saved_without
from truegreen.gates.base import RUN, BaseGate, GateOptions, seconds, some
from truegreen.model.verdict import Fact, Verdict

if TYPE_CHECKING:
    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence

_WORTH_TELLING_S = 1.0
"""Starts are kept in whole seconds."""


class FullRunBudgetOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.full-run-budget]`."""

    max_s: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    """Longest time of the whole run in seconds."""


class FullRunBudget(BaseGate):
    """The whole run, from its first stage's start to its last stage's end, stays within its time.

    **Proves** that a change is judged within `max-s`. Evidence of one CI run and attempt is measured as wall
    time; evidence put together from several runs, or made at a desk, as the time in which at least one stage ran.

    **Critical path**: the stages that the run's end waited for, one after another. The jobs of all stages are
    ready together, so a stage waits for nothing but its runner: where one runner (or a desk) worked through
    several stages, each of them is on the path; else the path is the one stage that ended last. What a stage
    stood waiting for a runner, its checkout and its installation included, is told beside it. A fact says what
    would be saved without the longest stage of the path, the others running as they did.

    **Blind when** a planned stage left no record, or a record does not say when it ran.

    **Options**: `max-s` (default 300).

    Example:
        [tool.truegreen.gates.full-run-budget]
        max-s = 300
    """

    id: ClassVar[str] = "full-run-budget"
    stages: ClassVar[frozenset[str]] = frozenset({RUN})
    needs: ClassVar[frozenset[str]] = frozenset()
    Options: ClassVar[type[GateOptions]] = FullRunBudgetOptions

    def evaluate(self, evidence: RunEvidence, stage: str, policy: FullRunBudgetOptions, history: History) -> Verdict:  # noqa: ARG002
        """Judge the records of all planned stages."""
        records = [record for name in evidence.planned for record in evidence.of(name).records]
        spans = [span for record in records if (span := _span(record)) is not None]
        took, how = _took(records, spans)
        facts = (*_path(records), *_facts(evidence.planned, records))
        reason = f"the run took {seconds(took)}"
        if took > policy.max_s:
            return self.failed(
                stage,
                f"{reason}, the budget is {seconds(policy.max_s)}",
                remedy="make the longest stage of the critical path faster, run stages beside each other, or shard it",
                facts=(Fact(label=how, value=seconds(took), wanted=f"at most {seconds(policy.max_s)}"), *facts),
            )
        silent = [name for name in evidence.planned if not evidence.of(name).records]
        if silent or not evidence.planned:
            why = f"{some(silent)} left no record" if silent else "nothing was planned"
            return self.blind(stage, f"the run cannot be timed: {why}", remedy="see the stages without evidence")
        if len(spans) != len(records):
            return self.blind(stage, "a record does not say when its stage ran", remedy="run the stage again")
        facts = (Fact(label=how, value=seconds(took), wanted=f"at most {seconds(policy.max_s)}"), *facts)
        return self.passed(stage, f"{reason} of {seconds(policy.max_s)}", facts=facts)


def _span(record: StageRecord) -> tuple[float, float] | None:
    """Return start and end in seconds since the epoch; None when the record does not say."""
    try:
        begin = datetime.fromisoformat(record.started).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    duration = record.duration_s
    return (begin, begin + duration) if 0 <= duration < float("inf") else None


def _took(records: list[StageRecord], spans: list[tuple[float, float]]) -> tuple[float, str]:
    """Return seconds and how they were measured."""
    if not spans:
        return 0.0, "wall time"
    runs = {record.run_id for record in records}
    if len(runs) == 1 and "" not in runs:
        return max(end for _, end in spans) - min(begin for begin, _ in spans), "wall time"
    busy, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        busy += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return busy, "time with a stage running"


def _path(records: list[StageRecord]) -> tuple[Fact, ...]:
    """Return the critical path and what the run would save without its longest stage.

    Nothing for evidence of several runs, between which nobody waited, or where a record does not say when it ran.
    """
    at_desk = all(not record.run_id for record in records)
    works = [
        Work(name=record.folder, begin_s=span[0], end_s=span[1], machine="desk" if at_desk else record.runner)
        for record in records
        if (span := _span(record)) is not None
    ]
    if len(works) != len(records) or len({record.run_id for record in records}) != 1:
        return ()
    path = critical_path(works)
    steps = [step.work.name + f" {seconds(step.work.duration_s)}" for step in path]
    if not at_desk:  # between two commands nothing of the run was waiting
        steps = [
            (f"waited {seconds(step.waited_s)} for a runner → " if step.waited_s >= _WORTH_TELLING_S else "") + text
            for step, text in zip(path, steps, strict=True)
        ]
    longest = max(path, key=lambda step: step.work.duration_s).work
    return (
        Fact(label="critical path", value=" → ".join(steps)),
        Fact(label=f"saved without {longest.name}", value=seconds(saved_without(works, longest))),
    )


def _facts(planned: tuple[str, ...], records: list[StageRecord]) -> tuple[Fact, ...]:
    """Return the stages by duration, longest first."""
    times = {name: max((r.duration_s for r in records if r.stage == name), default=0.0) for name in planned}
    ordered = sorted(times.items(), key=lambda entry: -entry[1])
    return tuple(Fact(label=name, value=seconds(took)) for name, took in ordered if 0 < took < float("inf"))
