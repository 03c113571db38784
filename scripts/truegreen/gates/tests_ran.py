"""Gate: the tests that were selected really ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from truegreen.gates import _contradictions as contradictions
from truegreen.gates import _ingested as ingested
from truegreen.gates.base import TESTED, BaseGate, GateOptions, StageName, count, some, tested
from truegreen.model.testrun import Outcome, TestRun, TestSession
from truegreen.model.verdict import Fact, Item, Status, Verdict

if TYPE_CHECKING:
    from truegreen.gates._contradictions import Problem
    from truegreen.model.evidence import StageRecord
    from truegreen.model.history import History
    from truegreen.model.run import RunEvidence, StageEvidence

_ENDED_BADLY = {
    2: "pytest was interrupted (exit code 2)",
    3: "pytest stopped on an internal error (exit code 3)",
    4: "pytest did not understand its command line, or what a test is marked with (exit code 4)",
    5: "pytest collected no tests (exit code 5)",
}
_NONE = 5
_UNDERSTOOD = (0, 1)
_NONE_SELECTED = (
    "mark tests for this stage (`@pytest.mark.<stage>`), remove the arguments that deselect them, or leave the "
    "stage out: `enabled = false` with a `why`"
)


_Least = Annotated[int, msgspec.Meta(ge=1)]


class TestsRanOptions(GateOptions, frozen=True, kw_only=True):
    """`[tool.truegreen.gates.tests-ran]`."""

    __test__ = False

    min_tests: _Least | dict[StageName, _Least] = 1
    """Least number of tests that must really run (skipped ones do not count), for each stage or stage by stage."""

    def least(self, stage: str) -> int:
        """Return the least number of tests of a stage."""
        own: dict[str, int] | int = self.min_tests  # type: ignore[assignment]
        return own.get(stage, 1) if isinstance(own, dict) else own


class TestsRan(BaseGate):
    """Every test that was selected ran and has a result; nothing was lost on the way.

    **Proves** that "no failures" means something: pytest came to its own end, collected without an error,
    ran at least `min-tests` tests, and its result file names exactly the tests that were selected. What pytest's
    process, its session and its result file say about the end and the failures agrees.

    **Blind when** no session was recorded; a session never ended or ended with exit code 2, 3, 4 or 5; pytest's
    process ended by a signal or with another exit code than its session; a file could not be collected; zero
    tests were selected; all were skipped; tests were dropped without being deselected; results are missing for
    selected tests or exist for unknown ones; session and results disagree about what failed.

    **A partial selection** is not the stage. Arguments after `--` that leave tests out (`-k`, `-m`, `--lf`, `--sw`,
    `--deselect`, `--ignore`, paths in place of the project's own) are for a desk: there the gate passes, and its
    reason and the fact `partial` say how many of how many tests ran. In CI (the variable `CI` is set) it is blind. It
    is blind everywhere when `PYTEST_ADDOPTS` or what pytest remembers of earlier runs (`--lf`, `--sw` in the
    configuration) left tests out. What the stage's `args`, the project's configuration or its `conftest.py` leave out
    is part of what the stage is: the reason and the fact `left out` name it. Modules that are skipped as a whole
    (`pytest.importorskip`) count as skipped.

    **Another test runner** (`truegreen ingest`) leaves no session. Its claim is carried by the counted results, the
    totals that its files declare, and the exit code of its command. Blind when that code is not told, tells of a
    signal, or disagrees with the results, and when a shard brought no result. What such a runner never collected
    is not seen: `min-tests` is the protection against that, and the fact `brought` says that it is so. Files that hold
    no test beside others that do are told in the facts.

    **Options**: `min-tests` (default 1): fewer tests that really ran are blind: a part of the suite is missing. One
    number for each stage, or a table from stage to number. Fewer tests than in the last run of the default branch
    are told as a fact, and turn nothing red.

    Example:
        [tool.truegreen.gates.tests-ran]
        min-tests = { unit = 400, e2e = 12 }
    """

    __test__ = False

    id: ClassVar[str] = "tests-ran"
    stages: ClassVar[frozenset[str]] = TESTED
    needs: ClassVar[frozenset[str]] = frozenset({"tests"})
    waivable: ClassVar[frozenset[Status]] = frozenset({Status.FAIL})
    Options: ClassVar[type[GateOptions]] = TestsRanOptions

    def applies(self, evidence: RunEvidence, stage: str, policy: TestsRanOptions) -> bool:  # noqa: ARG002
        """Return False only for a performance stage without pytest."""
        return tested(evidence.of(stage), stage)

    def evaluate(self, evidence: RunEvidence, stage: str, policy: TestsRanOptions, history: History) -> Verdict:
        """Judge the sessions against the results."""
        seen = evidence.of(stage)
        if lost := next((problem for problem in seen.problems if problem.kind == "sessions"), None):
            return self.blind(
                stage, lost.message, remedy=lost.fix or f"run `truegreen run {stage}` again", code=lost.code
            )
        brought = ingested.records(seen)
        alone = bool(brought) and len(brought) == len(seen.records)
        if seen.tests is None or not (seen.sessions or alone):
            return self.blind(
                stage, "no record of a pytest session", remedy=f"run `truegreen run {stage}` again", code="TG201"
            )
        tests, sessions = seen.tests, seen.sessions
        ran, least, skips = _ran(tests), policy.least(stage), tests.count(Outcome.SKIP)
        problem = ingested.problem(seen) or (None if alone else _of_sessions(seen, tests)) or _all_skipped(tests)
        facts = (*_facts(sessions, tests), *ingested.facts(seen), *_fewer_than_on_base(history, stage, ran))
        if problem:
            reason, remedy, items = problem
            return self.blind(stage, reason, remedy=remedy, facts=facts, items=items)
        if ran < least:
            return self.blind(
                stage,
                f"{count(ran, 'test')} ran, at least {least:,} are asked for",
                remedy="find out which tests or which shard are missing, or lower min-tests",
                facts=facts,
            )
        whole = "all that were selected" if sessions else "none was skipped"
        skipped = f"{skips:,} were skipped on purpose" if skips else whole
        words = (f"{count(ran, 'test')} ran", skipped, *_unmentioned(sessions))
        return self.passed(stage, ", ".join(words), facts=facts)


def _ran(tests: TestRun) -> int:
    return tests.count() - tests.count(Outcome.SKIP)


def _of_sessions(seen: StageEvidence, tests: TestRun) -> Problem | None:
    """Return the first contradiction between sessions, processes and results."""
    sessions = seen.sessions
    return (
        _sessions(sessions)
        or contradictions.of_process(sessions, seen.records)
        or _results(sessions, tests, ingested.tests(seen))
        or _all_skipped(tests)
        or contradictions.of_results(sessions, tests)
        or _partial(sessions, seen.records)
    )


def _all_skipped(tests: TestRun) -> Problem | None:
    if _ran(tests):
        return None
    return f"all {count(tests.count(), 'test')} were skipped", "run at least one, or take the stage out of the plan", ()


def _fewer_than_on_base(history: History, stage: str, ran: int) -> tuple[Fact, ...]:
    """Return a fact when the last run of the default branch had more tests; never red by itself."""
    past = (past for run in history.runs if run.base for past in run.stages if past.stage == stage and past.tests)
    last = next(past, None)
    if last is None or ran >= last.tests:
        return ()
    return (Fact(label="fewer than on the default branch", value=f"{ran:,}", wanted=f"{last.tests:,}"),)


def _sessions(sessions: tuple[TestSession, ...]) -> Problem | None:
    """Return why a session cannot be trusted; None when all ended on their own."""
    errors = sum(session.collection_errors for session in sessions)
    if errors:
        files = count(errors, "file")
        return f"{files} could not be collected, so their tests never ran", "fix the errors of collection", ()
    for session in sessions:
        code = session.exit_code
        if code in _ENDED_BADLY:
            return _ENDED_BADLY[code], _NONE_SELECTED if code == _NONE else "read the stage's pytest log", ()
        if not session.finished or code is None:
            return "a pytest session never came to its end", "read the stage's pytest log: it was killed or crashed", ()
        if code not in _UNDERSTOOD:
            return f"pytest ended with exit code {code}", "read the stage's pytest log", ()
        if session.uncalled:
            reason = f"{count(session.uncalled, 'test')} set up and never called"
            return reason, "take out what runs only set-ups, such as --setup-plan and --setup-only", ()
    return None


def _results(sessions: tuple[TestSession, ...], tests: TestRun, brought: int) -> Problem | None:
    """Return why the results do not belong to the sessions.

    Args:
        sessions: what pytest selected.
        tests: all results of the stage.
        brought: how many of them another test runner brought, in shards of their own.
    """
    selected = {test for session in sessions for test in session.ids}
    if not selected or any(session.selected <= 0 for session in sessions):
        return "no tests were selected", _NONE_SELECTED, ()
    have = set(tests.ids())
    lost = sorted(selected - have)
    if lost:
        reason = f"{count(len(lost), 'selected test')} left no result: {some(lost)}"
        return reason, "run the whole selection; -x and --maxfail stop early", _named(lost, "selected, and no result")
    extra = sorted(have - selected - contradictions.skipped_collections(sessions, tests))
    if len(extra) != brought:
        reason = f"{count(len(extra), 'result')} belong to tests that no session selected: {some(extra)}"
        return reason, "remove result files of other runs", _named(extra, "a result, and not selected")
    return None


def _partial(sessions: tuple[TestSession, ...], records: tuple[StageRecord, ...]) -> Problem | None:
    """Return why a part of the tests cannot stand for the stage; None when it is whole, or asked for at a desk."""
    unasked = any(session.unasked for session in sessions)
    in_ci = any(session.ci for session in sessions) or any(record.run_id for record in records)
    if not unasked and not (in_ci and any(session.asked for session in sessions)):
        return None
    remedy = "take what narrows the selection away, or deselect tests in the project's own configuration"
    return f"a partial selection is not the stage: {_part(sessions)}", remedy, ()


def _part(sessions: tuple[TestSession, ...]) -> str:
    """Return `2 of 5 tests, -k good`; empty when nothing narrowed the selection for this run."""
    words = tuple(dict.fromkeys(word for session in sessions for word in (*session.asked, *session.unasked)))
    if not words:
        return ""
    selected, left_out = (sum(getattr(s, name) for s in sessions) for name in ("selected", "left_out"))
    of = f"{selected:,} of {count(selected + left_out, 'test')}" if left_out else count(selected, "test")
    return ", ".join((of, *words))


def _left_out(sessions: tuple[TestSession, ...]) -> str:
    """Return what the project itself leaves out; empty when that is nothing."""
    standing = tuple(dict.fromkeys(word for session in sessions for word in session.standing))
    left_out = sum(session.left_out for session in sessions)
    if not left_out and not standing:
        return ""
    return ", ".join((count(left_out, "test"), *standing) if left_out else standing)


def _unmentioned(sessions: tuple[TestSession, ...]) -> tuple[str, ...]:
    """Return what a reader would not guess from `all that were selected`."""
    if part := _part(sessions):
        return (f"partial: {part}",)
    left_out = _left_out(sessions)
    return (f"left out by the project: {left_out}",) if left_out else ()


def _named(ids: list[str], message: str) -> tuple[Item, ...]:
    return tuple(Item(title=name, message=message, level="warning") for name in ids)


def _facts(sessions: tuple[TestSession, ...], tests: TestRun) -> tuple[Fact, ...]:
    selected = sum(session.selected for session in sessions)
    deselected = sum(session.deselected for session in sessions)
    skipped = tests.count(Outcome.SKIP)
    facts = [Fact(label="selected", value=f"{selected:,}")] if sessions else []
    facts.append(Fact(label="results", value=f"{tests.count():,}"))
    if deselected:
        facts.append(Fact(label="deselected", value=f"{deselected:,}"))
    if skipped:
        facts.append(Fact(label="skipped", value=f"{skipped:,}"))
    modules = tuple(dict.fromkeys(node for session in sessions for node in session.skipped_collections))
    named = [("skipped modules", some(list(modules)))] if modules else []
    part = _part(sessions)
    named += [("partial", part)] if part else [("left out", _left_out(sessions))]
    facts += [Fact(label=label, value=value) for label, value in named if value]
    return tuple(facts)
