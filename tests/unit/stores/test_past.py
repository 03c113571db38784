"""What the history keeps of a report that the real gates made."""

from __future__ import annotations

import msgspec
from tests.support.reports import report

from truegreen.gates.flakiness import Flakiness
from truegreen.gates.no_failures import NoFailures
from truegreen.gates.tests_ran import TestsRan
from truegreen.model.evidence import RunState, StageRecord
from truegreen.model.history import History
from truegreen.model.run import RunEvidence, StageEvidence
from truegreen.model.testrun import Outcome, TestCase, TestRun, TestSession
from truegreen.model.verdict import Fact, Report, Status, Verdict
from truegreen.stores.past import past_run


def judged(cases: tuple[TestCase, ...]) -> Report:
    """Return a report on a unit stage with these cases, by the real gates."""
    ids = tuple(case.id for case in cases)
    session = TestSession(exit_code=1, collected=len(ids), selected=len(ids), ids=ids, finished=True)
    record = StageRecord(stage="unit", state=RunState.RAN)
    evidence = RunEvidence(
        stages=(StageEvidence(stage="unit", records=(record,), tests=TestRun(cases=cases), sessions=(session,)),),
        planned=("unit",),
    )
    gates = (TestsRan(), NoFailures(), Flakiness())
    verdicts = tuple(gate.evaluate(evidence, "unit", gate.Options(), History()) for gate in gates)
    base = report()
    return msgspec.structs.replace(base, stages=(msgspec.structs.replace(base.stages[1], verdicts=verdicts),))


def test_past_run_numbers_are_those_the_gates_saw() -> None:
    passed = [TestCase(id=f"t.py::test_{n}", outcome=Outcome.PASS) for n in range(1200)]
    failed = [TestCase(id=f"t.py::test_f{n}", outcome=Outcome.FAIL, attempts=(Outcome.FAIL,) * 2) for n in range(3)]
    flaky = TestCase(id="t.py::test_x", outcome=Outcome.PASS, attempts=(Outcome.FAIL, Outcome.PASS))
    past = past_run(judged((*passed, *failed, flaky)))
    assert (past.tests, past.failed, past.flaky) == (1204, 3, 1)


def test_past_run_green_run_has_no_failures() -> None:
    past = past_run(judged((TestCase(id="t.py::test_a", outcome=Outcome.PASS),)))
    assert (past.tests, past.failed, past.flaky) == (1, 0, 0)


def test_past_run_without_facts_is_zero_and_unknown() -> None:
    past = past_run(report(Status.PASS))
    assert (past.tests, past.failed, past.flaky, past.line_ratio) == (0, 0, 0, None)


def test_past_run_line_coverage_is_a_ratio() -> None:
    verdict = Verdict(
        gate="coverage", stage="unit", status=Status.PASS, reason="", facts=(Fact(label="lines", value="87.50 %"),)
    )
    base = report(Status.PASS)
    covered = msgspec.structs.replace(base, stages=(msgspec.structs.replace(base.stages[1], verdicts=(verdict,)),))
    assert past_run(covered).line_ratio == 0.875
