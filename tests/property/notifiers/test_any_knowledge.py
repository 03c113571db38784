"""Whatever earlier runs a run knows, and in whatever order they end: what people heard last is set right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.kept_branch import Branch, made

from truegreen.model.verdict import Report, Status
from truegreen.notifiers.base import Transition
from truegreen.notifiers.transition import decide

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGES = ("lint", "unit", "e2e")
STATUSES = st.sampled_from([Status.PASS, Status.FAIL, Status.SKIPPED, Status.WAIVED, Status.BLIND])
SOME = st.tuples(*[STATUSES] * len(STAGES))
ANY = SOME | st.just((Status.SKIPPED,) * len(STAGES))
OWN = st.frozensets(st.sampled_from(STAGES))
"""Stages that a later attempt ran again: none where only the report was started again."""
LACKING = st.sampled_from(["", "", "", *STAGES])
RUN = st.tuples(st.integers(1, 6), st.integers(1, 3), ANY, OWN, LACKING, st.booleans(), st.randoms())
RUNS = st.lists(RUN, max_size=9, unique_by=lambda run: run[:2])
TWO = st.sampled_from([Status.PASS, Status.FAIL, Status.SKIPPED])
CLOSE = st.tuples(
    st.integers(1, 4), st.integers(1, 2), st.tuples(TWO, TWO), OWN, st.just(""), st.booleans(), st.randoms()
)
"""Runs of few kinds, so that they often meet."""


def at(order: int, run: Report) -> Report:
    """Return a report that is made as the `order`-th."""
    origin = msgspec.structs.replace(run.provenance, created=f"2026-11-21T01:{order:02}:00Z")
    return msgspec.structs.replace(run, provenance=origin)


def pushed(runs: list[tuple], *, each: bool) -> dict[int, tuple[int, bool]]:
    """Return the commit of each run, by its number, and whether it is a nightly one of a commit pushed before."""
    found: dict[int, tuple[int, bool]] = {}
    newest = last = 1
    for number, nightly in sorted({run[0]: run[5] for run in runs}.items()):
        newest += 0 if nightly else 1 if each else max(1, number - last)
        found[number], last = (newest, nightly), number
    return found


def ended(runs: list[tuple], *, each_pushed: bool = False) -> Iterator[tuple[Report, frozenset[str], object]]:
    """Yield drawn runs as they end, the attempts of each in their order, with what each took from an earlier one.

    Pushes have no run at times, unless it is said that each has one.
    """
    left: dict[int, dict[str, Status]] = {}
    attempts: dict[int, int] = {}
    commits = pushed(runs, each=each_pushed)
    for order, (number, _, drawn, own, lacking, _, chance) in enumerate(runs):
        attempts[number] = attempts.get(number, 0) + 1
        statuses = {name: status for name, status in zip(STAGES, drawn, strict=False) if name != lacking}
        carried: frozenset[str] = frozenset()
        if first := left.get(number):
            carried = frozenset(name for name, old in first.items() if name not in own and old is not Status.SKIPPED)
            drawn_again = {name: statuses.get(name, Status.SKIPPED) for name in first}
            statuses = {name: first[name] if name in carried else new for name, new in drawn_again.items()}
            judged = [name for name, old in first.items() if old is not Status.SKIPPED]
            statuses |= {name: Status.PASS for name in judged if statuses[name] is Status.SKIPPED}
        left[number] = statuses
        name = f"{number}.{attempts[number]}"
        run = made(name, of=commits[number][0], nightly=commits[number][1], **statuses)
        yield at(order, run), carried, chance


def colours(run: Report) -> dict[str, bool]:
    """Return the stages that a report judged, each with whether it is red."""
    return {stage.stage: stage.status.red for stage in run.stages if stage.status is not Status.SKIPPED}


def began(run: Report) -> tuple[int, int]:
    """Return the place of a run among those of its branch."""
    return int(run.provenance.run_id), run.provenance.run_attempt


def told_to_nobody(branch: Branch) -> list[Report]:
    """Return the red runs that nobody heard of: at their end people believed in green, and heard nothing after."""
    found: list[Report] = []
    for place, (run, said, believed) in enumerate(branch.history):
        if said in (Transition.OPENED, Transition.RECOVERED):
            found = []
        overtaking = [other for other, _, _ in branch.history[:place] if began(other) > began(run)]
        later = {stage for other in overtaking for stage in colours(other)}
        if any(red and stage not in later for stage, red in colours(run).items()) and not believed:
            found.append(run)
    return found


@settings(max_examples=400, deadline=None)
@given(
    runs=RUNS | st.lists(CLOSE, min_size=3, max_size=6, unique_by=lambda run: run[:2]),
    last=SOME.filter(lambda statuses: set(statuses) != {Status.SKIPPED}),
)
def test_standing_no_red_is_told_to_nobody(runs: list[tuple], last: tuple[Status, ...]) -> None:
    branch = Branch()
    for run, carried, chance in ended(runs):
        before = [*branch.runs]
        lag = chance.choice((0, 0, 1, 1, 2, 3))
        known = before[: len(before) - lag] + [name for name in before[len(before) - lag :] if chance.random() < 0.3]
        branch.end(run, known=known, carried=carried)
    branch.end(at(50, made("9", **dict(zip(STAGES, last, strict=True)))))
    assert told_to_nobody(branch) == []


@settings(max_examples=300, deadline=None)
@given(runs=RUNS, red=st.booleans())
def test_standing_newest_run_that_knows_all_leaves_people_with_the_truth(runs: list[tuple], *, red: bool) -> None:
    branch = Branch()
    for run, carried, chance in ended(runs):
        branch.end(run, known=[name for name in branch.runs if chance.random() < 0.6], carried=carried)
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


@settings(max_examples=400, deadline=None)
@given(RUNS)
def test_standing_runs_one_after_the_other_say_what_a_memory_would(runs: list[tuple]) -> None:
    branch, incident = Branch(), None
    for run, carried, _ in ended(sorted(runs, key=lambda run: run[:2]), each_pushed=True):
        decision = decide(incident, run)
        assert branch.end(run, carried=carried) is decision.transition
        incident = decision.incident


@settings(max_examples=300, deadline=None)
@given(RUNS)
def test_standing_attempt_whose_earlier_ones_were_not_kept_makes_nothing_green(runs: list[tuple]) -> None:
    branch, incident = Branch(), None
    for run, carried, chance in ended(sorted(runs, key=lambda run: run[:2]), each_pushed=True):
        incident = decide(incident, run).incident
        branch.end(run, carried=carried)
        assert branch.partly or branch.history[-1][1] is not Transition.RECOVERED or not incident.open
        number, attempt = began(run)
        for lost in [f"{number}.{other}" for other in range(1, attempt) if chance.random() < 0.5]:
            branch.runs.pop(lost, None)
            branch.said.pop(lost, None)
