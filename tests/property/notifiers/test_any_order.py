"""In whatever order runs end, and whatever stages each had: nothing that is red is taken for repaired."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.reports import report

from truegreen.model.incident import Incident
from truegreen.model.verdict import Report, StageReport, Status
from truegreen.notifiers.base import Transition
from truegreen.notifiers.transition import decide

STAGES = ("lint", "unit", "e2e")
STATUSES = st.sampled_from([Status.PASS, Status.FAIL, Status.SKIPPED, Status.WAIVED, Status.BLIND])
RUNS = st.lists(
    st.tuples(st.integers(1, 6), st.tuples(*[STATUSES] * len(STAGES))), max_size=10, unique_by=lambda run: run[0]
)


def made(number: int, at: int, statuses: tuple[Status, ...]) -> Report:
    """Return the report of a run that ends as the `at`-th."""
    red = any(status.red for status in statuses)
    rows = tuple(StageReport(stage=name, status=status) for name, status in zip(STAGES, statuses, strict=True))
    told = report(Status.FAIL if red else Status.PASS, run_id=str(number), created=f"2026-11-21T{at:02}:00:00Z")
    return msgspec.structs.replace(told, stages=rows)


@settings(max_examples=200, deadline=None)
@given(RUNS)
def test_decide_any_order_keeps_every_stage_red_that_its_newest_run_left_red(
    runs: list[tuple[int, tuple[Status, ...]]],
) -> None:
    incident: Incident | None = None
    newest: dict[str, tuple[int, bool]] = {}
    last = 0
    for at, (number, statuses) in enumerate(runs):
        told = made(number, at, statuses)
        decision = decide(incident, told)
        for name, status in zip(STAGES, statuses, strict=True):
            if status is not Status.SKIPPED and number >= newest.get(name, (0, False))[0]:
                newest[name] = (number, status.red)
        red = {name for name, (_, is_red) in newest.items() if is_red}
        assert red <= set(decision.incident.stages)
        assert decision.incident.open == bool(decision.incident.stages)
        if decision.transition is Transition.RECOVERED:
            assert number > last, "only the newest run repairs"
        if number > last:
            judged = {name for name, status in zip(STAGES, statuses, strict=True) if status is not Status.SKIPPED}
            assert set(decision.incident.stages) & judged <= red
        if red - set(incident.stages if incident else ()):
            assert decision.transition in (Transition.OPENED, Transition.STILL_FAILING), "a new red is never silent"
        incident, last = decision.incident, max(last, number)
        again = decide(incident, told)
        assert (again.transition, again.incident) == (Transition.NONE, incident)
