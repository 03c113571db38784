"""Earlier runs made by hand, for tests of gates and mathematics that read history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from truegreen.model.history import PastFailure, PastRun, PastStage
from truegreen.model.testrun import Outcome

PASS, FAIL, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.ERROR
_START = datetime(2026, 11, 1, tzinfo=UTC)


def at(hours: float) -> str:
    """Return a time so many hours after the first run."""
    return (_START + timedelta(hours=hours)).isoformat()


def failure(test: str, *attempts: Outcome, stage: str = "unit", fingerprint: str = "") -> PastFailure:
    """Return a test that failed once, or whose attempts are given."""
    return PastFailure(stage=stage, test=test, attempts=attempts or (FAIL,), fingerprint=fingerprint)


def run(hours: float, *failures: PastFailure, tree: str = "", stage: str = "unit", **more: Any) -> PastRun:
    """Return a run of one stage with 100 tests; the tree is one of its own unless given."""
    red = any(not one.masked for one in failures)
    part: dict[str, Any] = {"stage": stage, "status": "fail" if red else "pass", "tests": 100}
    part.update({key: more.pop(key) for key in ("status", "tests", "infrastructure") if key in more})
    values: dict[str, Any] = {
        "commit": f"{hours}",
        "created": at(hours),
        "status": part["status"],
        "tree": tree or f"tree-{hours}",
        "environment": "env",
        "run": f"{hours}.1",
        "stages": (PastStage(**part),),
        "failures": failures,
    }
    return PastRun(**{**values, **more})


def clean(number: int, start: float = 1000.0, stage: str = "unit") -> tuple[PastRun, ...]:
    """Return clean runs, two hours apart, each of a tree of its own."""
    return tuple(run(start + 2 * step, stage=stage) for step in range(number))
