"""Which run evidence is of: the CI's where there is one, else what the evidence itself is.

Without a CI nobody numbers the runs. The time of the judgement is no identity: the same evidence, judged again, would
be a run more, and whoever judges often enough would have his proof. So each stage with tests has a *mark*, a digest of
what its records hold, and a run is the marks that came with it. Where one stage was run again, the marks of the others
were kept before: they stay with the earlier run.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from truegreen.model.incident import run_key
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History, PastRun
    from truegreen.model.run import RunEvidence
    from truegreen.model.verdict import Report

_PREFIX = "desk-"
_DIGITS = 12
"""Hexadecimal digits of a mark: among a hundred thousand, two are the same once in 56,000 histories."""
_ALL = ""
"""Stage under which evidence without any test has its mark."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which run a report and its evidence are of."""

    run: str
    """Key in the history; empty when nothing of it is to be kept, because other runs hold all of it."""
    elsewhere: frozenset[str] = frozenset()
    """Stages that another run holds."""


def of(report: Report, evidence: RunEvidence, kept: Iterable[str] = ()) -> Identity:
    """Return the identity of a run.

    Args:
        report: its judgement; where a CI numbered the run, that is its identity.
        evidence: what was judged.
        kept: keys of the runs that the history holds.
    """
    if report.provenance.run_id:
        return Identity(run=run_key(report.provenance))
    judged = {stage.stage for stage in report.stages if stage.status is not Status.SKIPPED}
    found = {stage: mark for stage, mark in marks(evidence).items() if stage in judged or stage == _ALL}
    if not found:
        return Identity(run=run_key(report.provenance))
    holders = _holders(found, kept)
    new = found.keys() - holders.keys()
    if new:
        return Identity(run=_key(found[stage] for stage in new), elsewhere=frozenset(holders))
    run = holders[_newest(evidence, found)]
    if not _marks_in(run) <= set(found.values()):  # only a part of what that run holds was judged
        return Identity(run="", elsewhere=frozenset(holders))
    return Identity(run=run, elsewhere=frozenset(stage for stage in found if found[stage] not in _marks_in(run)))


def marks(evidence: RunEvidence) -> dict[str, str]:
    """Return stage → digest of what its records hold, of the stages with tests; of all as one where none has any."""
    tested = {stage.stage: stage.records for stage in evidence.stages if stage.tests is not None and stage.records}
    if not tested:
        every = tuple(record for stage in evidence.stages for record in stage.records)
        tested = {_ALL: every} if every else {}
    return {stage: _mark(stage, records) for stage, records in tested.items()}


def others(history: History, evidence: RunEvidence) -> History:
    """Return the history without what is kept of this very evidence: nothing is compared with itself."""
    if any(record.run_id for stage in evidence.stages for record in stage.records):
        return history  # a run of a CI is known by its number
    here = marks(evidence)
    runs = tuple(kept for run in history.runs if (kept := _without(run, here)) is not None)
    return msgspec.structs.replace(history, runs=runs)


def _without(run: PastRun, here: Mapping[str, str]) -> PastRun | None:
    """Return a run without the stages that are of the evidence; None when no other stage ran in it."""
    held = _marks_in(run.run)
    same = {stage for stage, mark in here.items() if mark in held}
    if not same:
        return run
    if held <= set(here.values()):
        return None
    return msgspec.structs.replace(
        run,
        stages=tuple(stage for stage in run.stages if stage.stage not in same),
        failures=tuple(one for one in run.failures if one.stage not in same),
    )


def _holders(found: Mapping[str, str], kept: Iterable[str]) -> dict[str, str]:
    """Return stage → key of the run that holds its mark."""
    wanted = {mark: stage for stage, mark in found.items()}
    return {wanted[mark]: run for run in kept for mark in _marks_in(run) if mark in wanted}


def _newest(evidence: RunEvidence, found: Mapping[str, str]) -> str:
    """Return the stage that was started last."""
    times = {stage.stage: max(record.started for record in stage.records) for stage in evidence.stages if stage.records}
    return max(found, key=lambda stage: (times.get(stage, ""), stage))


def _marks_in(run: str) -> frozenset[str]:
    """Return the marks of which a run's key consists; none for a run of a CI."""
    return frozenset(run.removeprefix(_PREFIX).split("-")) if run.startswith(_PREFIX) else frozenset()


def _key(found: Iterable[str]) -> str:
    return _PREFIX + "-".join(sorted(found))


def _mark(stage: str, records: Iterable[StageRecord]) -> str:
    text = msgspec.json.encode([stage, *sorted(map(_content, records))])
    return hashlib.sha256(text).hexdigest()[:_DIGITS]


def _content(record: StageRecord) -> tuple[str, ...]:
    """Return what makes a record the one it is.

    Files that were brought are known by their content alone: to take them in once more is no other run of the tests.
    """
    started = "" if record.ingested else record.started
    files = sorted(f"{file.kind} {file.sha256}" for file in record.files)
    return (record.shard, record.commit, record.tree, started, *files)
