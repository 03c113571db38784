"""The run that is judged, in the form in which the history keeps runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from truegreen.analysis import infrastructure
from truegreen.model.evidence import RunState
from truegreen.model.history import PastFailure, PastRun, PastStage
from truegreen.model.testrun import BAD, Outcome, TestRun

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def tree(evidence: RunEvidence) -> str:
    """Return git's tree that all stages tested; empty when they tested several, or do not say."""
    ran = [record for stage in evidence.stages for record in stage.records if record.state is RunState.RAN]
    trees = {record.tree for record in ran}
    return trees.pop() if len(trees) == 1 else ""


def environment(stages: Iterable[StageEvidence]) -> str:
    """Return the digest of all that decided the results beside the code; empty when no stage with tests knows it."""
    found = sorted({record.environment for stage in stages if stage.tests for record in stage.records} - {""})
    return found[0] if len(found) == 1 else hashlib.sha256("\n".join(found).encode()).hexdigest()[:16] if found else ""


def _failure(stage: str, case: TestCase) -> PastFailure:
    return PastFailure(stage=stage, test=case.id, attempts=case.attempts or (case.outcome,))
