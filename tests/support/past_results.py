"""Runs with results for tests of the history: by hand, and at random."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from truegreen.model.history import PastRun, PastStage
from truegreen.model.results import RunResults, TestResult
from truegreen.model.testrun import Outcome

PASS, FAIL, ERROR, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.SKIP


def result(test: str = "t.py::test_a", *attempts: Outcome, **more: Any) -> TestResult:
    """Return the result of a test; without attempts it simply passed."""
    return TestResult(test=test, attempts=attempts or (PASS,), **{"duration_s": 0.5, **more})


def run(number: int = 1, *results: TestResult, stage: str = "unit", **more: Any) -> RunResults:
    """Return a run of one stage, made in the minute of its number."""
    values: dict[str, Any] = {
        "run": f"{number}.1",
        "commit": f"{number:040x}",
        "created": f"2026-11-21T{number // 60:02}:{number % 60:02}:00Z",
        "status": "pass",
        "tree": f"{number:040x}",
        "environment": "e",
        "branch": "main",
        "base": True,
        "stages": (PastStage(stage=stage, status="pass", tests=len(results)),),
    }
    return RunResults(run=PastRun(**{**values, **more}), results={stage: results} if results else {})


_NAMES = st.sampled_from([f"t.py::test_{letter}" for letter in "abcdefgh"])
_ATTEMPTS = st.one_of(
    st.just((PASS,)), st.just((SKIP,)), st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=3).map(tuple)
)
_DURATIONS = st.sampled_from([0.0, 1e-6, 0.001, 0.5, 7.0, 4000.0, 1e9])
_MARKS = st.sampled_from(["", "AssertionError:1", "Timeout:2"])


@st.composite
def results(draw: st.DrawFn) -> tuple[TestResult, ...]:
    """Draw the results of one stage, sometimes with a name twice, sometimes all failing."""
    names = draw(st.lists(_NAMES, max_size=10))
    broken = draw(st.integers(0, 9)) == 0
    return tuple(
        TestResult(
            test=name,
            attempts=(FAIL,) if broken else draw(_ATTEMPTS),
            duration_s=draw(_DURATIONS),
            fingerprint=draw(_MARKS),
        )
        for name in names
    )


@st.composite
def runs(draw: st.DrawFn) -> RunResults:
    """Draw a run with few identities, trees and moments, so that they meet."""
    stages = draw(st.lists(st.sampled_from(["unit", "wiring", "e2e"]), unique=True, max_size=3))
    number = draw(st.integers(0, 5))
    header = PastRun(
        run=f"{number}.{draw(st.integers(1, 2))}",
        commit="c" * 40,
        created=f"2026-11-{draw(st.integers(1, 6)):02}T00:00:00Z",
        status=draw(st.sampled_from(["pass", "fail", "blind"])),
        tree=draw(st.sampled_from(["", "x", "y"])),
        environment=draw(st.sampled_from(["e", "f"])),
        base=draw(st.booleans()),
        line_ratio=draw(st.sampled_from([None, 0.5])),
        stages=tuple(PastStage(stage=stage, status="pass", duration_s=1.5) for stage in stages),
    )
    return RunResults(run=header, results={stage: draw(results()) for stage in stages}, repository="o/r")


histories = st.lists(runs(), max_size=8)
