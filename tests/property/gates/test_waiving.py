"""What no waiver names stays as red as it was, and a waiver that nothing needs is always found."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.support import evidence as good
from tests.support.evidence import FAIL, PASS, SKIP, session, stage

from truegreen.gates import judging
from truegreen.gates.base import RUN
from truegreen.gates.no_failures import NoFailures
from truegreen.gates.waivers import Waivers
from truegreen.model.testrun import TestRun
from truegreen.model.verdict import Status

outcomes = st.lists(st.sampled_from([PASS, FAIL, SKIP]), min_size=1, max_size=6)
numbers = st.lists(st.integers(0, 5), max_size=4, unique=True)


def judged(results, waivers):
    cases = TestRun(cases=tuple(good.case(n, outcome) for n, outcome in enumerate(results)))
    part = stage("unit", tests=cases, sessions=(session(len(results)),))
    run = good.governed(part, waivers=tuple(waivers), requirements=None)
    return {r.stage: r for r in judging.judge(run, {}, good.NO_HISTORY, gates=[NoFailures(), Waivers()])}


@given(outcomes, numbers, st.integers(-40, 40))
def test_waiver_with_items_never_hides_a_failure_that_it_does_not_name(results, named, shift):
    items = tuple(good.name(n) for n in named)
    row = good.waiver(items=items or (good.name(99),))
    mine = good.waiver(items=row.items, issued=row.issued + timedelta(shift), expires=row.expires + timedelta(shift))
    found = judged(results, [mine])["unit"].verdicts[0]
    failed = {n for n, outcome in enumerate(results) if outcome is FAIL}
    left = [outcome for n, outcome in enumerate(results) if n not in named]
    covered = mine.in_force(good.TODAY) and failed and failed <= set(named) and PASS in left
    assert (found.status is Status.WAIVED) is bool(covered)
    assert found.status.red is bool(not covered and (failed or PASS not in results))


@given(outcomes, numbers)
def test_waiver_is_called_needless_exactly_when_the_gate_passes_without_it(results, named):
    rows = [good.waiver(items=(good.name(n),), line=n + 1) for n in named]
    reports = judged(results, rows)
    verdict = reports["unit"].verdicts[0]
    about = next((v for v in reports[RUN].verdicts), None)
    red = {item.line - 1 for item in about.items if item.level == "error"} if about else set()
    failed = {n for n, outcome in enumerate(results) if outcome is FAIL}
    if verdict.status is Status.WAIVED:
        assert red == set(named) - failed
    elif verdict.status is Status.PASS:
        assert red == set(named)
    else:
        assert not red, "a waiver that does not suffice is not unused"


@given(st.permutations(range(4)))
def test_order_of_the_rows_changes_no_verdict(order):
    rows = [good.waiver(items=(good.name(n),), line=n + 1) for n in range(3)] + [good.waiver(line=4)]
    reports = judged([FAIL, FAIL, PASS, PASS], [rows[n] for n in order])
    assert reports["unit"].status is Status.WAIVED
    (about,) = reports[RUN].verdicts
    assert {item.line for item in about.items if item.level == "error"} == {3, 4}
