"""The report of the README's picture: `make demo FAULT=unwired` as the run of a pull request.

The names of tests, their messages and the figures are what that command printed; hashes and addresses are made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, record, stage
from tests.support.known_reports import judged

from truegreen.model.evidence import ToolRun
from truegreen.model.persistence import Demand, PersistenceEvidence, PhaseChanges, TestDemand
from truegreen.model.testrun import TestCase, TestRun, TestSession

if TYPE_CHECKING:
    from typing import Any

    from truegreen.model.run import StageEvidence
    from truegreen.model.testrun import Outcome
    from truegreen.model.verdict import Report

_PERSISTENCE = (
    "balance_is_known_afterwards",
    "credit_is_applied",
    "debit_after_credit_is_applied",
    "event_is_applied",
    "operation_of_another_account_is_apart",
    "overdraft_is_rejected",
    "reconcile_corrects_the_balance",
    "second_delivery_gives_the_same_result",
)
_WIRING = ("_repository-SqlRepository", "_cache-RedisCache", "_bus-JetStreamBus")
_TRACE = """    def test_factory_wires_the_dependency(service, dependency, kind):
>       assert isinstance(getattr(service, dependency), kind)
E       AssertionError: assert False
E        +  where False = isinstance(None, <class 'ledger.repository.SqlRepository'>)
E        +    where None = getattr(<ledger.service.OperationsService object>, '_repository')

tests/wiring/test_factory.py:25: AssertionError"""


def unwired() -> Report:
    """Return the report on an application whose factory lost the line that wires the repository."""
    unit = [f"tests/unit/test_operations.py::test_operation_{number}" for number in range(90)]
    stored = [f"tests/persistence/test_operations.py::test_{name}" for name in _PERSISTENCE]
    wired = [f"tests/wiring/test_factory.py::test_factory_wires_the_dependency[{given}]" for given in _WIRING]
    broken = {"message": "AssertionError: assert False", "detail": _TRACE, "line": 25}
    nothing = PersistenceEvidence(
        tier="A pg_walinspect",
        server_version="18.6",
        complete=True,
        phases=tuple(PhaseChanges(test=test, phase="call") for test in stored),
        demands=tuple(TestDemand(test=test, demand=Demand()) for test in stored),
    )
    stages = (
        stage("lint", records=(record("lint", duration_s=0.1),)),
        _tested(
            "unit", 17.8, [(test, PASS, {}) for test in unit], coverage=good.coverage(803, 197, "ledger/service.py")
        ),
        _tested("wiring", 7.9, [(wired[0], FAIL, broken), *((test, PASS, {}) for test in wired[1:])], 1),
        _tested("persistence", 6.9, [(test, PASS, {}) for test in stored], persistence=(nothing,)),
        stage("security-scan", records=(record("security-scan", duration_s=7.4),)),
    )
    later = dict.fromkeys(("e2e", "performance", "signed-image"), "runs on main and for releases; the label adds it")
    return judged(good.run(*stages, changes=None, not_planned=later))


def _tested(
    name: str, took_s: float, told: list[tuple[str, Outcome, dict[str, Any]]], exit_code: int = 0, **more: Any
) -> StageEvidence:
    """Return a stage whose tests ended as told: id, outcome, and what else is known of each."""
    cases = tuple(
        TestCase(id=test, outcome=outcome, duration_s=0.05, **{"file": test.partition("::")[0], **known})
        for test, outcome, known in told
    )
    ids = tuple(case.id for case in cases)
    session = TestSession(
        exit_code=exit_code,
        collected=len(ids),
        selected=len(ids),
        ids=ids,
        finished=True,
        watched=len(ids),
        failed=tuple(case.id for case in cases if case.outcome is FAIL),
        claims={},
    )
    ran = record(
        name, duration_s=took_s, tools=(ToolRun(name="pytest", version="9.0", exit_code=exit_code, duration_s=took_s),)
    )
    given: dict[str, Any] = {"tests": TestRun(cases=cases), "sessions": (session,), "records": (ran,), **more}
    return stage(name, **given)
