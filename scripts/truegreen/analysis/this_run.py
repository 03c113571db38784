"""The run that is judged, in the form in which the history keeps runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from truegreen.analysis import infrastructure
from truegreen.model.evidence import RunState
from truegreen.model.history import Followed, PastFailure, PastRun, PastStage
from truegreen.model.testrun import BAD, Outcome, TestRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History
    from truegreen.model.quarantine import Quarantined
    from truegreen.model.run import RunEvidence, StageEvidence
    from truegreen.model.testrun import TestCase


def of_stage(evidence: RunEvidence, stage: str) -> PastRun:
    """Return the run with one of its stages, as if it were a run of the past; without verdict and fingerprints."""
    seen = evidence.of(stage)
    tests = seen.tests or TestRun()
    red = tests.count(*BAD) > 0
    status = "fail" if red else "pass"
    past = PastStage(
        stage=stage,
        status=status,
        tests=tests.count() - tests.count(Outcome.SKIP),
        infrastructure=infrastructure.of_stage(seen) if red or not tests.count() else "",
    )
    return PastRun(
        commit=evidence.commit,
        created=max((record.started for record in seen.records), default=""),
        status=status,
        # Where only failed jobs ran again, the others' records are of an earlier attempt.
        run=max((record.run_id for record in seen.records), key=lambda run: (len(run), run), default=""),
        tree=tree(evidence),
        environment=environment(evidence.stages),
        stages=(past,),
        failures=tuple(_failure(stage, case) for case in tests.records() if case.failed_once),
    )


def followed(evidence: RunEvidence) -> Followed:
    """Return the tests that end red and those in quarantine, stage by stage."""
    ran = [(stage.stage, stage.tests) for stage in evidence.stages if stage.tests]
    found = {stage: frozenset(case.id for case in tests.bad()) for stage, tests in ran}
    held = {stage: _covered(evidence.quarantine, tests) for stage, tests in ran if evidence.quarantine}
    return Followed(tree=tree(evidence), red=_some(found), watched=_some(held))


def absent(history: History, stage: str, now: PastRun, tests: TestRun) -> dict[str, frozenset[str]]:
    """Return run → tests that failed or fail in a run of the same code, and did not run in this one.

    Args:
        history: earlier runs.
        stage: whose tests are meant.
        now: the run that is judged, as `of_stage` gives it.
        tests: what ran in it.
    """
    failed = {
        one.test
        for run in history.runs
        if run.tree and (run.tree, run.environment) == (now.tree, now.environment)
        for one in run.failures
        if one.stage == stage
    }
    known = dict(history.absent.get(stage, {}))
    if failed:
        skipped = {case.id for case in tests.records() if case.outcome is Outcome.SKIP}
        known[now.run] = frozenset(failed - (failed.intersection(tests.ids()) - skipped))
    return known


def _covered(rows: Iterable[Quarantined], tests: TestRun) -> frozenset[str]:
    return frozenset(test for test in tests.ids() if any(row.covers(test) for row in rows))


def _some(tests: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {stage: names for stage, names in tests.items() if names}


def tree(evidence: RunEvidence) -> str:
    """Return git's tree that all stages tested; empty when they tested several, or do not say."""
    ran = [record for stage in evidence.stages for record in stage.records if record.state is RunState.RAN]
    trees = {record.tree for record in ran}
    return trees.pop() if len(trees) == 1 else ""


def environment(stages: Iterable[StageEvidence]) -> str:
    """Return the digest of all that decided the results beside the code; empty when no stage with tests knows it."""
    return environment_of(record for stage in stages if stage.tests for record in stage.records)


def environment_of(records: Iterable[StageRecord]) -> str:
    """Return the digest of all that decided the results of some parts of a run; empty when none knows it."""
    found = sorted({record.environment for record in records} - {""})
    return found[0] if len(found) == 1 else hashlib.sha256("\n".join(found).encode()).hexdigest()[:16] if found else ""


def _failure(stage: str, case: TestCase) -> PastFailure:
    return PastFailure(stage=stage, test=case.id, attempts=case.attempts or (case.outcome,))
