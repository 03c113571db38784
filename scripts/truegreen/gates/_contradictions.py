"""Where pytest's process, its session and its result file contradict each other; pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from truegreen.gates.base import count, some
from truegreen.model.testrun import BAD, Outcome, TestRun, TestSession
from truegreen.model.verdict import Item

if TYPE_CHECKING:
    from truegreen.model.evidence import StageRecord

Problem = tuple[str, str, tuple[Item, ...]]
"""Reason, remedy and items of a blind verdict."""
_FIRST_RUN = "pytest"
"""Name of the tool in the records; reruns of failed tests have a name of their own, and end as they please."""
_LOG = "read the stage's pytest log"
_SHOWN = 50


def of_process(sessions: tuple[TestSession, ...], records: tuple[StageRecord, ...]) -> Problem | None:
    """Return why the end of pytest's processes is not the end that its sessions tell of."""
    codes = [tool.exit_code for record in records for tool in record.tools if tool.name == _FIRST_RUN]
    if any(code is None for code in codes):
        return "pytest's process never came to its end", "read the stage's pytest log: it was killed or crashed", ()
    if killed := [code for code in codes if code is not None and code < 0]:
        return f"pytest's process was ended by signal {-killed[0]}", f"{_LOG}: it was killed or crashed", ()
    told = Counter(session.exit_code for session in sessions)
    if codes and Counter(codes) != told:
        ended, said = (", ".join(sorted(map(str, found.elements()))) for found in (Counter(codes), told))
        return f"pytest's process ended with exit code {ended}, its session with {said}", _LOG, ()
    for session in sessions:
        if session.collected != session.selected + session.deselected:
            lost = session.collected - session.selected - session.deselected
            return (
                f"{count(lost, 'test')} of {session.collected:,} collected disappeared without being deselected",
                "let the hook that drops them call `config.hook.pytest_deselected(items=...)`, or skip them",
                (),
            )
    return None


def of_results(sessions: tuple[TestSession, ...], tests: TestRun) -> Problem | None:
    """Return why the sessions and the results disagree about what failed."""
    red = {case.id for case in tests.records() if case.failed_once}
    hidden = sorted(
        test
        for session in sessions
        for test in session.failed
        if test not in red and f"{test} [{session.python}]" not in red
    )
    if hidden:
        reason = f"pytest saw {count(len(hidden), 'test')} fail whose result does not say so: {some(hidden)}"
        message = "failed in the session, and not in the results"
        items = tuple(Item(title=name, message=message, level="warning") for name in hidden[:_SHOWN])
        return reason, f"{_LOG}: something changed the results", items
    if any(session.exit_code == 1 and not session.failed for session in sessions) and not tests.count(*BAD):
        return "pytest says that something failed (exit code 1), and no test did", _LOG, ()
    if any(session.exit_code == 0 and session.failed for session in sessions):
        return "pytest says that all is well (exit code 0), and tests failed", _LOG, ()
    return None


def skipped_collections(sessions: tuple[TestSession, ...], tests: TestRun) -> set[str]:
    """Return the results that stand for a module or class that was skipped as a whole while it was collected."""
    nodes = {node for session in sessions for node in session.skipped_collections}
    # pytest writes a skipped module as a test with the module's dotted name.
    dotted = {node.removesuffix(".py").replace("/", ".") for node in nodes}
    skipped = (case.id for case in tests.records() if case.outcome is Outcome.SKIP)
    return {test for test in skipped if test in nodes or test.rpartition("::")[2].partition(" [")[0] in dotted}
