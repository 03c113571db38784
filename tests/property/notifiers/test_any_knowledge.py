"""Whatever earlier runs a run knows, and in whatever order they end: what people heard last is set right."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.kept_branch import Branch, made

from truegreen.model.verdict import Report, Status
from truegreen.notifiers.base import Transition
from truegreen.notifiers.transition import decide

STAGES = ("lint", "unit", "e2e")
STATUSES = st.sampled_from([Status.PASS, Status.FAIL, Status.SKIPPED, Status.WAIVED, Status.BLIND])
RUN = st.tuples(st.integers(1, 6), st.integers(1, 2), st.tuples(*[STATUSES] * len(STAGES)), st.randoms())
RUNS = st.lists(RUN, max_size=8, unique_by=lambda run: run[:2])


def at(order: int, run: Report) -> Report:
    """Return a report that is made as the `order`-th."""
    origin = msgspec.structs.replace(run.provenance, created=f"2026-11-21T01:{order:02}:00Z")
    return msgspec.structs.replace(run, provenance=origin)


@settings(max_examples=300, deadline=None)
@given(runs=RUNS, red=st.booleans())
def test_standing_newest_run_that_knows_all_leaves_people_with_the_truth(runs: list[tuple], *, red: bool) -> None:
    branch = Branch()
    for order, (number, attempt, statuses, chance) in enumerate(runs):
        known = [name for name in branch.runs if chance.random() < 0.6]
        branch.end(at(order, made(f"{number}.{attempt}", **dict(zip(STAGES, statuses, strict=True)))), known=known)
    colour = Status.FAIL if red else Status.PASS
    last = at(50, made("9", **dict.fromkeys(STAGES, colour)))
    before = len(branch.titles)
    branch.end(last)
    if red:
        assert branch.last is Transition.OPENED or branch.partly, "a red is never silent after a green was told"
    else:
        assert branch.last is not Transition.OPENED, "an end is told"
        assert not branch.partly
    told = len(branch.titles)
    assert told - before <= 1
    again = branch.end(at(51, made("10", **dict.fromkeys(STAGES, colour))))
    assert again in (Transition.NONE, Transition.STILL_FAILING)
    assert len(branch.titles) == told, "nothing is told twice by runs that know all"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[STATUSES] * len(STAGES)), max_size=9))
def test_standing_runs_one_after_the_other_say_what_a_memory_would(runs: list[tuple[Status, ...]]) -> None:
    branch, incident = Branch(), None
    for number, statuses in enumerate(runs, start=1):
        run = made(str(number), **dict(zip(STAGES, statuses, strict=True)))
        decision = decide(incident, run)
        assert branch.end(run) is decision.transition
        incident = decision.incident
