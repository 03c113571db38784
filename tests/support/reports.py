"""Reports for tests of everything that shows one."""

from __future__ import annotations

from truegreen.model.verdict import Fact, Item, Provenance, Report, StageReport, Status, Verdict

SHA = "a" * 40


def items(count: int, *, name: str = "test_saves") -> tuple[Item, ...]:
    """Return failing tests with places."""
    return tuple(
        Item(title=f"tests/test_a.py::{name}_{n}", message=f"assert {n} == 1", path="tests/test_a.py", line=n + 1)
        for n in range(count)
    )


def report(
    status: Status = Status.FAIL,
    *,
    failing: int = 2,
    ref: str = "refs/heads/main",
    created: str = "2026-11-21T07:00:00Z",
    run_id: str = "77",
    commit: str = SHA,
    headline: str = "unit is red: 2 of 9 tests failed",
) -> Report:
    """Return a report with a green lint stage and a unit stage of the given status."""
    verdicts = (
        Verdict(
            gate="no-failures",
            stage="unit",
            status=status,
            reason=f"{failing} of 9 tests failed" if status.red else "9 tests passed",
            items=items(failing) if status.red else (),
            facts=(Fact(label="tests", value="9"),),
            remedy="fix the failing tests" if status.red else "",
        ),
    )
    green = StageReport(
        stage="lint", status=Status.PASS, headline="clean", duration_s=1.2, command="truegreen run lint"
    )
    unit = StageReport(
        stage="unit",
        status=status,
        headline=verdicts[0].reason,
        duration_s=4.1,
        command="truegreen run unit",
        verdicts=verdicts,
    )
    return Report(
        status=status,
        headline=headline if status.red else "all green",
        duration_s=5.3,
        stages=(green, unit),
        provenance=Provenance(
            repository="o/r",
            commit=commit,
            ref=ref,
            event="push",
            run_url="https://github.com/o/r/actions/runs/77",
            run_id=run_id,
            created=created,
        ),
    )
