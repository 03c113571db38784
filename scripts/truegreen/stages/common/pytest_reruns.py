"""Running failed tests again, each time in a fresh process."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from truegreen.stages.common.pytest_process import tool

if TYPE_CHECKING:
    from truegreen.model.evidence import ToolRun
    from truegreen.stages.common.pytest_process import Pytest, Session

_LIMIT = 50
_WORD_LIMIT = 100_000
"""Bytes of one argument; the system refuses 128 KiB."""
_SHOWN = 3
_ROOTS = "wiring::"
"""How the names of tests begin that the plugin makes of the roots of an application."""


def failures(pytest: Pytest, limit: int) -> list[ToolRun]:
    """Run failed tests again until none fails, at most 50 of them: more is not flakiness.

    Files are called after the round: `junit-rerun-1.xml`, and so on.
    """
    tools: list[ToolRun] = []
    for number in range(1, limit + 1):
        session = pytest.session(f"-rerun-{number - 1}" if number > 1 else "")
        if session is None or len(session.again) > _LIMIT:
            break
        failed = [word for word in session.again if _speakable(word)]
        if not failed:
            break
        pytest.context.console.line(f"running {len(failed)} failed test(s) again, in a fresh process")
        env: dict[str, str] = {}
        if any(test.startswith(_ROOTS) for test in session.failed):
            # Tests of roots lie in no file that a command line could name: all are collected, and those stay.
            env, failed = pytest.only(session.failed, name=f"only-rerun-{number}.json"), [*pytest.context.options.tests]
        done = pytest.run([*pytest.again(session), *failed], suffix=f"-rerun-{number}", env=env)
        tools.append(tool(done, f"pytest rerun {number}"))
    return tools


def recovered(first: Session, last: Session | None, stage: str) -> list[str]:
    """Return how to find what made a test fail that passed by itself, where the order was random."""
    if last is None or not last.finished or not first.seed.isdecimal():
        return []
    passed = [test for test in first.failed if test in last.ids and test not in last.failed]
    return [
        f"{test} failed in this order and passed by itself; what it depends on: "
        f"truegreen bisect {stage} {shlex.quote(test)} --seed {first.seed}"
        for test in passed[:_SHOWN]
    ]


def _speakable(word: str) -> bool:
    """Return whether a test's name can be an argument; one that cannot is not run again, and stays failed."""
    return "\0" not in word and len(word.encode()) < _WORD_LIMIT
