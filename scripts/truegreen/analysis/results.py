"""What a run leaves to the history: from its evidence and its report, and put in one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from truegreen.analysis import fingerprint as fingerprints
from truegreen.analysis import identity, kept_coverage, kept_findings, kept_load
from truegreen.analysis import infrastructure as classes_of
from truegreen.analysis.attempts import decided
from truegreen.analysis.this_run import environment, tree
from truegreen.model.history import PastRun, PastStage
from truegreen.model.results import RunResults, TestResult
from truegreen.model.testrun import BAD, Outcome, TestCase
from truegreen.model.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from truegreen.model.run import RunEvidence, StageEvidence
    from truegreen.model.verdict import Report, StageReport

_HEADS = "refs/heads/"


def of(
    report: Report,
    evidence: RunEvidence,
    *,
    fingerprint: Callable[[TestCase], str] = fingerprints.of_case,
    infrastructure: Callable[[StageEvidence], str] = classes_of.of_stage,
    kept: Iterable[str] = (),
) -> RunResults:
    """Return what the history keeps of a run.

    Where only some jobs of a run were started again, the new attempt comes with evidence of an earlier one. The earlier
    attempt is a run of its own, so a stage that was not run again is no part of this one, and of a stage with shards
    that were not, only what ran again is kept: nothing counts twice. Without a CI, `identity` says the same of evidence
    that is judged again. A run without a key is not to be kept: other runs hold all of it.

    Args:
        report: the judged run.
        evidence: what it was judged on; its records name tree and environment.
        fingerprint: names what failed in a test, without what changes from run to run.
        infrastructure: names the class of infrastructure that failed in a stage, empty when none did.
        kept: keys of the runs that the history holds; they matter where no CI numbers the runs.
    """
    origin = report.provenance
    known = identity.of(report, evidence, kept)
    key = known.run
    earlier = {stage.stage for stage in evidence.stages if _of_an_earlier_attempt(stage, key)} | known.elsewhere
    own = [stage for stage in evidence.stages if stage.stage not in earlier]
    tests = {stage.stage: _tests(stage, fingerprint) for stage in own if stage.tests}
    sizes = {stage.stage: stage.tests.count() - stage.tests.count(Outcome.SKIP) for stage in own if stage.tests}
    every = [test for results in tests.values() for test in results]
    classes = {name: infrastructure(evidence.of(name)) for name in _asked(report, evidence)}
    run = PastRun(
        run=key,
        commit=origin.commit,
        created=origin.created,
        status=report.status.value,
        duration_s=report.duration_s,
        tests=sum(test.ran for test in every),
        failed=sum(decided(test.attempts) in BAD for test in every),
        flaky=sum(_disagrees(test) for test in every),
        line_ratio=_line_ratio(evidence),
        tree=tree(evidence),
        environment=environment(evidence.stages),
        branch=_branch(origin.ref, origin.pull_request),
        base=origin.base,
        stages=tuple(
            _stage(stage, sizes.get(stage.stage, 0), classes) for stage in report.stages if stage.stage not in earlier
        ),
    )
    return RunResults(
        run=run,
        results={stage: results for stage, results in tests.items() if results},
        parts=_parts(own, report) if origin.base else {},
        repository=origin.repository,
        ref=origin.ref,
        event=origin.event,
        run_url=origin.run_url,
    )


def _of_an_earlier_attempt(stage: StageEvidence, run: str) -> bool:
    """Return whether all of a stage's evidence was left by another attempt of the same run."""
    number = run.partition(".")[0]
    made = {record.run_id for record in stage.records}
    return bool(made) and run not in made and all(one.partition(".")[0] == number for one in made)


def _asked(report: Report, evidence: RunEvidence) -> list[str]:
    """Return the stages that may have failed with the infrastructure: planned, and red or without tests."""
    green = {stage.stage for stage in report.stages if not stage.status.red}
    return [name for name in evidence.planned if name not in green]


def _tests(stage: StageEvidence, fingerprint: Callable[[TestCase], str]) -> tuple[TestResult, ...]:
    cases = stage.tests.cases if stage.tests else ()
    return tuple(_test(case, fingerprint) for case in cases if case.id not in stage.carried)


def _test(case: TestCase, fingerprint: Callable[[TestCase], str]) -> TestResult:
    result = TestResult(test=case.id, attempts=case.attempts or (case.outcome,), duration_s=case.duration_s)
    return msgspec.structs.replace(result, fingerprint=fingerprint(case)) if result.failed else result


def _stage(report: StageReport, tests: int, classes: dict[str, str]) -> PastStage:
    return PastStage(
        stage=report.stage,
        status=report.status.value,
        duration_s=report.duration_s,
        tests=tests,
        infrastructure=classes.get(report.stage, ""),
    )


def _disagrees(test: TestResult) -> bool:
    return test.failed and Outcome.PASS in test.attempts


def _branch(ref: str, pull_request: int | None) -> str:
    if pull_request is not None:
        return f"pull/{pull_request}"
    return ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else ""


def _parts(stages: list[StageEvidence], report: Report) -> dict[str, bytes]:
    """Return what later runs are compared with; only runs of the default branch keep it."""
    coverage = next((stage.coverage for stage in stages if stage.stage == "unit"), None)
    findings = kept_findings.of(stages)
    green = [stage.stage for stage in report.stages if stage.status is Status.PASS]
    loads = kept_load.of(stages, green)
    return {
        **({kept_coverage.PART: kept_coverage.packed(coverage)} if coverage is not None and coverage.lines else {}),
        **({kept_findings.PART: kept_findings.packed(findings)} if findings else {}),
        **({kept_load.PART: kept_load.packed(loads)} if loads else {}),
    }


def _line_ratio(evidence: RunEvidence) -> float | None:
    """Return covered lines by all lines, 0 to 1, over the files of the first stage that measured them."""
    measured = next((stage.coverage for stage in evidence.stages if stage.coverage is not None), None)
    if measured is None:
        return None
    return measured.covered_lines / measured.lines if measured.lines else None


def combined(first: tuple[Outcome, ...], second: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """Return the attempts of two results of one name as those of one test: a failure never vanishes behind a pass.

    The result does not depend on their order.
    """
    one, other = sorted((first, second), key=_severity)
    return (*one, *other)


def _severity(attempts: tuple[Outcome, ...]) -> tuple[int, tuple[Outcome, ...]]:
    order = (Outcome.SKIP, Outcome.PASS, Outcome.FAIL, Outcome.ERROR)
    return order.index(attempts[-1]), attempts
